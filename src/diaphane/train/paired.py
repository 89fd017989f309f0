"""Which of several results on the same cases is better: paired differences with intervals and tests."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from diaphane.core.arrays import FloatArray
from diaphane.errors import InputError
from diaphane.train.evaluate import mean_interval

LOWER_IS_BETTER = ("hd95_mm", "hd95_px")
SIGNIFICANT = 0.05
DIGITS = 4
"""Of a difference in words."""


def compared(documents: Mapping[str, Mapping[str, Any]], metric: str = "dice", patients: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Each pair of the named ``documents`` (as ``metrics_document`` makes them), over the cases in which both have the metric.

    A case counts once, with the mean of its labels. ``difference`` is first minus second with a 95 % bootstrap interval over cases, or over
    ``patients`` (case → patient); ``p`` is of the Wilcoxon signed-rank test over cases, corrected after Holm where there are several pairs
    (1 where no case differs).
    Source: Wilcoxon, Biometrics Bulletin 1, 80 (1945); Holm, Scand J Stat 6, 65 (1979).

    Raises:
        InputError: Two documents have no case in common.
    """
    values = {name: case_means(document, metric) for name, document in documents.items()}
    pairs = [_pair(first, second, values, metric, patients) for first, second in combinations(values, 2)]
    for pair, p in zip(pairs, holm([pair["p_uncorrected"] for pair in pairs]), strict=True):
        pair["p"] = p
    return {
        "metric": metric,
        "better": "lower" if metric in LOWER_IS_BETTER else "higher",
        "test": "Wilcoxon signed-rank over cases, each the mean of its labels; p corrected after Holm for the number of pairs",
        "interval": f"95 %, bootstrap over {'cases' if patients is None else 'patients'}",
        "pairs": pairs,
    }


def case_means(document: Mapping[str, Any], metric: str) -> dict[str, float]:
    """The mean of the metric over the labels of each case; cases without it are left out."""
    known: dict[str, list[float]] = {}
    for row in document["cases"]:
        value = row[metric]
        if value is not None and not math.isnan(value):
            known.setdefault(row["case"], []).append(value)
    return {case: sum(values) / len(values) for case, values in known.items()}


def holm(p: Sequence[float]) -> list[float]:
    """Values of p corrected for their number, step down."""
    out, least = [0.0] * len(p), 0.0
    for rank, n in enumerate(sorted(range(len(p)), key=lambda n: p[n])):
        least = max(least, min(1.0, (len(p) - rank) * p[n]))
        out[n] = least
    return out


def sentence(pair: Mapping[str, Any], comparison: Mapping[str, Any]) -> str:
    """One pair in words, the better one first; no difference where the interval, to the digits shown, contains 0."""
    difference = pair["difference"]
    low, high = pair["ci95"]
    if not (round(low, DIGITS) > 0 or round(high, DIGITS) < 0):  # nor where a single case gives no interval
        between = "interval: too few" if math.isnan(low) else f"95 % interval {_rounded(low)} to {_rounded(high)}"
        return (
            f"{pair['first']} and {pair['second']}: no difference that is sure in {comparison['metric']} "
            f"(mean {_rounded(difference)}, {between}), p {pair['p']:.2g}, {pair['cases']} cases"
        )
    best, other = (pair["first"], pair["second"]) if (difference > 0) == (comparison["better"] == "higher") else (pair["second"], pair["first"])
    low, high = (low, high) if difference > 0 else (-high, -low)
    shown = "" if pair["p"] < SIGNIFICANT else "; this may be chance"
    return (
        f"{best} better than {other} by {_rounded(abs(difference))} in {comparison['metric']} "
        f"(95 % interval {_rounded(low)} to {_rounded(high)}), p {pair['p']:.2g}, {pair['cases']} cases{shown}"
    )


def _rounded(value: float) -> str:
    return f"{round(value, DIGITS) + 0.0:.{DIGITS}f}"  # never -0.0000


def _pair(first: str, second: str, values: Mapping[str, Mapping[str, float]], metric: str, patients: Mapping[str, str] | None) -> dict[str, Any]:
    cases = [case for case in values[first] if case in values[second]]
    if not cases:
        raise InputError(f"{first} and {second} have no case in common that has {metric}; compare results on the same cases")
    apart = np.array([values[first][case] - values[second][case] for case in cases])
    interval = mean_interval(apart, groups=None if patients is None else [patients.get(case, case) for case in cases])
    return {
        "first": first, "second": second, "cases": len(cases), "difference": interval["mean"], "ci95": interval["ci95"],
        "p_uncorrected": _signed_rank(apart),
    }  # fmt: skip


def _signed_rank(apart: FloatArray) -> float:
    if not np.any(apart):
        return 1.0
    from scipy.stats import wilcoxon  # 0.6 s: not for a single result

    return float(wilcoxon(apart, zero_method="wilcox", method="auto").pvalue)
