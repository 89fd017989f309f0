"""Grey level co-occurrence in space and in the plane, distance 1, symmetric. Source: IBSI reference manual, section 3.6."""

from __future__ import annotations

import math

import numpy as np

from diaphane.core.arrays import FloatArray, IntArray
from diaphane.measure.aggregate import Aggregated, averaged
from diaphane.measure.configuration import Dimension
from diaphane.measure.neighbours import IN_PLANE, IN_SPACE, Row, Step, row_of
from diaphane.measure.sample import Sample

CODES = {
    "joint_maximum": "GYBY", "joint_average": "60VM", "joint_variance": "UR99", "joint_entropy": "TU9B",
    "difference_average": "TF7R", "difference_variance": "D3YU", "difference_entropy": "NTRS",
    "sum_average": "ZGXS", "sum_variance": "OEEB", "sum_entropy": "P6QZ", "angular_second_moment": "8ZQL", "contrast": "ACUI",
    "dissimilarity": "8S9J", "inverse_difference": "IB1Z", "normalised_inverse_difference": "NDRX", "inverse_difference_moment": "WF0Z",
    "normalised_inverse_difference_moment": "1QCO", "inverse_variance": "E8JP", "correlation": "NI2N", "autocorrelation": "QWB0",
    "cluster_tendency": "DG8W", "cluster_shade": "7NFM", "cluster_prominence": "AE86",
    "information_correlation_1": "R8DG", "information_correlation_2": "JN9H",
}  # fmt: skip
BLOCK = 1 << 17
"""Voxels at a time: their pairs stay in the cache."""
NO_PAIR = "the region has no two neighbouring voxels"


def features(sample: Sample, dimension: Dimension) -> list[Aggregated]:
    """Both aggregations of ``dimension``."""
    row = row_of(sample.levels)
    if dimension == "3d":
        matrices = cooccurrences(row, 0, row.levels.size - 2 * row.plane, IN_SPACE, sample.count)
        return [Aggregated("3D, averaged", *_mean(matrices)), Aggregated("3D, merged", *_mean(matrices.sum(axis=0)[None]))]
    slices = range(0, row.levels.size - 2 * row.plane, row.plane)
    if dimension == "2.5d":
        total = sum((cooccurrences(row, n, n + row.plane, IN_PLANE, sample.count) for n in slices), np.zeros(()))
        return [Aggregated("2.5D, direction-merged", *_mean(total)), Aggregated("2.5D, merged", *_mean(total.sum(axis=0)[None]))]
    each, merged = [], []
    for n in slices:
        matrices = cooccurrences(row, n, n + row.plane, IN_PLANE, sample.count)
        each.append(_statistics_of_some(matrices))
        merged.append(_statistics_of_some(matrices.sum(axis=0)[None]))
    return [Aggregated("2D, averaged", *averaged(each, CODES, NO_PAIR)), Aggregated("2D, slice-merged", *averaged(merged, CODES, NO_PAIR))]


def _mean(matrices: FloatArray) -> tuple[dict[str, float], dict[str, str]]:
    return averaged([_statistics_of_some(matrices)], CODES, NO_PAIR)


def _statistics_of_some(matrices: FloatArray) -> dict[str, FloatArray]:
    """Of those matrices that hold a pair."""
    kept = matrices[matrices.any(axis=(1, 2))]
    return statistics(kept / kept.sum(axis=(1, 2), keepdims=True))


def cooccurrences(row: Row, start: int, stop: int, steps: tuple[Step, ...], count: int) -> FloatArray:
    """(direction, count, count) numbers of neighbouring pairs, both ways, whose first voxel lies from ``start`` to ``stop``."""
    size = count + 1
    out = np.zeros((len(steps), size * size))
    for begin in range(start, stop, BLOCK):
        end = min(begin + BLOCK, stop)
        first = row.levels[begin:end].astype(np.intp) * size
        for n, step in enumerate(steps):
            away = row.offset(step)
            out[n] += np.bincount(first + row.levels[begin + away : end + away], minlength=size * size)
    square = out.reshape(len(steps), size, size)[:, 1:, 1:]
    return np.asarray(square + square.transpose(0, 2, 1))


def statistics(p: FloatArray) -> dict[str, FloatArray]:
    """Every feature of CODES of each of (n, levels, levels) matrices of probability; what does not exist is NaN.

    All but three follow from three margins: of a level, of the difference and of the sum of two.
    """
    count = p.shape[1]
    i = np.arange(1, count + 1, dtype=np.float64)
    away = np.abs(i[:, None] - i).astype(np.intp)
    level, difference = p.sum(axis=2), _margin(p, away, count)
    total = _margin(p, (i[:, None] + i - 2).astype(np.intp), 2 * count - 1)
    k, s = np.arange(count, dtype=np.float64), np.arange(2, 2 * count + 1, dtype=np.float64)
    mean = level @ i
    variance = _moment(level, i, mean, 2)
    contrast, apart, together = difference @ k**2, difference @ k, total @ s
    joint, single = _entropy(p.reshape(len(p), count * count)), _entropy(level)
    autocorrelation = (total @ s**2 - contrast) / 4
    # the entropies of independence, which symmetry makes one: -sum p(i, j) log(p(i) p(j)) = -sum p(i) p(j) log(p(i) p(j)) = 2 H
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = (autocorrelation - mean**2) / np.where(variance > 0, variance, np.nan)
        first = (joint - 2 * single) / np.where(single > 0, single, np.nan)
    return {
        "joint_maximum": p.max(axis=(1, 2)),
        "joint_average": mean,
        "joint_variance": variance,
        "joint_entropy": joint,
        "difference_average": apart,
        "difference_variance": _moment(difference, k, apart, 2),
        "difference_entropy": _entropy(difference),
        "sum_average": together,
        "sum_variance": _moment(total, s, together, 2),
        "sum_entropy": _entropy(total),
        "angular_second_moment": np.einsum("nij,nij->n", p, p),
        "contrast": contrast,
        "dissimilarity": apart,
        "inverse_difference": difference @ (1 / (1 + k)),
        "normalised_inverse_difference": difference @ (1 / (1 + k / count)),
        "inverse_difference_moment": difference @ (1 / (1 + k**2)),
        "normalised_inverse_difference_moment": difference @ (1 / (1 + (k / count) ** 2)),
        "inverse_variance": difference[:, 1:] @ (1 / k[1:] ** 2),
        "correlation": correlation,
        "autocorrelation": autocorrelation,
        "cluster_tendency": _moment(total, s, together, 2),
        "cluster_shade": _moment(total, s, together, 3),
        "cluster_prominence": _moment(total, s, together, 4),
        "information_correlation_1": first,
        "information_correlation_2": np.sqrt(np.clip(1 - np.exp(-2 * (2 * single - joint)), 0, None)),
    }


def _margin(p: FloatArray, index: IntArray, size: int) -> FloatArray:
    """What each matrix holds where ``index`` is 0, 1, 2 and so on, (n, size)."""
    keys = np.arange(len(p))[:, None] * size + index.ravel()
    return np.asarray(np.bincount(keys.ravel(), p.ravel(), len(p) * size).reshape(len(p), size), np.float64)


def _moment(p: FloatArray, of: FloatArray, about: FloatArray, power: int) -> FloatArray:
    return np.asarray(np.einsum("nk,nk->n", p, (of - about[:, None]) ** power))


def _entropy(p: FloatArray) -> FloatArray:
    """Of each line, in bits."""
    logs = np.zeros_like(p)
    np.log2(p, out=logs, where=p > 0)
    return np.asarray(-np.einsum("nk,nk->n", p, logs) + 0.0)


def maximal_correlation(p: FloatArray) -> FloatArray:
    """Of each (n, levels, levels) matrix of numbers, the second largest singular value of the conditional means; NaN for one grey level.

    pyradiomics has it, the IBSI has not. Source: Haralick et al. 1973, feature 14.
    """
    found = []
    for one in p / p.sum(axis=(1, 2), keepdims=True):
        level = one.sum(axis=1)
        kept = one[np.ix_(level > 0, level > 0)] / np.sqrt(np.outer(level[level > 0], level[level > 0]))
        values = np.linalg.svd(kept, compute_uv=False)
        found.append(float(values[1]) if len(values) > 1 else math.nan)
    return np.array(found)
