"""HD95 and NSD of two masks, beside MONAI: same masks, interleaved, one thread each.

    .venv/bin/python benchmarks/surface_distance.py

Half a minute.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import torch
from monai.metrics import compute_hausdorff_distance, compute_surface_dice
from scipy import ndimage

from diaphane.ops.surface_distance import surface_distance

SHAPE, SPACING, ROUNDS = (96, 160, 160), (2.0, 1.0, 1.0), 7


def organ(rng: np.random.Generator) -> np.ndarray:
    """One body with a rough surface."""
    k, j, i = (np.linspace(-1, 1, n) for n in SHAPE)
    rough = ndimage.gaussian_filter(rng.normal(size=SHAPE), 6) * 6
    return np.asarray((k[:, None, None] ** 2 + j[:, None] ** 2 + i**2) + rough < 0.4)


def blobs(rng: np.random.Generator) -> np.ndarray:
    """Many parts."""
    return np.asarray(ndimage.gaussian_filter(rng.normal(size=SHAPE), 4) > 0.01)


def ours(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """HD95 in mm, NSD at 1 mm."""
    apart = surface_distance(a, b, SPACING)
    return apart.hausdorff(), apart.within(1.0)


def theirs(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """The same, by MONAI."""
    pair = [torch.from_numpy(m[None, None].astype(np.uint8)) for m in (a, b)]
    far = compute_hausdorff_distance(*pair, include_background=True, percentile=95, spacing=SPACING)
    return float(far[0, 0]), float(compute_surface_dice(*pair, class_thresholds=[1.0], include_background=True, spacing=SPACING)[0, 0])


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    sys.stdout.write(f"Masks of {'x'.join(map(str, SHAPE))}, {ROUNDS} rounds.\n\n| masks | MONAI, s | ours, s | faster (quartiles) | largest difference |\n")
    sys.stdout.write("| --- | --- | --- | --- | --- |\n")
    for name, make in (("one organ", organ), ("many blobs", blobs)):
        rng = np.random.default_rng(1)
        a, b = make(rng), make(rng)
        apart = np.abs(np.subtract(ours(a, b), theirs(a, b))).max()
        times = []
        for _ in range(ROUNDS):
            begun = [time.perf_counter()]
            for measure in (theirs, ours):
                measure(a, b)
                begun.append(time.perf_counter())
            times.append(np.diff(begun))
        slow, fast = np.median(times, axis=0)
        low, middle, high = np.quantile([t[0] / t[1] for t in times], [0.25, 0.5, 0.75])
        sys.stdout.write(f"| {name} | {slow:.3f} | {fast:.3f} | {middle:.1f}x ({low:.1f} to {high:.1f}) | {apart:.1e} |\n")


if __name__ == "__main__":
    main()
