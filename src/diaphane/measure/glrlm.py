"""Grey level run lengths. Source: IBSI reference manual, section 3.7."""

from __future__ import annotations

import numpy as np

from diaphane.core.arrays import IntArray
from diaphane.measure.aggregate import Aggregated, averaged
from diaphane.measure.configuration import Dimension
from diaphane.measure.emphasis import FEATURES, Table, merged, statistics, table
from diaphane.measure.neighbours import IN_PLANE, IN_SPACE, Row, Step, row_of
from diaphane.measure.sample import Sample

CODES = {
    "short_runs_emphasis": "22OV", "long_runs_emphasis": "W4KF", "low_grey_level_run_emphasis": "V3SW", "high_grey_level_run_emphasis": "G3QZ",
    "short_run_low_grey_level_emphasis": "HTZT", "short_run_high_grey_level_emphasis": "GD3A",
    "long_run_low_grey_level_emphasis": "IVPO", "long_run_high_grey_level_emphasis": "3KUM",
    "grey_level_non_uniformity": "R5YN", "normalised_grey_level_non_uniformity": "OVBL",
    "run_length_non_uniformity": "W92Y", "normalised_run_length_non_uniformity": "IC23", "run_percentage": "9ZK5",
    "grey_level_variance": "8CE5", "run_length_variance": "SXLW", "run_entropy": "HJ9O",
}  # fmt: skip
BLOCK = 1 << 16
"""Voxels at a time."""
NAMES = dict(zip(FEATURES, CODES, strict=True))


def features(sample: Sample, dimension: Dimension) -> list[Aggregated]:
    """Both aggregations of ``dimension``."""
    row = row_of(sample.levels)
    if dimension == "3d":
        tables = [runs(row, 0, len(sample.levels), step) for step in IN_SPACE]
        return [_of("3D, averaged", tables), _of("3D, merged", [merged(tables)])]
    slices = [[runs(row, k, 1, step) for step in IN_PLANE] for k in range(len(sample.levels))]
    if dimension == "2.5d":
        over = [merged(list(tables)) for tables in zip(*slices, strict=True)]
        return [_of("2.5D, direction-merged", over), _of("2.5D, merged", [merged(over)])]
    each = [t for tables in slices for t in tables]
    return [_of("2D, averaged", each), _of("2D, slice-merged", [merged(tables) for tables in slices])]


def _of(aggregation: str, tables: list[Table]) -> Aggregated:
    found = statistics(tables)
    return Aggregated(aggregation, *averaged([{NAMES[name]: values for name, values in found.items()}], CODES, "the region has no run"))


def runs(row: Row, first: int, slices: int, step: Step) -> Table:
    """The runs of equal levels along ``step`` in some slices."""
    levels, away = row.levels[first * row.plane : (first + slices) * row.plane], row.offset(step)
    if step[0]:  # some columns at a time
        folds = _folded(levels, away)
        width = max(1, BLOCK // len(folds))
        return merged([_of_folds(folds[:, n : n + width]) for n in range(0, away, width)])
    some = max(1, BLOCK // row.plane) * row.plane  # whole slices at a time, none of which a run leaves
    return merged([_of_folds(_folded(levels[n : n + some], away)) for n in range(0, levels.size, some)])


def _folded(levels: IntArray, away: int) -> IntArray:
    """A row of memory folded every ``away`` places, and a fold of zeros: what a step leads to lies below, and a line of voxels in each column."""
    folds = -(-levels.size // away) + 1
    padded = np.zeros(folds * away, levels.dtype)
    padded[: levels.size] = levels
    return padded.reshape(folds, away)


def _of_folds(folds: IntArray) -> Table:
    """The runs down each column; the columns one after the other, each ends with a 0."""
    line = folds.T.ravel()
    begins = np.flatnonzero(np.concatenate([[True], line[1:] != line[:-1]]))
    lengths, levels = np.diff(begins, append=line.size), line[begins]
    inside = levels > 0
    return table(levels[inside], lengths[inside], int(np.count_nonzero(line)))
