"""Neighbourhood grey tone difference, distance 1. Source: IBSI reference manual, section 3.10; Amadasun, King 1989."""

from __future__ import annotations

import math

import numpy as np

from diaphane.core.arrays import FloatArray, IntArray
from diaphane.measure.aggregate import Aggregated, averaged
from diaphane.measure.configuration import Dimension
from diaphane.measure.sample import Sample

CODES = {"coarseness": "QCDE", "contrast": "65HE", "busyness": "NQ30", "complexity": "HDEZ", "strength": "1X9X"}
SLAB = 1 << 15
"""Voxels at a time."""


def features(sample: Sample, dimension: Dimension) -> list[Aggregated]:
    """The aggregation of ``dimension``."""
    counts, differences = tones(sample.levels, sample.count, in_space=dimension == "3d")
    if dimension != "2d":
        counts, differences = counts.sum(axis=0)[None], differences.sum(axis=0)[None]
    found = np.array([statistics(n, s) for n, s in zip(counts, differences, strict=True) if n.any()]).reshape(-1, len(CODES))
    parts = [dict(zip(CODES, found.T, strict=True))]
    nothing, flat = "the region has no two neighbouring voxels", "no voxel differs from its neighbours"
    return [Aggregated({"2d": "2D", "2.5d": "2.5D", "3d": "3D"}[dimension], *averaged(parts, CODES, nothing, flat))]


def tones(levels: IntArray, count: int, *, in_space: bool) -> tuple[FloatArray, FloatArray]:
    """(slice, level): how many voxels with a neighbour there are, and the sum of their differences from their neighbours' mean."""
    slices, rows, columns = levels.shape
    counts, differences = np.zeros((slices, count)), np.zeros((slices, count))
    thick = max(1, SLAB // (rows * columns))
    for begin in range(0, slices, thick):
        end = min(begin + thick, slices)
        low, high = (max(0, begin - 1), min(slices, end + 1)) if in_space else (begin, end)
        slab = levels[low:high]
        here = slice(begin - low, end - low)
        total, number = _around(slab.astype(np.int32), in_space)[here], _around((slab > 0).astype(np.int32), in_space)[here]
        level = levels[begin:end]
        some = (level > 0) & (number > 1)
        own, others = level[some].astype(np.float64), number[some] - 1
        apart = np.abs(own - (total[some] - own) / others)
        key = np.broadcast_to(np.arange(end - begin)[:, None, None] * count, level.shape)[some] + level[some] - 1
        size = (end - begin) * count
        counts[begin:end] = np.bincount(key, minlength=size).reshape(-1, count)
        differences[begin:end] = np.bincount(key, apart, size).reshape(-1, count)
    return counts, differences


def _around(array: IntArray, in_space: bool) -> IntArray:
    """The sum over each voxel and its neighbours."""
    for axis in (0, 1, 2) if in_space else (1, 2):
        ahead, behind = (tuple(slice(a, b) if n == axis else slice(None) for n in range(3)) for a, b in ((1, None), (None, -1)))
        out = array.copy()
        out[behind] += array[ahead]
        out[ahead] += array[behind]
        array = out
    return array


def statistics(counts: FloatArray, differences: FloatArray) -> list[float]:
    """Every feature of CODES, in that order, of one matrix (levels,); NaN where no voxel differs from its neighbours."""
    there = counts > 0
    total = float(counts.sum())
    p, s, i = counts[there] / total, differences[there], np.flatnonzero(there) + 1.0
    rough, kinds = float(p @ s), len(i)
    apart, both = i[:, None] - i, p[:, None] + p
    weighted = np.abs((i * p)[:, None] - i * p).sum()
    contrast = float((p[:, None] * p * apart**2).sum()) / (kinds * (kinds - 1)) * float(s.sum()) / total if kinds > 1 else math.nan
    complexity = float((np.abs(apart) * ((p * s)[:, None] + p * s) / both).sum()) / total
    strength = float((both * apart**2).sum()) / float(s.sum()) if s.any() else math.nan
    return [1 / rough if rough else math.nan, contrast, rough / float(weighted) if weighted else math.nan, complexity if kinds > 1 else math.nan, strength]
