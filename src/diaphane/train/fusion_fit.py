"""Fitting fusion on candidates: cross-validation by whose face it is, calibration, and the interval's members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from diaphane.core.arrays import Array, FloatArray, IntArray
from diaphane.fuse.columns import OF_LANDMARKS
from diaphane.fuse.model import CLIP, Learner, Stack
from diaphane.ops.families import Family
from diaphane.ops.family_json import BOOSTING, LOGISTIC, RADIAL_SVM
from diaphane.train.table_families import DIGITS, Setting, calibration, fitted

FOLDS = 5
STUDENT = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}
"""97.5 % quantile of Student's t, by the number of parts that people are cut into."""
BLIND = 3
"""Every so many candidates are learnt from once more as if there were no landmarks: trackers may give boxes alone."""
SETTINGS: Mapping[str, tuple[Setting, ...]] = {
    LOGISTIC: tuple(Setting(LOGISTIC, c) for c in (0.01, 0.1, 1.0)),
    RADIAL_SVM: tuple(Setting(RADIAL_SVM, c, g, balanced=True) for c, g in ((0.3, 0.3), (1.0, 0.3), (0.3, 1.0))),
    BOOSTING: tuple(Setting(BOOSTING, n, 8) for n in (50, 100, 200)),
}
LEARNERS: Mapping[str, tuple[str, ...]] = {"svm": (RADIAL_SVM,), "ensemble": (LOGISTIC, RADIAL_SVM, BOOSTING), "hierarchical": (BOOSTING,)}


@dataclass(frozen=True, slots=True)
class Rows:
    """What is learnt from."""

    columns: tuple[str, ...]
    raw: FloatArray
    """(n, d); NaN where unknown."""
    truth: IntArray
    groups: Array
    """(n,), whose face."""

    def folds(self) -> list[tuple[IntArray, IntArray]]:
        """Learnt from and held out; no face is in both."""
        part = parts_of(self.groups)
        return [(np.flatnonzero(part != n), np.flatnonzero(part == n)) for n in range(int(part.max()) + 1)]


@dataclass(frozen=True, slots=True)
class Scale:
    """How values become scores."""

    centre: FloatArray
    scale: FloatArray

    @classmethod
    def of(cls, raw: FloatArray) -> Scale:
        """Median and quartiles; where the quartiles are one, the standard deviation; where all are one or unknown, 1."""
        known = np.where(np.isnan(raw).all(axis=0), 0.0, raw)
        middle, spread = np.nanmedian(known, axis=0), np.diff(np.nanquantile(known, [0.25, 0.75], axis=0), axis=0)[0] / 1.349
        deviation = np.nanstd(known, axis=0)
        scale = np.where(spread > 1e-9 * np.maximum(deviation, 1e-300), spread, deviation)
        return cls(middle, np.where(scale > 0, scale, 1.0))

    def scores(self, raw: FloatArray) -> FloatArray:
        """As ``FusionModel.scores``, rounded as families are fitted to them."""
        z = np.nan_to_num(np.arcsinh((raw - self.centre) / self.scale), nan=0.0)
        return np.asarray(np.round(np.clip(z, -CLIP, CLIP), DIGITS))


def parts_of(groups: Array) -> IntArray:
    """(n,), the part of each row: people, those with most rows first, go to the part that has least."""
    people, number, counts = np.unique(groups, return_inverse=True, return_counts=True)
    load, part = np.zeros(min(FOLDS, len(people))), np.zeros(len(people), int)
    for person in np.argsort(-counts, kind="stable"):
        part[person] = int(load.argmin())
        load[part[person]] += counts[person]
    return np.asarray(part[number])


def blinded(raw: FloatArray, columns: Sequence[str]) -> FloatArray:
    """``raw`` as it would be without landmarks."""
    out = raw.copy()
    for n, name in enumerate(columns):
        if name in OF_LANDMARKS:
            out[:, n] = 0.0 if name == "face_mesh" else np.nan
    return out


def fit_rows(rows: Rows, families: Sequence[str], seed: int) -> tuple[Stack, FloatArray, Scale, dict[str, object]]:
    """The stack of ``families``, the held-out log-odds (n,), the scale, and what was chosen."""
    scale = Scale.of(rows.raw)
    z, blind = scale.scores(rows.raw), scale.scores(blinded(rows.raw, rows.columns))
    chosen: dict[str, Setting] = {}
    learners, held = [], []
    for family in families:
        chosen[family], learner, log_odds = _learner(rows, z, blind, SETTINGS[family], seed)
        learners.append(learner)
        held.append(log_odds)
    weights, offset, losses = _stacked(np.stack(held, axis=1), rows.truth)
    told = {"settings": {f: str(s) for f, s in chosen.items()}, "weights": dict(zip(families, weights.tolist(), strict=True)), **losses}
    return Stack(tuple(learners), weights, offset), np.asarray(np.stack(held, axis=1) @ weights + offset), scale, told


def _learnt(rows: Rows, z: FloatArray, blind: FloatArray, keep: IntArray) -> tuple[FloatArray, IntArray]:
    """Rows to learn from: all of ``keep``, and every third of them without landmarks too."""
    again = keep[::BLIND]
    return np.concatenate([z[keep], blind[again]]), np.concatenate([rows.truth[keep], rows.truth[again]])


def _learner(rows: Rows, z: FloatArray, blind: FloatArray, settings: Sequence[Setting], seed: int) -> tuple[Setting, Learner, FloatArray]:
    """The setting with the least held-out loss, fitted to everything and without each part, and its held-out log-odds (n,)."""
    folds = rows.folds()
    without: dict[Setting, list[Family]] = {s: [] for s in settings}
    answers = {s: np.zeros((len(z), 1)) for s in settings}
    for seen, unseen in folds:
        for setting, family in zip(settings, fitted(settings, *_learnt(rows, z, blind, seen), 2, seed), strict=True):
            answers[setting][unseen] = family.answers(z[unseen])
            without[setting].append(family)
    calibrated = {s: calibration(answers[s], rows.truth) for s in settings}
    held = {s: np.asarray(slope * answers[s][:, 0] + offsets[0]) for s, (slope, offsets) in calibrated.items()}
    best = min(settings, key=lambda s: log_loss(held[s], rows.truth))
    whole = fitted([best], *_learnt(rows, z, blind, np.arange(len(z))), 2, seed)
    by_part = [calibrated[best], *(calibration(answers[best][seen], rows.truth[seen]) for seen, _ in folds)]
    learner = Learner((*whole, *without[best]), np.array([slope for slope, _ in by_part]), np.array([offsets[0] for _, offsets in by_part]))
    return best, learner, held[best]


def _stacked(held: FloatArray, truth: IntArray) -> tuple[FloatArray, float, dict[str, float]]:
    """Weights, none negative, and offset: those that say the truth best, or, where that is not better, the same for all (soft voting)."""
    count = held.shape[1]
    if count == 1:
        return np.ones(1), 0.0, {"log_loss": log_loss(held[:, 0], truth)}

    def loss(x: FloatArray) -> tuple[float, FloatArray]:
        odds = held @ x[:-1] + x[-1]
        wrong = 0.5 * (1 + np.tanh(odds / 2)) - truth
        return log_loss(odds, truth), np.concatenate([held.T @ wrong, [wrong.sum()]]) / len(truth)

    best = minimize(loss, np.array([1 / count] * count + [0.0]), jac=True, method="L-BFGS-B", bounds=[(0, None)] * count + [(None, None)]).x
    slope, offset = calibration(held.mean(axis=1, keepdims=True), truth)
    told = {"log_loss_stacked": log_loss(held @ best[:-1] + best[-1], truth), "log_loss_voting": log_loss(slope * held.mean(axis=1) + offset[0], truth)}
    if told["log_loss_stacked"] < told["log_loss_voting"]:
        return best[:-1], float(best[-1]), told
    return np.full(count, slope / count), float(offset[0]), told


def log_loss(log_odds: FloatArray, truth: IntArray) -> float:
    """Mean logarithmic loss."""
    return float(np.logaddexp(0, np.where(truth == 1, -log_odds, log_odds)).mean())
