"""Grey level size zones. Source: IBSI reference manual, section 3.8."""

from __future__ import annotations

import numpy as np

from diaphane.core.arrays import IntArray
from diaphane.measure.aggregate import Aggregated, averaged
from diaphane.measure.configuration import Dimension
from diaphane.measure.emphasis import FEATURES, Table, merged, statistics, table
from diaphane.measure.sample import Sample

CODES = {
    "small_zone_emphasis": "5QRC", "large_zone_emphasis": "48P8", "low_grey_level_zone_emphasis": "XMSY", "high_grey_level_zone_emphasis": "5GN9",
    "small_zone_low_grey_level_emphasis": "5RAI", "small_zone_high_grey_level_emphasis": "HW1V",
    "large_zone_low_grey_level_emphasis": "YH51", "large_zone_high_grey_level_emphasis": "J17V",
    "grey_level_non_uniformity": "JNSA", "normalised_grey_level_non_uniformity": "Y1RO",
    "zone_size_non_uniformity": "4JP3", "normalised_zone_size_non_uniformity": "VB3A", "zone_percentage": "P30P",
    "grey_level_variance": "BYLV", "zone_size_variance": "3NSA", "zone_size_entropy": "GU8N",
}  # fmt: skip
BLOCK = 1 << 15
"""Voxels at a time."""
NAMES = dict(zip(FEATURES, CODES, strict=True))


def features(sample: Sample, dimension: Dimension) -> list[Aggregated]:
    """The aggregation of ``dimension``."""
    if dimension == "3d":
        return [_of("3D", [zones(sample.levels)])]
    slices = [zones(plane) for plane in sample.levels]
    return [_of("2.5D", [merged(slices)])] if dimension == "2.5d" else [_of("2D", slices)]


def _of(aggregation: str, tables: list[Table]) -> Aggregated:
    found = statistics(tables)
    return Aggregated(aggregation, *averaged([{NAMES[name]: values for name, values in found.items()}], CODES, "the region has no zone"))


def parts(levels: IntArray) -> tuple[IntArray, int]:
    """A number from 1 on for each part of equal level that hangs together by a side, an edge or a corner, of a slice or a volume; and how many there are."""
    import cc3d  # not for a picture

    numbers, count = cc3d.connected_components(np.ascontiguousarray(levels), connectivity=26 if levels.ndim == 3 else 8, return_N=True, out_dtype=np.uint32)
    return numbers, count


def zones(levels: IntArray) -> Table:
    """Those parts by level and size."""
    found, count = parts(levels)
    numbers, greys = found.ravel(), levels.ravel()
    sizes, of = np.zeros(count + 1, np.uint32), np.zeros(count + 1, levels.dtype)
    for begin in range(0, numbers.size, BLOCK):  # an index takes eight bytes a voxel
        grey = greys[begin : begin + BLOCK]
        some = numbers[begin : begin + BLOCK][grey > 0].astype(np.intp)
        low = int(some.min(initial=count))
        amount = np.bincount(some - low)
        sizes[low : low + amount.size] += amount.astype(np.uint32)
        of[some] = grey[grey > 0]
    blocks = [slice(n, n + BLOCK) for n in range(1, max(2, count + 1), BLOCK)]
    return merged([table(of[block], sizes[block], int(sizes[block].sum())) for block in blocks])
