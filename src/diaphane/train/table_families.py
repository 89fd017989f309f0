"""Fitting the families of classifiers on features with scikit-learn, and writing them as numbers.

Source: Hastie et al., The Elements of Statistical Learning, 2nd edition: 4.4 (logistic regression), 10 (boosting), 12 (support vector machines).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from scipy.optimize import minimize
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC, LinearSVC

from diaphane.assess.tabular import probabilities
from diaphane.core.arrays import FloatArray, IntArray
from diaphane.ops.families import Family, Kernel, Linear, Trees
from diaphane.ops.family_json import BOOSTING, LINEAR_SVM, LOGISTIC, RADIAL_SVM

DIGITS = 4
"""Decimals of the scores that are learnt from: vectors are stored with them, and nothing is lost."""
RATE = 0.05
"""How much of each tree is added."""
STAGES = (50, 100, 200, 400)
LEAST_IN_LEAF = 20


@dataclass(frozen=True, slots=True)
class Setting:
    """One way to fit one family."""

    family: str
    strength: float
    """C times the number of images over 1000, so that fits to more images are not shrunk less; of boosting the number of trees of each class."""
    shape: float = 0.0
    """Of boosting the leaves of a tree; of radial basis functions gamma times the number of columns."""
    balanced: bool = False
    """Of radial basis functions: whether both classes weigh the same, however many there are of each."""

    def __str__(self) -> str:
        if self.family == BOOSTING:
            return f"{self.strength:g} trees of {self.shape:g} leaves"
        return f"C = {self.strength:g} per 1000 images" + (f", gamma = {self.shape:g}/columns" if self.shape else "")


SETTINGS: dict[str, tuple[Setting, ...]] = {
    LOGISTIC: tuple(Setting(LOGISTIC, c) for c in (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)),
    LINEAR_SVM: tuple(Setting(LINEAR_SVM, c) for c in (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)),
    RADIAL_SVM: tuple(Setting(RADIAL_SVM, c, g) for c, g in product((0.3, 1.0, 3.0, 10.0), (0.2, 0.6, 1.2))),
    BOOSTING: tuple(Setting(BOOSTING, n, leaves) for n, leaves in product(STAGES, (4, 8))),
}
"""Simpler families first: of those that are about equally good the first is taken."""


def fitted(settings: Sequence[Setting], z: FloatArray, truth: IntArray, classes: int, seed: int) -> list[Family]:
    """A fit for each of ``settings``, of one family, on rounded scores ``z`` (n, d); the answers of two classes are one, that of the second."""
    return FITS[settings[0].family](settings, z, truth, classes, seed)


def calibration(answers: FloatArray, truth: IntArray) -> tuple[float, FloatArray]:
    """The slope and the offsets (k,) by which held-out ``answers`` (n, k) say ``truth`` best.

    The truth counts as slightly unsure, as Platt proposes, so that answers that tell the classes apart without a fault do not become certainties.
    """
    k = answers.shape[1]
    wanted = _unsure(truth, max(k, 2))[:, -k:]

    def loss(x: FloatArray) -> tuple[float, FloatArray]:
        slope = np.exp(x[0])
        p = probabilities(slope * answers + x[1:])
        wrong = (p - wanted) / len(answers)
        gain = np.concatenate([[slope * (wrong * answers).sum()], wrong.sum(axis=0)])
        return float(cross_entropy(p, wanted).mean()), gain

    start = np.concatenate([[-np.log(max(float(answers.std()), 1e-6))], np.zeros(k)])
    best = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(-12, 12), *[(-30, 30)] * k], options={"maxiter": 500, "ftol": 1e-13, "gtol": 1e-9}).x
    return float(np.exp(best[0])), best[1:]


def cross_entropy(p: FloatArray, wanted: FloatArray) -> FloatArray:
    """(n,), the logarithmic loss of probabilities (n, k) against shares (n, k); of k = 1 of the class against the rest."""
    p = np.clip(p, 1e-15, 1 - 1e-15)
    terms = wanted * np.log(p) + ((1 - wanted) * np.log(1 - p) if p.shape[1] == 1 else 0)
    return np.asarray(-terms.sum(axis=1))


def told(truth: IntArray, k: int) -> FloatArray:
    """(n, k), 1 for the true class; of k = 1 the second of two."""
    return np.asarray(np.eye(max(k, 2))[truth][:, -k:])


def _unsure(truth: IntArray, classes: int) -> FloatArray:
    """Source: Platt, as above, equation 10, for any number of classes."""
    sizes = np.bincount(truth, minlength=classes)
    shares = np.ones((classes, classes)) + np.diag(sizes)
    return np.asarray((shares / shares.sum(axis=1, keepdims=True))[truth])


def _logistic(settings: Sequence[Setting], z: FloatArray, truth: IntArray, classes: int, seed: int) -> list[Family]:
    fits = (LogisticRegression(C=_c(s, z), max_iter=5000, tol=1e-6).fit(z, truth) for s in settings)
    return [Linear(fit.coef_, fit.intercept_) for fit in fits]


def _linear(settings: Sequence[Setting], z: FloatArray, truth: IntArray, classes: int, seed: int) -> list[Family]:
    """Squared hinge; of several classes each against the rest."""
    fits = (LinearSVC(C=_c(s, z), dual=False, class_weight="balanced", max_iter=10000, random_state=seed).fit(z, truth) for s in settings)
    return [Linear(fit.coef_, fit.intercept_) for fit in fits]


def _radial(settings: Sequence[Setting], z: FloatArray, truth: IntArray, classes: int, seed: int) -> list[Family]:
    """Of several classes each against the rest."""
    weights = ["balanced" if s.balanced else None for s in settings]
    fits = (
        [SVC(C=_c(s, z), gamma=s.shape / z.shape[1], class_weight=w).fit(z, truth == n) for n in _positive(classes)]
        for s, w in zip(settings, weights, strict=True)
    )
    return [_kernel(fit, z) for fit in fits]


def _kernel(fits: Sequence[Any], z: FloatArray) -> Kernel:
    support = np.unique(np.concatenate([fit.support_ for fit in fits]))
    coefficients = np.zeros((len(fits), len(z)))
    for row, fit in zip(coefficients, fits, strict=True):
        row[fit.support_] = fit.dual_coef_[0]
    return Kernel(z[support], coefficients[:, support], np.concatenate([fit.intercept_ for fit in fits]), float(fits[0].gamma))


def _boosted(settings: Sequence[Setting], z: FloatArray, truth: IntArray, classes: int, seed: int) -> list[Family]:
    """Of each number of leaves one fit, looked at after as many trees as asked for."""
    most = {shape: int(max(s.strength for s in settings if s.shape == shape)) for shape in {s.shape for s in settings}}
    fits = {
        leaves: HistGradientBoostingClassifier(
            max_leaf_nodes=int(leaves), max_iter=n, learning_rate=RATE, l2_regularization=1.0, early_stopping=False, random_state=seed,
            min_samples_leaf=max(1, min(LEAST_IN_LEAF, len(z) // 10)),
        ).fit(z, truth)
        for leaves, n in sorted(most.items())
    }  # fmt: skip
    return [_trees(fits[s.shape], int(s.strength)) for s in settings]


def _trees(fit: Any, stages: int) -> Trees:
    # scikit-learn has no public view of these trees; that they answer alike is tested
    predictors, start = fit._predictors[:stages], np.asarray(fit._baseline_prediction, float).ravel()
    nodes: list[tuple[Any, int]] = []
    roots: list[list[int]] = [[] for _ in start]
    count = 0
    for stage in predictors:
        for k, tree in enumerate(stage):
            roots[k].append(count)
            nodes.append((tree.nodes, count))
            count += len(tree.nodes)

    def whole(field: str, shifted: bool = False) -> Any:
        return np.concatenate([n[field].astype(float) + shifted * at for n, at in nodes])

    leaf = whole("is_leaf") > 0
    return Trees(
        np.where(leaf, -1, whole("feature_idx")).astype(int), np.where(leaf, 0.0, whole("num_threshold")),
        np.where(leaf, 0, whole("left", shifted=True)).astype(int), np.where(leaf, 0, whole("right", shifted=True)).astype(int),
        np.where(leaf, whole("value"), 0.0), tuple(np.array(r, int) for r in roots), start,
    )  # fmt: skip


def _c(setting: Setting, z: FloatArray) -> float:
    """scikit-learn weighs the sum over images: were C the same, the answers of a fit to four fifths would be smaller, and what calibrates them wrong."""
    return setting.strength * 1000 / len(z)


def _positive(classes: int) -> range:
    return range(1, 2) if classes == 2 else range(classes)


FITS: dict[str, Callable[[Sequence[Setting], FloatArray, IntArray, int, int], list[Family]]] = {
    LOGISTIC: _logistic, LINEAR_SVM: _linear, RADIAL_SVM: _radial, BOOSTING: _boosted,
}  # fmt: skip
