"""What held-out log-odds are worth: AUC, Brier skill and calibration slope, with intervals by drawing patients.

Source: Brier skill: Brier, Monthly Weather Review 78, 1 (1950), against the prevalence; slope: Cox, Biometrika 45, 562 (1958).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diaphane.core.arrays import BoolArray, FloatArray
from diaphane.train.evaluate import value_words
from diaphane.train.forms_about import AGE
from diaphane.train.forms_rows import natural
from diaphane.train.forms_table import number
from diaphane.train.grouping import AGE_GROUPS, AGES
from diaphane.train.subgroups import LEAST_MEASURED, LEAST_SHOWN

DRAWS, CHUNK = 1000, 100
FIGURES = {"auc": "AUC", "brier_skill": "Brier skill against the prevalence", "calibration_slope": "calibration slope (1 is right)"}
ROUNDS = 30
"""Newton steps to a slope, at most."""
SETTLED = 1e-8
"""A last step below it; of answers without an error the slope has no end."""
LARGEST = 50.0
"""Log-odds beyond it say no more."""
MOST_WORDS = 6


def figures(truth: FloatArray, odds: FloatArray, groups: Sequence[str], seed: int = 0) -> dict[str, Any]:
    """Of log-odds (n, k) of each class against the rest and the ``truth`` (n, k) in 0 and 1; means over classes, the slope is that of all together."""
    rng = np.random.default_rng(seed)
    number_of = np.unique(np.asarray(groups), return_inverse=True)[1]
    people = int(number_of.max()) + 1
    whole = _figures(np.ones((1, len(truth))), truth, odds)[0]
    drawn = [_figures(_drawn(rng, people)[:, number_of], truth, odds) for _ in range(DRAWS // CHUNK)]
    return {
        name: {"mean": float(whole[n]), "ci95": _interval(np.concatenate(drawn)[:, n]) if people > 1 else [math.nan, math.nan], "count": len(truth)}
        for n, name in enumerate(FIGURES)
    }


def subgroups(about: Sequence[Mapping[str, str]], truth: FloatArray, odds: FloatArray, groups: Sequence[str]) -> dict[str, Any]:
    """The same by what is known of each image; of groups of fewer than five patients nothing is said but how many images they have together."""
    found = {}
    for column in dict.fromkeys(column for one in about for column in one):
        own = [_group(column, one.get(column, "")) for one in about]
        kinds = sorted(set(own) - {""}, key=lambda word: (AGE_GROUPS.index(word) if word in AGE_GROUPS else -1, natural(word)))
        if 1 < len(kinds) <= MOST_WORDS:
            found[column] = _column(kinds, own, truth, odds, groups)
    return found


def rows(found: Mapping[str, Any]) -> str:
    """The figures as lines of a table in Markdown."""
    return "\n".join(f"| {words} | {value_words(found[name])} |" for name, words in FIGURES.items())


def _column(kinds: Sequence[str], own: Sequence[str], truth: FloatArray, odds: FloatArray, groups: Sequence[str]) -> dict[str, Any]:
    shown, few = [], 0
    for kind in kinds:
        here = np.array([word == kind for word in own])
        people = [group for group, yes in zip(groups, here, strict=True) if yes]
        if len(set(people)) < LEAST_SHOWN:
            few += len(people)
            continue
        enough = len(people) >= LEAST_MEASURED and (truth[here].max(axis=0) > truth[here].min(axis=0)).all()
        measured = figures(truth[here], odds[here], people) if enough else {"reason": f"fewer than {LEAST_MEASURED} images, or a class is not there"}
        shown.append({"group": kind, "images": len(people), "patients": len(set(people)), **measured})
    return {"groups": shown, "too_few": few, "not_known": sum(not word for word in own)}


def _group(column: str, value: str) -> str:
    if column not in (AGE, "age years") or math.isnan(number(value)):
        return value
    return AGE_GROUPS[int(np.searchsorted(AGES, number(value), side="right"))]


def _drawn(rng: np.random.Generator, people: int) -> FloatArray:
    """(``CHUNK``, people), how often each was drawn."""
    chosen = rng.integers(people, size=(CHUNK, people)) + people * np.arange(CHUNK)[:, None]
    return np.bincount(chosen.ravel(), minlength=CHUNK * people).reshape(CHUNK, people).astype(float)


def _figures(weights: FloatArray, truth: FloatArray, odds: FloatArray) -> FloatArray:
    """(draw, figure) where case n counts ``weights[:, n]`` times."""
    p = 0.5 * (1 + np.tanh(odds / 2))
    total = weights.sum(axis=1)
    prior = weights @ truth / total[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        reference = (prior * (1 - prior)).sum(axis=1)
        skill = 1 - (weights @ ((p - truth) ** 2).sum(axis=1) / total) / reference
        auc = np.mean([_auc(weights, t > 0, o) for t, o in zip(truth.T, odds.T, strict=True)], axis=0)
    k = truth.shape[1]
    return np.stack([auc, np.where(np.isfinite(skill), skill, math.nan), _slope(np.tile(weights, k), truth.T.ravel(), odds.T.ravel())], axis=1)


def _auc(weights: FloatArray, truth: BoolArray, odds: FloatArray) -> FloatArray:
    """By ranks (Mann-Whitney), ties at half; NaN where a class was not drawn."""
    values, inverse = np.unique(odds, return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    starts = np.searchsorted(inverse[order], np.arange(len(values)))
    positive, negative = (np.add.reduceat((weights * side)[:, order], starts, axis=1) for side in (truth, ~truth))
    return np.asarray((positive * (np.cumsum(negative, axis=1) - negative / 2)).sum(axis=1) / (positive.sum(axis=1) * negative.sum(axis=1)))


def _slope(weights: FloatArray, truth: FloatArray, odds: FloatArray) -> FloatArray:
    """(draw,): of the logistic regression of the truth on the log-odds, by Newton's steps; NaN where it has no end."""
    a, b = np.ones(len(weights)), np.zeros(len(weights))
    x = np.clip(odds, -LARGEST, LARGEST)
    for _ in range(ROUNDS):
        p = 0.5 * (1 + np.tanh((a[:, None] * x + b[:, None]) / 2))
        wrong, bend = weights * (truth - p), weights * p * (1 - p) + 1e-300
        one, two, three = bend.sum(axis=1), bend @ x, bend @ x**2
        away = one * three - two**2
        up, along = wrong @ x, wrong.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            step_a, step_b = (one * up - two * along) / away, (three * along - two * up) / away
        size = np.maximum(1, np.maximum(np.abs(step_a), np.abs(step_b)))
        a, b = a + np.nan_to_num(step_a / size), b + np.nan_to_num(step_b / size)
        if np.nanmax(np.abs(step_a), initial=0) < SETTLED:
            break
    return np.where(np.nan_to_num(np.abs(step_a), nan=1.0) < SETTLED, a, math.nan)


def _interval(values: FloatArray) -> list[float]:
    known = values[~np.isnan(values)]
    return [float(end) for end in np.quantile(known, [0.025, 0.975])] if len(known) > 1 else [math.nan, math.nan]
