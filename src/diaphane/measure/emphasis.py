"""What runs, zones, distances and dependences have in common: matrices of grey level by size, and their sixteen features.

Source: IBSI reference manual, sections 3.7 to 3.11, whose formulas differ in words only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from diaphane.core.arrays import FloatArray, IntArray

FEATURES = (
    "small", "large", "low", "high", "small_low", "small_high", "large_low", "large_high", "level_non_uniformity", "normalised_level_non_uniformity",
    "size_non_uniformity", "normalised_size_non_uniformity", "percentage", "level_variance", "size_variance", "entropy",
)  # fmt: skip
"""The order in which a family names them."""
SPARSE = 1 << 20
"""A table with more places than this, and more than it has entries, is sorted, not counted."""


@dataclass(frozen=True, slots=True)
class Table:
    """A matrix of grey level by size, without its zeros."""

    level: IntArray
    """(n,) from 1 on."""
    size: IntArray
    """(n,) from 1 on."""
    count: FloatArray
    """(n,) how many runs, zones or voxels."""
    voxels: float
    """That the matrix was taken of; of several matrices the sum."""


def table(level: IntArray, size: IntArray, voxels: float, count: FloatArray | None = None) -> Table:
    """The table of (n,) ``level`` and ``size`` of single runs or zones, or of ``count`` of them."""
    if not level.size:
        return Table(level, size, np.zeros(0), voxels)
    width = int(size.max()) + 1
    key = level.astype(np.int64) * width + size
    places = (int(level.max()) + 1) * width
    if places <= SPARSE or places <= key.size:
        amount = np.bincount(key, count, places)
        found = np.flatnonzero(amount)
        amount = amount[found]
    else:
        found, back = np.unique(key, return_inverse=True)
        amount = np.bincount(back, count)
    return Table(found // width, found % width, amount.astype(np.float64), voxels)


def merged(tables: Sequence[Table]) -> Table:
    """One table of all."""
    level, size, count = (np.concatenate([getattr(t, name) for t in tables]) for name in ("level", "size", "count"))
    return table(level, size, sum(t.voxels for t in tables), count)


def statistics(tables: Sequence[Table]) -> dict[str, FloatArray]:
    """(n,) of each feature in FEATURES, of those tables that are not empty."""
    found = np.array([_one(t) for t in tables if t.level.size]).reshape(-1, len(FEATURES))
    return dict(zip(FEATURES, found.T, strict=True))


def _one(t: Table) -> list[float]:
    i, j, c = t.level.astype(np.float64), t.size.astype(np.float64), t.count
    total = float(c.sum())
    p, i2, j2 = c / total, i * i, j * j
    level = np.bincount(t.level, c)
    _, place = np.unique(t.size, return_inverse=True)  # sizes of zones are few and large
    size = np.bincount(place, c)
    by_level, by_size = float(level @ level), float(size @ size)
    mean_level, mean_size = p @ i, p @ j
    values = [
        p @ (1 / j2), p @ j2, p @ (1 / i2), p @ i2, p @ (1 / (i2 * j2)), p @ (i2 / j2), p @ (j2 / i2), p @ (i2 * j2),
        by_level / total, by_level / total**2, by_size / total, by_size / total**2, total / t.voxels,
        p @ (i - mean_level) ** 2, p @ (j - mean_size) ** 2, -(p @ np.log2(p)) + 0.0,
    ]  # fmt: skip
    return [float(v) for v in values]
