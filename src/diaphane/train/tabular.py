"""Fitting classifiers on features: logistic regression, its strength chosen inside the training part only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from diaphane.assess.tabular import CLIP
from diaphane.core.arrays import BoolArray, FloatArray

STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)


@dataclass(frozen=True, slots=True)
class Fitted:
    """``model.json``, and the held-out scores of a five-fold cross-validation."""

    model: dict[str, Any]
    scores: FloatArray
    """(n,) log-odds, each from a fit that did not see the case."""


def fit_logistic(values: FloatArray, truth: BoolArray, names: list[str], seed: int) -> Fitted:
    """Logistic regression on ``values`` (n, d), all finite."""
    scores = np.empty(len(truth))
    for seen, unseen in StratifiedKFold(5, shuffle=True, random_state=seed).split(values, truth):
        mean, deviation, fit = _fit(values[seen], truth[seen], seed)
        scores[unseen] = fit.decision_function(_standard(values[unseen], mean, deviation))
    mean, deviation, fit = _fit(values, truth, seed)
    model = {
        "kind": "logistic regression", "features": names, "mean": mean.tolist(), "deviation": deviation.tolist(),
        "coefficients": fit.coef_[0].tolist(), "intercept": float(fit.intercept_[0]), "strength": float(fit.C),
        "covariance": _covariance(_standard(values, mean, deviation), fit).tolist(), "prevalence": float(truth.mean()),
    }  # fmt: skip
    return Fitted(model, scores)


def _fit(values: FloatArray, truth: BoolArray, seed: int) -> tuple[FloatArray, FloatArray, LogisticRegression]:
    mean, deviation = values.mean(axis=0), values.std(axis=0) + 1e-12
    z = _standard(values, mean, deviation)
    folds = list(StratifiedKFold(5, shuffle=True, random_state=seed + 1).split(z, truth))

    def inner(strength: float) -> float:
        fits = [(LogisticRegression(C=strength, max_iter=5000).fit(z[a], truth[a]), b) for a, b in folds]
        return float(np.mean([roc_auc_score(truth[b], fit.decision_function(z[b])) for fit, b in fits]))

    return mean, deviation, LogisticRegression(C=max(STRENGTHS, key=inner), max_iter=5000).fit(z, truth)


def _standard(values: FloatArray, mean: FloatArray, deviation: FloatArray) -> FloatArray:
    return np.clip((values - mean) / deviation, -CLIP, CLIP)


def _covariance(z: FloatArray, fit: LogisticRegression) -> FloatArray:
    """Of intercept and coefficients: the inverse of the penalised Hessian (Laplace). Source: Bishop 2006, 4.5.1."""
    x = np.column_stack([np.ones(len(z)), z])
    p = fit.predict_proba(z)[:, 1]
    hessian = (x * (p * (1 - p))[:, None]).T @ x
    hessian[1:, 1:] += np.eye(z.shape[1]) / fit.C
    return np.asarray(np.linalg.inv(hessian))
