"""Grey level co-occurrence in the plane. Source: IBSI reference manual, section 3.6; Haralick et al. 1973.

Aggregation "2D, slice-merged": the matrices of the four directions of a slice are added up; a picture is one slice.
Distance 1, symmetric.
"""

from __future__ import annotations

import math

import numpy as np

from diaphane.core.arrays import Array, BoolArray, FloatArray, IntArray
from diaphane.core.region import Feature
from diaphane.measure.options import Options
from diaphane.measure.view import View

CODES = {
    "joint_maximum": "GYBY", "joint_average": "60VM", "joint_variance": "UR99", "joint_entropy": "TU9B",
    "angular_second_moment": "8ZQL", "contrast": "ACUI", "dissimilarity": "8S9J", "inverse_difference": "IB1Z",
    "inverse_difference_moment": "WF0Z", "correlation": "NI2N", "autocorrelation": "QWB0",
    "cluster_tendency": "DG8W", "cluster_shade": "7NFM", "cluster_prominence": "AE86",
}  # fmt: skip
AGGREGATION = "2D, slice-merged"


def features(view: View, options: Options) -> list[Feature]:
    """Texture of the grey values; all NaN where the region has no two neighbouring pixels."""
    matrix: FloatArray = np.zeros((options.bin_count, options.bin_count))
    if view.mask.any():
        matrix = cooccurrence(levels(view.grey, view.mask, options.bin_count), view.mask, options.bin_count)
    found = statistics(matrix) if matrix.sum() else dict.fromkeys(CODES, math.nan)
    reasons = {True: "all grey levels are equal", False: "the region has no two neighbouring pixels"}
    scheme = f"FBN {options.bin_count}, {view.grid}"
    return [
        Feature(
            family="glcm", name=name, value=value, ibsi_code=CODES[name], aggregation=AGGREGATION, discretisation=scheme,
            nan_reason=reasons[bool(matrix.sum())] if math.isnan(value) else "",
        )
        for name, value in found.items()
    ]  # fmt: skip


def levels(grey: FloatArray, mask: BoolArray, bin_count: int) -> IntArray:
    """Grey levels 1 … ``bin_count`` over the region's own range (IBSI 2.7, fixed bin number); 1 everywhere where it is flat."""
    low, high = float(grey[mask].min()), float(grey[mask].max())
    if high == low:
        return np.ones(grey.shape, np.int64)
    return np.asarray(np.clip(np.floor(bin_count * (grey - low) / (high - low)) + 1, 1, bin_count), np.int64)


def cooccurrence(grey_levels: IntArray, mask: BoolArray, count: int) -> FloatArray:
    """(count, count) numbers of neighbouring pairs inside ``mask`` (row, column), both ways, four directions."""
    matrix = np.zeros(count * count)
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        here, there = _shifted(grey_levels, down, right)
        both = np.logical_and(*_shifted(mask, down, right))
        matrix += np.bincount((here[both] - 1) * count + there[both] - 1, minlength=count * count)
    square = matrix.reshape(count, count)
    return square + square.T


def _shifted(array: Array, down: int, right: int) -> tuple[Array, Array]:
    """Two views of ``array``: each pixel and its neighbour."""
    rows, columns = array.shape
    here = array[: rows - down, max(0, -right) : columns - max(0, right)]
    there = array[down:, max(0, right) : columns + min(0, right)]
    return here, there


def statistics(matrix: FloatArray) -> dict[str, float]:
    """Every statistic of CODES of a matrix of pair counts (not all 0); correlation of one grey level is NaN."""
    p = matrix / matrix.sum()
    i = np.arange(1, len(p) + 1, dtype=np.float64)[:, None]
    j = i.T
    mean = float((i * p).sum())
    variance = float(((i - mean) ** 2 * p).sum())
    away = i + j - 2 * mean
    some = p[p > 0]
    return {
        "joint_maximum": float(p.max()),
        "joint_average": mean,
        "joint_variance": variance,
        "joint_entropy": float(-(some * np.log2(some)).sum()),
        "angular_second_moment": float((p**2).sum()),
        "contrast": float(((i - j) ** 2 * p).sum()),
        "dissimilarity": float((np.abs(i - j) * p).sum()),
        "inverse_difference": float((p / (1 + np.abs(i - j))).sum()),
        "inverse_difference_moment": float((p / (1 + (i - j) ** 2)).sum()),
        "correlation": float(((i - mean) * (j - mean) * p).sum()) / variance if variance else math.nan,
        "autocorrelation": float((i * j * p).sum()),
        "cluster_tendency": float((away**2 * p).sum()),
        "cluster_shade": float((away**3 * p).sum()),
        "cluster_prominence": float((away**4 * p).sum()),
    }
