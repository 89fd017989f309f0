"""How good a result is, with intervals: the document ``metrics.json``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from diaphane.core.arrays import BoolArray, FloatArray, IntArray
from diaphane.ops.overlap import dice, jaccard
from diaphane.ops.surface_distance import surface_distance

RULE = (
    "a label absent from both masks has Dice and Jaccard 1, and neither HD95 nor NSD (null); absent from one of them it has Dice, Jaccard "
    "and NSD 0, and no HD95 (null); means are over the cases in which the metric exists: count says how many"
)
NAMES = {
    "dice": "Dice", "jaccard": "Jaccard", "hd95_mm": "HD95, mm", "nsd_1mm": "NSD at 1 mm", "hd95_px": "HD95, px", "nsd_1px": "NSD at 1 px", "auc": "AUC"
}  # fmt: skip
"""Of metrics, in words, where they are more than their key."""
METRICS = ("dice", "jaccard", "hd95_mm", "nsd_1mm", "hd95_px", "nsd_1px")
ALL = "all classes"
DRAWS = 2000
CHUNK = 250
"""Bootstrap draws at a time, for memory."""


@dataclass(frozen=True, slots=True)
class CaseMetrics:
    """One label of one case. Where there is a scale, distances are in mm, else in pixels; those in the other unit are NaN."""

    case: str
    label: str
    dice: float
    jaccard: float
    hd95_mm: float = math.nan
    nsd_1mm: float = math.nan
    hd95_px: float = math.nan
    nsd_1px: float = math.nan


def case_metrics(case: str, label: str, predicted: BoolArray, reference: BoolArray, spacing: tuple[float, float, float] | None = None) -> CaseMetrics:
    """Overlap and surface distance of two masks of one shape, [k, j, i] or [j, i]; ``spacing`` in mm (k, j, i), None without scale."""
    apart = surface_distance(np.atleast_3d(predicted.T).T, np.atleast_3d(reference.T).T, spacing or (1.0, 1.0, 1.0))
    distances = (apart.hausdorff(), apart.within(1.0))
    overlap = CaseMetrics(case, label, dice(predicted, reference), jaccard(predicted, reference))
    if spacing is None:
        return replace(overlap, hd95_px=distances[0], nsd_1px=distances[1])
    return replace(overlap, hd95_mm=distances[0], nsd_1mm=distances[1])


def mean_interval(values: FloatArray, seed: int = 0, groups: Sequence[str] | None = None) -> dict[str, Any]:
    """Mean with a 95 % bootstrap interval (2000 draws) and count; whole ``groups`` (patients) are drawn where given.

    NaN is left out. Of fewer than two values or groups the interval is NaN: they say nothing of how others differ.
    """
    there = ~np.isnan(values)
    names = np.arange(len(values)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    if not there.any():
        return {"mean": math.nan, "ci95": [math.nan, math.nan], "count": 0}
    names = np.unique(names[there], return_inverse=True)[1]
    count, mean = int(there.sum()), float(values[there].mean())
    if names.max() < 1:
        return {"mean": mean, "ci95": [math.nan, math.nan], "count": count}
    rng = np.random.default_rng(seed)
    sums, sizes = np.bincount(names, weights=values[there]), np.bincount(names)
    drawn = rng.integers(len(sums), size=(DRAWS, len(sums)))
    low, high = np.quantile(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1), [0.025, 0.975])
    return {"mean": mean, "ci95": [float(low), float(high)], "count": count}


def interval_words(ci95: Sequence[float | None], form: str = ".3f") -> str:
    """``0.790 to 0.834``, or that there were too few to tell."""
    low, high = ci95
    return "interval: too few" if low is None or high is None or math.isnan(low) else f"{low:{form}} to {high:{form}}"


def value_words(value: Mapping[str, Any]) -> str:
    """``0.812 (0.790 to 0.834)``."""
    return "none" if value["mean"] is None or math.isnan(value["mean"]) else f"{value['mean']:.3f} ({interval_words(value['ci95'])})"


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


def auc_of_items(truth: IntArray, probabilities: FloatArray) -> FloatArray:
    """What each item adds to the area under the ROC curve, so that the mean over all is the area.

    ``truth`` (n,) is the column of the true class in ``probabilities`` (n, class); at least two classes occur. Of two classes it is the area of
    the second, of more the mean over those that occur, each against the rest. The values of two classifiers on the same
    items may be compared in pairs: the variance of their mean is that of the areas.
    Source: DeLong et al., Biometrics 44, 837 (1988): the components of a U-statistic, as pseudo-values.
    """
    classes = [1] if probabilities.shape[1] == 2 else np.unique(truth).tolist()
    return np.asarray(np.mean([_placed(truth == n, probabilities[:, n]) for n in classes], axis=0))


def _placed(truth: BoolArray, scores: FloatArray) -> FloatArray:
    """Of one class against the rest: the share of the other side that each item stands on the right side of, ties at half, about their mean."""
    out = np.empty(len(truth))
    for side, sign in ((truth, 1), (~truth, -1)):
        others = np.sort(sign * scores[~side])
        below = sum(np.searchsorted(others, sign * scores[side], where) for where in ("left", "right"))
        out[side] = below / (2 * len(others))
    area, sizes = out[truth].mean(), np.where(truth, truth.sum(), (~truth).sum())
    return np.asarray(area + len(truth) / sizes * (out - area))


def metrics_document(cases: Sequence[CaseMetrics], groups: Sequence[str] | None = None) -> dict[str, Any]:
    """All cases and the summary of each label; ``groups`` names the patient of each case."""
    labels = list(dict.fromkeys(c.label for c in cases))
    summary = {}
    for label in labels:
        chosen = [n for n, c in enumerate(cases) if c.label == label]
        own = None if groups is None else [groups[n] for n in chosen]
        summary[label] = {m: mean_interval(np.array([getattr(cases[n], m) for n in chosen]), groups=own) for m in METRICS}
    return {"rule_for_empty_masks": RULE, "summary": summary, "cases": [asdict(c) for c in cases]}


def class_metrics(
    names: Sequence[str], truth: IntArray, probabilities: FloatArray, classes: Sequence[str], groups: Sequence[str] | None = None
) -> dict[str, Any]:
    """How well classes are told: ``truth`` (n,) is the column of the true class in ``probabilities`` (n, class); ``groups`` are patients.

    Intervals are of 2000 bootstrap draws of cases, or of whole patients; NaN where fewer than two of them have what is measured. What a class
    that does not occur has no value of is NaN, and is left out of the means over classes and draws.
    """
    predicted = probabilities.argmax(axis=1)
    whole = _scores(np.ones((1, len(truth))), truth, predicted, probabilities)[0]
    drawn = np.concatenate([_scores(weights, truth, predicted, probabilities) for weights in _weights(len(truth), groups)])
    summary: dict[str, dict[str, Any]] = {}
    own = np.arange(len(truth)) if groups is None else np.asarray(groups)
    for n, (label, metric) in enumerate(_columns(classes)):
        there = drawn[~np.isnan(drawn[:, n]), n]
        measured = own if label == ALL else own[(predicted if metric == "precision" else truth) == classes.index(label)]
        low, high = np.quantile(there, [0.025, 0.975]) if len(there) and len(np.unique(measured)) > 1 else (math.nan, math.nan)
        count = len(truth) if label == ALL else int(np.count_nonzero(truth == classes.index(label)))
        summary.setdefault(label, {})[metric] = {"mean": float(whole[n]), "ci95": [float(low), float(high)], "count": count}
    cases = [
        {"case": name, "class": classes[t], "predicted": classes[p], "probability": float(row[p])}
        for name, t, p, row in zip(names, truth, predicted, probabilities, strict=True)
    ]
    return {"classes": list(classes), "confusion": _confusion(np.ones((1, len(truth))), truth, predicted, len(classes))[0].astype(int).tolist(),
            "rule_for_confusion": "rows are the truth, columns what was predicted", "summary": summary, "cases": cases}  # fmt: skip


def _columns(classes: Sequence[str]) -> list[tuple[str, str]]:
    """What the columns of ``_scores`` are."""
    return [*((ALL, m) for m in ("accuracy", "balanced_accuracy", "auc")), *((c, m) for m in ("sensitivity", "precision", "auc") for c in classes)]


def _weights(count: int, groups: Sequence[str] | None) -> Iterator[FloatArray]:
    """How often each case (with its patient) was drawn, in chunks (draw, case)."""
    rng = np.random.default_rng(0)
    names = np.arange(count) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    patients = int(names.max()) + 1
    for _ in range(DRAWS // CHUNK):
        yield rng.multinomial(patients, np.full(patients, 1 / patients), size=CHUNK)[:, names].astype(float)


def _scores(weights: FloatArray, truth: IntArray, predicted: IntArray, probabilities: FloatArray) -> FloatArray:
    """(draw, metric) in the order of ``_columns``; NaN where a class was not drawn, or not predicted."""
    confusion = _confusion(weights, truth, predicted, probabilities.shape[1])
    right = np.diagonal(confusion, axis1=1, axis2=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        sensitivity, precision = right / confusion.sum(axis=2), right / confusion.sum(axis=1)
        auc = np.stack([_weighted_auc(weights, truth == n, column) for n, column in enumerate(probabilities.T)], axis=1)
        accuracy = right.sum(axis=1) / confusion.sum(axis=(1, 2))
        overall = np.stack([accuracy, _mean_of_known(sensitivity), _mean_of_known(auc)], axis=1)
    return np.concatenate([overall, sensitivity, precision, auc], axis=1)


def _confusion(weights: FloatArray, truth: IntArray, predicted: IntArray, classes: int) -> FloatArray:
    """(draw, true class, predicted class)."""
    cells = np.eye(classes**2)[truth * classes + predicted]
    return np.asarray(weights @ cells).reshape(-1, classes, classes)


def _weighted_auc(weights: FloatArray, truth: BoolArray, scores: FloatArray) -> FloatArray:
    """Area under the ROC curve of each draw: by ranks (Mann-Whitney), ties at half."""
    values, inverse = np.unique(scores, return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    starts = np.searchsorted(inverse[order], np.arange(len(values)))
    positive, negative = (np.add.reduceat((weights * side)[:, order], starts, axis=1) for side in (truth, ~truth))
    below = np.cumsum(negative, axis=1) - negative / 2
    return np.asarray((positive * below).sum(axis=1) / (positive.sum(axis=1) * negative.sum(axis=1)))


def _mean_of_known(values: FloatArray) -> FloatArray:
    """The mean along the last axis over what is not NaN."""
    known = ~np.isnan(values)
    return np.asarray(np.where(known, values, 0).sum(axis=1) / known.sum(axis=1))
