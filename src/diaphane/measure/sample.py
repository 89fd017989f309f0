"""One region of a volume, cut out, resampled, re-segmented and discretised: what radiomic features are taken of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from diaphane.core.arrays import Array, BoolArray, FloatArray, IntArray
from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.core.region import Region
from diaphane.measure import grid
from diaphane.measure.configuration import Configuration

MOST_LEVELS = 1024
"""More grey levels than this make matrices that hold nearly nothing."""
RADIUS_MM = 10 * (3 / (4 * math.pi)) ** (1 / 3)
"""Of a ball of 1 cm3."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Arrays of one size [k, j, i], cut to the box of the region."""

    values: Array
    """Intensities, on the new grid; of the image itself a view, whatever its type."""
    shape_mask: BoolArray
    """The region before re-segmentation: what shape is taken of (IBSI: morphological mask)."""
    mask: BoolArray
    """The region after re-segmentation (IBSI: intensity mask)."""
    matrix: FloatArray
    """(3, 3): steps along k, j, i to lengths."""
    levels: IntArray
    """Grey levels from 1 on, 0 outside ``mask``; in the smallest unsigned type."""
    count: int
    """The highest grey level that there can be."""
    around: Array
    """``values`` in a box wider by RADIUS_MM, as far as the image goes, where local intensity is wanted; else ``values`` alone."""
    place: tuple[int, ...]
    """Where in ``around`` the box of the region begins."""
    no_value: str = ""
    """Why no feature of intensities exists."""
    no_level: str = ""
    """Why no feature of grey levels exists."""

    @property
    def inside(self) -> Array:
        """(n,) intensities of the region."""
        return np.asarray(self.values[self.mask])


def sample_of(image: Image, region: Region, configuration: Configuration) -> Sample:
    """The region of ``image`` as ``configuration`` wants it; where nothing is left of it, the sample says so."""
    if configuration.resample_mm and not image.geometry.calibrated:
        none, why = np.zeros((1, 1, 1), np.uint8), "the size of a pixel in mm is not known"
        return Sample(none, none > 0, none > 0, np.eye(3), none, 0, none, (0, 0, 0), why, why)
    around, place, mask, matrix = _on_grid(image.array, image.geometry, region, configuration)
    if configuration.rounding != "none" and around.dtype.kind == "f":
        rounded = np.rint if configuration.rounding == "nearest" else np.trunc
        around = rounded(around, out=around if configuration.resample_mm else None)  # a resampled box is this function's own
    values = around[tuple([slice(first, first + size) for first, size in zip(place, mask.shape, strict=True)])]
    kept, reason = _resegmented(values, mask, configuration)
    nothing = np.zeros(mask.shape, np.uint8)
    if reason:
        return Sample(values, mask, kept, matrix, nothing, 0, around, place, reason, reason)
    levels, count = discretised(values, kept, configuration)
    if count > MOST_LEVELS:
        return Sample(values, mask, kept, matrix, nothing, 0, around, place, "", f"{count} grey levels, more than {MOST_LEVELS}: take wider ones")
    return Sample(values, mask, kept, matrix, levels, count, around, place)


def reach(matrix: FloatArray, radius: float) -> tuple[int, int, int]:
    """Voxels along k, j, i from the centre of a ball to its furthest."""
    k, j, i = (int(n) for n in radius * np.sqrt(np.diag(np.linalg.inv(matrix.T @ matrix))))
    return k, j, i


def _on_grid(array: Array, geometry: Geometry, region: Region, c: Configuration) -> tuple[Array, tuple[int, ...], BoolArray, FloatArray]:
    """``around`` and ``place`` of a sample, the region in its box, and the steps of the grid."""
    matrix, spacing, shape = np.asarray(geometry.affine[:3, :3]), geometry.spacing, array.shape
    if not c.resample_mm:
        wide = _wider(region.box, shape, matrix, c)
        return array[tuple([slice(*ends) for ends in wide])], _place(region.box, wide), region.mask, matrix
    wanted = (spacing[0] if c.in_plane else c.resample_mm, c.resample_mm, c.resample_mm)
    axes = [grid.axis_of(n, s, w, span, centred=c.alignment == "centre") for n, s, w, span in zip(shape, spacing, wanted, region.box, strict=True)]
    if min(axis.count for axis in axes) < 1:  # between two voxels of the new grid
        nothing = np.zeros((1, 1, 1), bool)
        return np.zeros((1, 1, 1), np.float32), (0, 0, 0), nothing, matrix
    mask = grid.mask_on(region.mask, region.box, shape, (axes[0], axes[1], axes[2]), {"nearest": 0, "linear": 1}[c.mask_interpolation])
    ends = [_ends(np.asarray(mask.any(axis=tuple({0, 1, 2} - {n})))) for n in range(3)]
    mask, matrix = mask[tuple([slice(start, stop) for start, stop in ends])], matrix * (np.array(wanted) / spacing)
    box = [(a.first + start, a.first + stop) for a, (start, stop) in zip(axes, ends, strict=True)]
    wide = _wider(box, [grid.axis_of(n, s, w, (0, n), centred=True).count for n, s, w in zip(shape, spacing, wanted, strict=True)], matrix, c)
    axes = [grid.Axis(a.origin, a.step, start, stop - start) for a, (start, stop) in zip(axes, wide, strict=True)]
    old = [(max(0, math.floor(a.places[0])), min(n, math.ceil(a.places[-1]) + 1)) for a, n in zip(axes, shape, strict=True)]
    values = grid.resampled(array, tuple(old), (axes[0], axes[1], axes[2]), {"nearest": 0, "linear": 1, "cubic": 3}[c.interpolation])
    return values, _place(box, wide), mask, matrix


def _wider(box: Sequence[grid.Span], shape: Sequence[int], matrix: FloatArray, c: Configuration) -> list[grid.Span]:
    """``box`` and what of an image of ``shape`` local intensity needs around it."""
    far = reach(matrix, RADIUS_MM) if "local_intensity" in c.families and c.names == "ibsi" else (0, 0, 0)
    return [(max(0, start - n), min(size, stop + n)) for (start, stop), size, n in zip(box, shape, far, strict=True)]


def _place(box: Sequence[grid.Span], wide: Sequence[grid.Span]) -> tuple[int, ...]:
    return tuple(inner[0] - outer[0] for inner, outer in zip(box, wide, strict=True))


def _ends(some: BoolArray) -> tuple[int, int]:
    """Where what is true begins and ends; the whole where nothing is."""
    where = np.flatnonzero(some)
    return (int(where[0]), int(where[-1]) + 1) if where.size else (0, len(some))


def _resegmented(values: Array, mask: BoolArray, c: Configuration) -> tuple[BoolArray, str]:
    """The intensity mask (IBSI 2.6), and why it holds nothing to measure."""
    if not mask.any():
        return mask, "the region vanishes on this grid"
    wrong = sum(int(np.count_nonzero(some & ~np.isfinite(plane))) for plane, some in zip(values, mask, strict=True))
    if wrong:
        return mask, f"voxels of the region that are not finite numbers: {wrong}"
    kept = mask
    if c.lowest is not None:
        kept = kept & (values >= c.lowest)
    if c.highest is not None:
        kept = kept & (values <= c.highest)
    if c.outlier_sigma and kept.any():
        inside = values[kept].astype(np.float64)
        mean, wide = float(inside.mean()), c.outlier_sigma * float(inside.std())
        kept = kept & (values >= mean - wide) & (values <= mean + wide)
    return kept, "" if kept.any() else "no voxel is left after re-segmentation"


def discretised(values: Array, mask: BoolArray, c: Configuration) -> tuple[IntArray, int]:
    """Grey levels (IBSI 2.7) with 0 outside ``mask``, and the highest; all 1 where the region is flat."""
    inside = values[mask]
    low, high = float(inside.min()), float(inside.max())
    first, times, width, count = low, c.bin_count, high - low, c.bin_count
    if c.bin_width is not None:
        times, width = 1, c.bin_width
        first = math.floor(low / width) * width if c.bin_origin == "zero" else low if c.lowest is None else c.lowest
        count = int((high - first) // width) + 1
    elif high == low:
        width, count = 1.0, 1
    del inside
    levels = np.zeros(mask.shape, np.uint8 if count < np.iinfo(np.uint8).max else np.uint16)
    if count > MOST_LEVELS:
        return levels, count
    for plane, some, out in zip(values, mask, levels, strict=True):  # a slice at a time: intensities take eight bytes a voxel
        out[some] = np.clip(np.floor(times * (plane[some].astype(np.float64) - first) / width) + 1, 1, count)
    return levels, count
