"""Intensity-based statistics. Source: IBSI reference manual, section 3.3 (arXiv 1612.07003)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from diaphane.core.arrays import Array, FloatArray
from diaphane.core.region import Feature
from diaphane.measure.options import Options
from diaphane.measure.view import View

CODES = {
    "mean": "Q4LE", "variance": "ECT3", "skewness": "KE2A", "excess_kurtosis": "IPH6", "median": "Y12H", "minimum": "1GSF",
    "percentile_10": "QG58", "percentile_90": "8DWT", "maximum": "84IY", "interquartile_range": "SALO", "range": "2OJQ",
    "mean_absolute_deviation": "4FUA", "robust_mean_absolute_deviation": "1128", "energy": "N8CA", "root_mean_square": "5ZWQ",
    "median_absolute_deviation": "N72L", "coefficient_of_variation": "7TET", "quartile_coefficient_of_dispersion": "9S40",
}  # fmt: skip


BLOCK = 1 << 16
"""Values at a time."""
SQUARED = {"variance", "energy"}
PLAIN = {"skewness", "excess_kurtosis", "coefficient_of_variation", "quartile_coefficient_of_dispersion"}
WHY = {
    "coefficient_of_variation": "the mean is 0",
    "quartile_coefficient_of_dispersion": "the quartiles add up to 0",
    "robust_mean_absolute_deviation": "no value lies between the 10th and the 90th percentile",
}


def features(view: View, options: Options) -> list[Feature]:
    """Statistics of the grey values (0-255) inside the region of a picture."""
    return of_values(view.grey[view.mask], view.grid)


def of_values(values: Array, grid: str, unit: str = "1") -> list[Feature]:
    """Statistics of (n,) ``values`` in ``unit``, taken on ``grid``; NaN where there are none, or some are no numbers."""
    wrong = int(np.count_nonzero(~np.isfinite(values)))
    nothing = f"voxels of the region that are not finite numbers: {wrong}" if wrong else "" if values.size else "the region vanishes on this grid"
    found = dict.fromkeys(CODES, math.nan) if nothing else statistics(values)
    return [
        Feature(
            family="intensity", name=name, value=value, unit=unit_of(name, unit), ibsi_code=CODES[name], discretisation=grid,
            nan_reason=nothing or reason(name) if math.isnan(value) else "",
        )
        for name, value in found.items()
    ]  # fmt: skip


def reason(name: str) -> str:
    """Why the statistic ``name`` of some values is NaN."""
    return WHY.get(name, "all grey values are equal")


def unit_of(name: str, unit: str) -> str:
    """The unit of the statistic ``name`` of values in ``unit``."""
    return "1" if unit == "1" or name in PLAIN else f"{unit}2" if name in SQUARED else unit


def statistics(values: Array) -> dict[str, float]:
    """Every statistic of CODES of (n,) values, n > 0; what does not exist is NaN."""
    mean = _mean(values, lambda v: v)
    variance = _mean(values, lambda v: (v - mean) * (v - mean))
    low, quarter, median, three_quarters, high = percentiles(values, (10, 25, 50, 75, 90))
    middle = values[(values >= np.float64(low)) & (values <= np.float64(high))]  # a plain number would be rounded to their precision
    centre = _mean(middle, lambda v: v)
    square = _mean(values, lambda v: v**2)
    return {
        "mean": mean,
        "variance": variance,
        "skewness": _mean(values, lambda v: (v - mean) ** 2 * (v - mean)) / variance**1.5 if variance else math.nan,
        "excess_kurtosis": _mean(values, lambda v: ((v - mean) ** 2) ** 2) / variance**2 - 3 if variance else math.nan,
        "median": median,
        "minimum": float(values.min()),
        "percentile_10": low,
        "percentile_90": high,
        "maximum": float(values.max()),
        "interquartile_range": three_quarters - quarter,
        "range": float(values.max()) - float(values.min()),
        "mean_absolute_deviation": _mean(values, lambda v: np.abs(v - mean)),
        "robust_mean_absolute_deviation": _mean(middle, lambda v: np.abs(v - centre)),
        "energy": _sum(values, lambda v: v**2),
        "root_mean_square": math.sqrt(square),
        "median_absolute_deviation": _mean(values, lambda v: np.abs(v - median)),
        "coefficient_of_variation": math.sqrt(variance) / mean if mean else math.nan,
        "quartile_coefficient_of_dispersion": (three_quarters - quarter) / (three_quarters + quarter) if three_quarters + quarter else math.nan,
    }


def percentiles(values: Array, percents: Sequence[float]) -> list[float]:
    """In double precision, linear between the two nearest of ``values``, which are ordered in their own precision."""
    places = np.asarray(percents) / 100 * (values.size - 1)
    below = places.astype(np.intp)
    above = np.minimum(below + 1, values.size - 1)
    ordered = np.partition(values, np.union1d(below, above))
    low, high = ordered[below].astype(np.float64), ordered[above].astype(np.float64)
    return [float(value) for value in low + (high - low) * (places - below)]


def _sum(values: Array, of: Callable[[FloatArray], FloatArray]) -> float:
    """Over ``of`` the values, some at a time: in double precision they take more than the region itself."""
    return sum(float(of(values[n : n + BLOCK].astype(np.float64)).sum()) for n in range(0, values.size, BLOCK))


def _mean(values: Array, of: Callable[[FloatArray], FloatArray]) -> float:
    return _sum(values, of) / values.size if values.size else math.nan
