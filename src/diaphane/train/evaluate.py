"""How good a result is, with intervals: the document ``metrics.json``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from diaphane.core.arrays import BoolArray, FloatArray
from diaphane.ops.overlap import dice, jaccard

RULE = "a label absent from both masks scores 1, absent from one of them 0"
METRICS = ("dice", "jaccard")


@dataclass(frozen=True, slots=True)
class CaseMetrics:
    """One label of one picture. Distances in mm do not exist for pictures without scale."""

    case: str
    label: str
    dice: float
    jaccard: float
    hd95_mm: float = math.nan
    nsd_1mm: float = math.nan


def case_metrics(case: str, label: str, predicted: BoolArray, reference: BoolArray) -> CaseMetrics:
    """Overlap of two masks of one shape."""
    return CaseMetrics(case, label, dice(predicted, reference), jaccard(predicted, reference))


def mean_interval(values: FloatArray, seed: int = 0, groups: Sequence[str] | None = None) -> dict[str, Any]:
    """Mean with a 95 % bootstrap interval (2000 draws); whole ``groups`` (patients) are drawn where given."""
    rng = np.random.default_rng(seed)
    names = np.arange(len(values)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    sums, sizes = np.bincount(names, weights=values), np.bincount(names)
    drawn = rng.integers(len(sums), size=(2000, len(sums)))
    low, high = np.quantile(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1), [0.025, 0.975])
    return {"mean": float(values.mean()), "ci95": [float(low), float(high)]}


def auc_interval(truth: BoolArray, scores: FloatArray, seed: int = 0) -> dict[str, Any]:
    """Area under the ROC curve with a 95 % bootstrap interval (2000 draws of cases)."""
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(seed)
    draws: list[float] = []
    while len(draws) < 2000:
        chosen = rng.integers(len(truth), size=len(truth))
        if 0 < truth[chosen].sum() < len(truth):
            draws.append(_rank_auc(truth[chosen], scores[chosen]))
    low, high = np.quantile(draws, [0.025, 0.975])
    return {"mean": float(roc_auc_score(truth, scores)), "ci95": [float(low), float(high)]}


def slope_interval(truth: BoolArray, scores: FloatArray, seed: int = 0) -> dict[str, Any]:
    """Calibration slope of held-out log-odds with a 95 % bootstrap interval (500 draws): 1 is right, below 1 too bold.

    Source: Cox, Biometrika 45, 562 (1958): the slope of a logistic regression of the truth on the log-odds.
    """
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(seed)
    chosen = [np.arange(len(truth)), *(rng.integers(len(truth), size=len(truth)) for _ in range(500))]
    slopes = [float(LogisticRegression(C=1e9).fit(scores[n][:, None], truth[n]).coef_[0, 0]) for n in chosen]
    low, high = np.quantile(slopes[1:], [0.025, 0.975])
    return {"mean": slopes[0], "ci95": [float(low), float(high)]}


def _rank_auc(truth: BoolArray, scores: FloatArray) -> float:
    """By ranks (Mann-Whitney), ties at half."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    positives = int(truth.sum())
    above = float(ranks[truth].sum()) - positives * (positives + 1) / 2
    return above / (positives * (len(truth) - positives))


def metrics_document(cases: Sequence[CaseMetrics], groups: Sequence[str] | None = None) -> dict[str, Any]:
    """All cases and the summary of each label; ``groups`` names the patient of each case."""
    labels = list(dict.fromkeys(c.label for c in cases))
    summary = {}
    for label in labels:
        chosen = [n for n, c in enumerate(cases) if c.label == label]
        own = None if groups is None else [groups[n] for n in chosen]
        summary[label] = {m: mean_interval(np.array([getattr(cases[n], m) for n in chosen]), groups=own) for m in METRICS}
    return {"rule_for_empty_masks": RULE, "summary": summary, "cases": [asdict(c) for c in cases]}
