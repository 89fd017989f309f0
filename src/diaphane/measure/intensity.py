"""Intensity-based statistics. Source: IBSI reference manual, section 3.3 (arXiv 1612.07003)."""

from __future__ import annotations

import math

import numpy as np

from diaphane.core.arrays import Array, FloatArray
from diaphane.core.region import Feature
from diaphane.measure.options import Options
from diaphane.measure.view import View

CODES = {
    "mean": "Q4LE", "variance": "ECT3", "skewness": "KE2A", "excess_kurtosis": "IPH6", "median": "Y12H", "minimum": "1GSF",
    "percentile_10": "QG58", "percentile_90": "8DWT", "maximum": "84IY", "interquartile_range": "SALO", "range": "2OJQ",
    "mean_absolute_deviation": "4FUA", "robust_mean_absolute_deviation": "1128", "energy": "N8CA", "root_mean_square": "5ZWQ",
}  # fmt: skip


SQUARED = {"variance", "energy"}
PLAIN = {"skewness", "excess_kurtosis"}


def features(view: View, options: Options) -> list[Feature]:
    """Statistics of the grey values (0-255) inside the region of a picture."""
    return of_values(view.grey[view.mask], view.grid)


def of_values(values: Array, grid: str, unit: str = "1") -> list[Feature]:
    """Statistics of (n,) ``values`` in ``unit``, taken on ``grid``; NaN where there are none, as a region can vanish on a coarse grid."""
    found = statistics(np.asarray(values, np.float64)) if values.size else dict.fromkeys(CODES, math.nan)
    flat = "all grey values are equal" if values.size else "the region vanishes on this grid"
    return [
        Feature(
            family="intensity", name=name, value=value, unit=_unit(name, unit), ibsi_code=CODES[name], discretisation=grid,
            nan_reason=flat if math.isnan(value) else "",
        )
        for name, value in found.items()
    ]  # fmt: skip


def _unit(name: str, unit: str) -> str:
    return "1" if unit == "1" or name in PLAIN else f"{unit}2" if name in SQUARED else unit


def statistics(values: FloatArray) -> dict[str, float]:
    """Every statistic of CODES of (n,) values, n > 0; skewness and kurtosis of equal values are NaN."""
    mean, variance = float(values.mean()), float(values.var())
    away = values - mean
    low, quarter, median, three_quarters, high = (float(q) for q in np.percentile(values, [10, 25, 50, 75, 90]))
    middle = values[(values >= low) & (values <= high)]
    return {
        "mean": mean,
        "variance": variance,
        "skewness": float((away**3).mean()) / variance**1.5 if variance else math.nan,
        "excess_kurtosis": float((away**4).mean()) / variance**2 - 3 if variance else math.nan,
        "median": median,
        "minimum": float(values.min()),
        "percentile_10": low,
        "percentile_90": high,
        "maximum": float(values.max()),
        "interquartile_range": three_quarters - quarter,
        "range": float(np.ptp(values)),
        "mean_absolute_deviation": float(np.abs(away).mean()),
        "robust_mean_absolute_deviation": float(np.abs(middle - middle.mean()).mean()),
        "energy": float((values**2).sum()),
        "root_mean_square": math.sqrt(float((values**2).mean())),
    }
