"""Neighbouring grey level dependence: how many neighbours have a voxel's own grey level; distance 1, coarseness 0.

Source: IBSI reference manual, section 3.11; Sun, Wee, Comput Vis Graph Image Process 23, 341 (1983).
"""

from __future__ import annotations

import numpy as np

from diaphane.core.arrays import IntArray
from diaphane.measure.aggregate import Aggregated, averaged
from diaphane.measure.configuration import Dimension
from diaphane.measure.emphasis import FEATURES, Table, merged, statistics, table
from diaphane.measure.neighbours import IN_PLANE, IN_SPACE, Row, row_of
from diaphane.measure.sample import Sample

CODES = {
    "low_dependence_emphasis": "SODN", "high_dependence_emphasis": "IMOQ", "low_grey_level_count_emphasis": "TL9H", "high_grey_level_count_emphasis": "OAE7",
    "low_dependence_low_grey_level_emphasis": "EQ3F", "low_dependence_high_grey_level_emphasis": "JA6D",
    "high_dependence_low_grey_level_emphasis": "NBZI", "high_dependence_high_grey_level_emphasis": "9QMG",
    "grey_level_non_uniformity": "FP8K", "normalised_grey_level_non_uniformity": "5SPA",
    "dependence_count_non_uniformity": "Z87G", "normalised_dependence_count_non_uniformity": "OKJI", "dependence_count_percentage": "6XV8",
    "grey_level_variance": "1PFV", "dependence_count_variance": "DNX2", "dependence_count_entropy": "FCBV", "dependence_count_energy": "CAS9",
}  # fmt: skip
BLOCK = 1 << 15
"""Voxels at a time."""
NAMES = dict(zip(FEATURES, CODES, strict=False))
"""All but the energy, which the other families do not have."""


def features(sample: Sample, dimension: Dimension) -> list[Aggregated]:
    """The aggregation of ``dimension``."""
    row = row_of(sample.levels)
    counts = dependences(row, in_space=dimension == "3d")
    if dimension == "2d":
        return [_of("2D", [_table(row, counts, k * row.plane, (k + 1) * row.plane) for k in range(len(sample.levels))])]
    blocks = [_table(row, counts, n, n + BLOCK) for n in range(0, counts.size, BLOCK)]
    return [_of({"2.5d": "2.5D", "3d": "3D"}[dimension], [merged(blocks)])]


def _of(aggregation: str, tables: list[Table]) -> Aggregated:
    found = {NAMES[name]: values for name, values in statistics(tables).items()}
    found["dependence_count_energy"] = np.array([np.square(t.count / t.count.sum()).sum() for t in tables if t.level.size])
    return Aggregated(aggregation, *averaged([found], CODES, "the region has no voxel"))


def dependences(row: Row, *, in_space: bool) -> IntArray:
    """(n,) for each place of ``row`` 1 and the number of its neighbours with its own level; means nothing where the level is 0."""
    counts = np.ones(row.levels.size, np.uint8)
    steps = [row.offset(step) for step in (IN_SPACE if in_space else IN_PLANE)]
    for begin in range(0, row.levels.size - max(steps), BLOCK):
        end = min(begin + BLOCK, row.levels.size - max(steps))
        for away in steps:
            same = (row.levels[begin:end] == row.levels[begin + away : end + away]).view(np.uint8)
            counts[begin:end] += same
            counts[begin + away : end + away] += same
    return counts


def _table(row: Row, counts: IntArray, begin: int, end: int) -> Table:
    levels = row.levels[begin:end]
    some = levels > 0
    return table(levels[some], counts[begin:end][some], int(np.count_nonzero(some)))
