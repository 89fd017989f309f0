"""Components, distance, surface, overlap, resampling, turning and cropping beside other libraries: same data, interleaved, one thread, CPU time.

    .venv/bin/python benchmarks/ops.py [--quick]

Needs the extra ``bench``. Some three minutes. A library that is not installed is "not run". HD95 and NSD have a file of their own.
"""

from __future__ import annotations

from beside import Way, faster, interleaved, machine, say  # isort: skip  # sets the threads

import argparse
from collections.abc import Callable
from importlib import import_module

import cv2
import numpy as np
from scipy import ndimage

from diaphane.core.geometry import Geometry
from diaphane.ops.components import numbered
from diaphane.ops.crop import box_of, cropped
from diaphane.ops.distance import distance
from diaphane.ops.orient import turned
from diaphane.ops.overlap import dice
from diaphane.ops.resample import resample_volume
from diaphane.ops.surface import surface

SPACING, PICTURE = (2.0, 1.0, 1.0), (2000, 3000)
LYING = np.array([[0, 0, 1.0], [1, 0, 0], [0, -1, 0]])
"""Directions of i, j, k in LPS of a volume that has to be turned and flipped."""
Ways = dict[str, Way]


class Data:
    """What every library is given."""

    def __init__(self, make: Callable[[np.random.Generator, tuple[int, ...]], np.ndarray], shape: tuple[int, ...]) -> None:
        rng = np.random.default_rng(1)
        self.mask, self.other = make(rng, shape), make(rng, shape)
        self.field = ndimage.gaussian_filter(np.pad(self.mask, 3).astype(np.float32), 1.0)[3:-3, 3:-3, 3:-3].copy()
        self.fine, self.coarse = (tuple(round(n * by) for n in shape) for by in (1.25, 0.6))
        k, j, i = LYING[:, ::-1].T[:, :, None] * np.array(SPACING)[:, None, None]
        self.lying = Geometry(np.block([[k, j, i, np.zeros((3, 1))], [np.array([0, 0, 0, 1.0])]]), calibrated=True)
        self.picture = rng.integers(0, 256, (*PICTURE, 3), np.uint8)
        self.outline = np.zeros(PICTURE, bool)
        self.outline[400:1500, 700:2200] = True


def blobs(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Some hundred parts with rough surfaces."""
    return np.asarray(ndimage.gaussian_filter(rng.normal(size=shape).astype(np.float32), 4) > 0.02)


def organ(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """One body with a rough surface."""
    k, j, i = (np.linspace(-1.2, 1.2, n, dtype=np.float32) for n in shape)
    rough = ndimage.gaussian_filter(rng.normal(size=shape).astype(np.float32), 6) * 6
    return np.asarray((k[:, None, None] ** 2 + j[:, None] ** 2 + i**2) + rough < 0.9)


def sitk_ways(data: Data) -> Ways:
    """SimpleITK's way for each question it knows."""
    sitk = import_module("SimpleITK")
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    image, second, values = (sitk.GetImageFromArray(a) for a in (data.mask.astype(np.uint8), data.other.astype(np.uint8), data.field))
    image.SetSpacing(SPACING[::-1])
    second.CopyInformation(image)
    grid = sitk.Image([*data.fine[::-1]], sitk.sitkFloat32)
    grid.SetSpacing([a / b for a, b in zip(data.mask.shape[::-1], data.fine[::-1], strict=True)])
    grid.SetOrigin([(s - 1) / 2 for s in grid.GetSpacing()])
    lying = sitk.GetImageFromArray(data.field)
    lying.SetDirection(LYING.ravel().tolist())
    picture, outline = sitk.GetImageFromArray(data.picture, isVector=True), sitk.GetImageFromArray(data.outline.astype(np.uint8))
    box = sitk.LabelShapeStatisticsImageFilter()

    def crop() -> object:
        box.Execute(outline)
        x, y, width, height = box.GetBoundingBox(1)
        return sitk.RegionOfInterest(picture, (width, height), (x, y))

    return {
        "components": lambda: sitk.ConnectedComponent(image, True),
        "distance": lambda: sitk.SignedMaurerDistanceMap(image, insideIsPositive=True, squaredDistance=False, useImageSpacing=True),
        "overlap": lambda: sitk.LabelOverlapMeasuresImageFilter().Execute(image, second),
        "resample, finer": lambda: sitk.Resample(values, grid, sitk.Transform(), sitk.sitkLinear),
        "orient": lambda: sitk.DICOMOrient(lying, "LPS"),
        "crop": crop,
    }


def scipy_ways(data: Data) -> Ways:
    """SciPy's."""
    zoom = [a / b for a, b in zip(data.fine, data.mask.shape, strict=True)]
    return {
        "components": lambda: ndimage.label(data.mask, np.ones((3, 3, 3))),
        "distance": lambda: ndimage.distance_transform_edt(data.mask, sampling=SPACING),
        "resample, finer": lambda: ndimage.zoom(data.field, zoom, order=1, grid_mode=True, mode="nearest"),
        "crop": lambda: np.array(data.picture[ndimage.find_objects(data.outline.view(np.uint8))[0]]),
    }


def monai_ways(data: Data) -> Ways:
    """MONAI's and torch's."""
    torch, metrics, transforms, meta = (import_module(name) for name in ("torch", "monai.metrics", "monai.transforms", "monai.data"))
    torch.set_num_threads(1)
    pair = [torch.from_numpy(m[None, None]) for m in (data.mask, data.other)]
    whole = torch.from_numpy(data.field[None])
    finer, coarser = (transforms.Resize(size, mode=mode) for size, mode in ((data.fine, "trilinear"), (data.coarse, "area")))
    affine = np.diag([-1.0, -1, 1, 1]) @ np.block([[LYING, np.zeros((3, 1))], [np.array([0, 0, 0, 1.0])]])
    lying, orient = meta.MetaTensor(data.field.transpose(2, 1, 0).copy()[None], affine=affine), transforms.Orientation("LPS", labels=None)
    picture, outline = torch.from_numpy(data.picture.transpose(2, 0, 1).copy()), torch.from_numpy(data.outline[None])
    crop = transforms.CropForeground(select_fn=lambda _: outline, allow_smaller=True)
    return {
        "overlap": lambda: metrics.compute_dice(*pair),
        "resample, finer": lambda: finer(whole),
        "resample, coarser": lambda: coarser(whole),
        "orient": lambda: orient(lying).contiguous(),
        "crop": lambda: crop(picture).contiguous(),
    }


def skimage_ways(data: Data) -> Ways:
    """scikit-image's."""
    measure, filters, transform = (import_module(f"skimage.{name}") for name in ("measure", "filters", "transform"))
    return {
        "components": lambda: measure.label(data.mask, connectivity=3),
        "surface": lambda: measure.marching_cubes(filters.gaussian(np.pad(data.mask, 3).astype(np.float32), 1.0, truncate=3), 0.5),
        "resample, coarser": lambda: transform.resize(data.field, data.coarse, order=1, anti_aliasing=True),
        "crop": lambda: measure.regionprops(data.outline.view(np.uint8), data.picture)[0].image_intensity,
    }


def our_ways(data: Data) -> Ways:
    """This project's."""
    return {
        "components": lambda: numbered(data.mask, corners=True),
        "distance": lambda: distance(data.mask, SPACING),
        "surface": lambda: surface(data.mask, Geometry()),
        "overlap": lambda: dice(data.mask, data.other),
        "resample, finer": lambda: resample_volume(data.field, data.fine),
        "resample, coarser": lambda: resample_volume(data.field, data.coarse),
        "orient": lambda: np.ascontiguousarray(turned(data.field, data.lying)),
        "crop": lambda: cropped(data.picture, box_of(data.outline)).copy(),
    }


PEERS: dict[str, Callable[[Data], Ways]] = {"SciPy": scipy_ways, "SimpleITK": sitk_ways, "scikit-image": skimage_ways, "MONAI": monai_ways}


def table(name: str, data: Data, rounds: int) -> None:
    """One kind of data: a line a question and peer."""
    ours, theirs, missing = our_ways(data), dict[str, Ways](), dict[str, str]()
    for peer, ways in PEERS.items():
        try:
            theirs[peer] = ways(data)
        except ImportError as problem:
            missing[peer] = str(problem)
    say(f"\n| {name} | ours, CPU s | beside | its CPU s | faster (quartiles) |\n| --- | --- | --- | --- | --- |")
    for question, way in ours.items():
        took = interleaved({"ours": way} | {peer: ways[question] for peer, ways in theirs.items() if question in ways}, rounds)
        own = took.pop("ours")
        for peer, taken in took.items():
            say(f"| {question} | {np.median(own):.4f} | {peer} | {np.median(taken):.4f} | {faster(taken, own)} |")
    for peer, problem in missing.items():
        say(f"| all | | {peer} | not run: {problem} | |")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small volumes, three rounds")
    quick = parser.parse_args().quick
    cv2.setNumThreads(1)
    shape, rounds = ((60, 120, 120), 3) if quick else ((160, 256, 256), 5)
    by = machine("numpy", "scipy", "SimpleITK", "scikit-image", "monai", "opencv-contrib-python-headless", "connected-components-3d", "edt")
    say(f"{'x'.join(map(str, shape))} voxels; crop: a picture of {'x'.join(map(str, PICTURE))}; {rounds} rounds; {by}.")
    for name, make in (("one organ", organ), ("many blobs", blobs)):
        table(name, Data(make, shape), rounds)


if __name__ == "__main__":
    main()
