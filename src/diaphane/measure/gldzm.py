"""Grey level distance zones. Source: IBSI reference manual, section 3.9; Thibault et al., IEEE Trans Biomed Eng 61, 630 (2014)."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

import numpy as np

from diaphane.core.arrays import Array, BoolArray, IntArray
from diaphane.measure.aggregate import Aggregated, averaged
from diaphane.measure.configuration import Dimension
from diaphane.measure.emphasis import FEATURES, Table, merged, statistics, table
from diaphane.measure.glszm import BLOCK, parts
from diaphane.measure.sample import Sample

CODES = {
    "small_distance_emphasis": "0GBI", "large_distance_emphasis": "MB4I", "low_grey_level_zone_emphasis": "S1RA", "high_grey_level_zone_emphasis": "K26C",
    "small_distance_low_grey_level_emphasis": "RUVG", "small_distance_high_grey_level_emphasis": "DKNJ",
    "large_distance_low_grey_level_emphasis": "A7WM", "large_distance_high_grey_level_emphasis": "KLTH",
    "grey_level_non_uniformity": "VFT7", "normalised_grey_level_non_uniformity": "7HP3",
    "zone_distance_non_uniformity": "V294", "normalised_zone_distance_non_uniformity": "IATH", "zone_percentage": "VIWW",
    "grey_level_variance": "QK93", "zone_distance_variance": "7WT1", "zone_distance_entropy": "GBDU",
}  # fmt: skip
NAMES = dict(zip(FEATURES, CODES, strict=True))


def features(sample: Sample, dimension: Dimension) -> list[Aggregated]:
    """The aggregation of ``dimension``; distances are those from the border of the region before re-segmentation."""
    away = distances(sample.shape_mask, in_space=dimension == "3d")
    if dimension == "3d":
        return [_of("3D", [zones(sample.levels, away)])]
    slices = (zones(plane, steps) for plane, steps in zip(sample.levels, away, strict=True))
    if dimension == "2.5d":  # one after the other: together they hold more than the region
        return [_of("2.5D", [reduce(lambda all_before, one: merged([all_before, one]), slices)])]
    return [_of("2D", list(slices))]


def _of(aggregation: str, tables: list[Table]) -> Aggregated:
    found = statistics(tables)
    return Aggregated(aggregation, *averaged([{NAMES[name]: values for name, values in found.items()}], CODES, "the region has no zone"))


def zones(levels: IntArray, away: IntArray) -> Table:
    """The zones of a slice or a volume, each with the least of ``away`` in it as its size."""
    numbers, count = parts(levels)
    of, least = np.zeros(count + 1, levels.dtype), np.full(count + 1, np.iinfo(away.dtype).max, away.dtype)
    number, grey, step = numbers.ravel(), levels.ravel(), away.ravel()
    for begin in range(0, number.size, BLOCK):
        block = slice(begin, begin + BLOCK)
        of[number[block]] = grey[block]
        np.minimum.at(least, number[block], step[block])
    blocks = [slice(n, n + BLOCK) for n in range(1, max(2, count + 1), BLOCK)]
    return replace(merged([table(of[block], least[block], 0) for block in blocks]), voxels=int(np.count_nonzero(levels)))


def distances(mask: BoolArray, *, in_space: bool) -> IntArray:
    """Steps along the axes from each voxel of ``mask`` out of it, within its slice or in space; beyond the box is out, 0 what is."""
    sides = mask.shape if in_space else mask.shape[1:]
    away = np.zeros(mask.shape, np.uint8 if min(sides) < 2 * np.iinfo(np.uint8).max - 2 else np.uint16)
    away[mask] = np.iinfo(away.dtype).max - 1
    for axis in (0, 1, 2) if in_space else (1, 2):
        lines = np.ascontiguousarray(np.moveaxis(away, axis, 0))
        for way in (lines, lines[::-1]):
            _march(way)
        away = np.moveaxis(lines, 0, axis)
    return np.ascontiguousarray(away)


def _march(lines: Array) -> None:
    """No entry is more than one above that before it."""
    np.minimum(lines[0], 1, out=lines[0])
    for before, after in zip(lines[:-1], lines[1:], strict=True):
        np.minimum(after, before + 1, out=after)
