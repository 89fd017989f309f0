"""HD95 and NSD of two masks, beside MONAI, SimpleITK and DeepMind's surface-distance: same masks, interleaved, one thread, CPU time.

    .venv/bin/python benchmarks/hd95.py [--quick]

Needs the extra ``bench``; what is not installed is "not run". A minute. MONAI's figures are ours to rounding. The others count otherwise: SimpleITK's own
recipe (its label contours on its distance maps) by its own surface voxels, surface-distance by elements of surface.
"""

from __future__ import annotations

from beside import faster, interleaved, machine, say  # isort: skip  # sets the threads

import argparse
from collections.abc import Callable
from functools import partial
from importlib import import_module

import numpy as np
from scipy import ndimage

from diaphane.ops.surface_distance import surface_distance

SHAPE, SPACING, TOLERANCE = (96, 160, 160), (2.0, 1.0, 1.0), 1.0
Measure = Callable[[np.ndarray, np.ndarray], tuple[float, float]]
"""HD95 in mm, NSD at ``TOLERANCE``."""


def organ(rng: np.random.Generator) -> np.ndarray:
    """One body with a rough surface."""
    k, j, i = (np.linspace(-1, 1, n) for n in SHAPE)
    rough = ndimage.gaussian_filter(rng.normal(size=SHAPE), 6) * 6
    return np.asarray((k[:, None, None] ** 2 + j[:, None] ** 2 + i**2) + rough < 0.4)


def blobs(rng: np.random.Generator) -> np.ndarray:
    """Many parts."""
    return np.asarray(ndimage.gaussian_filter(rng.normal(size=SHAPE), 4) > 0.01)


def ours(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """This project's."""
    apart = surface_distance(a, b, SPACING)
    return apart.hausdorff(), apart.within(TOLERANCE)


def monai() -> Measure:
    """MONAI's."""
    torch, metrics = import_module("torch"), import_module("monai.metrics")
    torch.set_num_threads(1)

    def measure(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
        pair = [torch.from_numpy(m[None, None].astype(np.uint8)) for m in (a, b)]
        far = metrics.compute_hausdorff_distance(*pair, include_background=True, percentile=95, spacing=SPACING)
        near = metrics.compute_surface_dice(*pair, class_thresholds=[TOLERANCE], include_background=True, spacing=SPACING)
        return float(far[0, 0]), float(near[0, 0])

    return measure


def simpleitk() -> Measure:
    """SimpleITK's recipe: distances from the contour of one mask, read at the contour of the other."""
    sitk = import_module("SimpleITK")
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)

    def measure(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
        images = [sitk.GetImageFromArray(m.astype(np.uint8)) for m in (a, b)]
        for image in images:
            image.SetSpacing(SPACING[::-1])
        edges = [sitk.LabelContour(image) for image in images]
        maps = [np.abs(sitk.GetArrayFromImage(sitk.SignedMaurerDistanceMap(edge, squaredDistance=False, useImageSpacing=True))) for edge in edges]
        there, back = (away[sitk.GetArrayFromImage(edge) > 0] for away, edge in zip(maps, reversed(edges), strict=True))
        return max(np.percentile(there, 95), np.percentile(back, 95)), float(np.mean(np.concatenate([there, back]) <= TOLERANCE))

    return measure


def deepmind() -> Measure:
    """The package surface-distance."""
    library = import_module("surface_distance")

    def measure(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
        found = library.compute_surface_distances(a, b, SPACING)
        return library.compute_robust_hausdorff(found, 95), library.compute_surface_dice_at_tolerance(found, TOLERANCE)

    return measure


PEERS: dict[str, Callable[[], Measure]] = {"MONAI": monai, "SimpleITK": simpleitk, "surface-distance": deepmind}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="two rounds")
    rounds = 2 if parser.parse_args().quick else 7
    say(f"Masks of {'x'.join(map(str, SHAPE))}, {rounds} rounds; {machine('monai', 'SimpleITK', 'surface-distance', 'edt')}.\n")
    say("| masks | beside | its CPU s | ours, CPU s | faster (quartiles) | HD95, its and ours | NSD, its and ours |")
    say("| --- | --- | --- | --- | --- | --- | --- |")
    for name, make in (("one organ", organ), ("many blobs", blobs)):
        rng = np.random.default_rng(1)
        a, b = make(rng), make(rng)
        own = ours(a, b)
        for peer, load in PEERS.items():
            try:
                measure = load()
            except ImportError as problem:
                say(f"| {name} | {peer} | not run: {problem} | | | | |")
                continue
            theirs = measure(a, b)
            took = interleaved({"theirs": partial(measure, a, b), "ours": partial(ours, a, b)}, rounds)
            words = " | ".join(f"{t:.4f}, {o:.4f}" for t, o in zip(theirs, own, strict=True))
            middle = [f"{np.median(took[who]):.3f}" for who in ("theirs", "ours")]
            say(f"| {name} | {peer} | {' | '.join(middle)} | {faster(took['theirs'], took['ours'])} | {words} |")


if __name__ == "__main__":
    main()
