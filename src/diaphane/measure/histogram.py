"""Statistics of grey levels. Source: IBSI reference manual, section 3.4 (intensity histogram)."""

from __future__ import annotations

import math

import numpy as np

from diaphane.core.arrays import FloatArray
from diaphane.measure import intensity
from diaphane.measure.aggregate import FLAT, Aggregated
from diaphane.measure.sample import Sample

CODES = {
    "mean": "X6K6", "variance": "CH89", "skewness": "88K1", "excess_kurtosis": "C3I7", "median": "WIFQ", "minimum": "1PR8",
    "percentile_10": "1PR8", "percentile_90": "GPMT", "maximum": "3NCY", "mode": "AMMC", "interquartile_range": "WR0O", "range": "5Z3W",
    "mean_absolute_deviation": "D2ZX", "robust_mean_absolute_deviation": "WRZB", "median_absolute_deviation": "4RNL",
    "coefficient_of_variation": "CWYJ", "quartile_coefficient_of_dispersion": "SLWD", "entropy": "TLU2", "uniformity": "BJ5W",
    "maximum_gradient": "12CE", "maximum_gradient_level": "8E6O", "minimum_gradient": "VQB3", "minimum_gradient_level": "RHQZ",
}  # fmt: skip
"""The minimum and the 10th percentile have one code in the IBSI's own tables."""


def features(sample: Sample) -> Aggregated:
    """Of the levels inside the region; a histogram of one level has no gradient."""
    counts = np.bincount(sample.levels[sample.mask], minlength=sample.count + 1)[1:]
    values = statistics(counts.astype(np.float64))
    return Aggregated("", values, {name: intensity.WHY.get(name, FLAT) for name, value in values.items() if math.isnan(value)})


def statistics(counts: FloatArray) -> dict[str, float]:
    """Every feature of CODES of (levels,) numbers of voxels, not all 0."""
    p, level = counts / counts.sum(), np.arange(1, len(counts) + 1, dtype=np.float64)
    found = intensity.statistics(np.repeat(np.arange(1, len(counts) + 1, dtype=np.uint16), counts.astype(np.int64)))
    often = level[counts == counts.max()]
    slope = np.gradient(counts) if len(counts) > 1 else np.array([math.nan])
    more = {
        "mode": float(often[np.abs(often - found["mean"]).argmin()]),
        "entropy": -float(p[p > 0] @ np.log2(p[p > 0])) + 0.0,
        "uniformity": float(p @ p),
        "maximum_gradient": float(slope.max()),
        "maximum_gradient_level": float(slope.argmax()) + 1 if len(counts) > 1 else math.nan,
        "minimum_gradient": float(slope.min()),
        "minimum_gradient_level": float(slope.argmin()) + 1 if len(counts) > 1 else math.nan,
    }
    return {name: {**found, **more}[name] for name in CODES}
