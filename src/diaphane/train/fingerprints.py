"""Fitting the input gate: what the training items look like, and what they would look like turned, inverted or with other grey levels."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
from sklearn.linear_model import LogisticRegression

from diaphane.core.arrays import BoolArray, FloatArray, IntArray
from diaphane.core.image import Image
from diaphane.core.recipe import Check, Fingerprint
from diaphane.ops.fingerprint import Glance, descriptors_of, glance, layout, tone_terms, turned_glance
from diaphane.ops.turns import Turn, words
from diaphane.train.kinds import FLOOR, fit_kinds, likeliest_count, log_distances
from diaphane.train.recipe import AugmentTable
from diaphane.train.tones import TONES
from diaphane.train.upright import fit_layout, natural_turns, opposite, scores_of, unnatural_turns

PARTS = 10
"""Patients are cut into so many; the scores of each are those of a fingerprint of the others."""
FALSE_ALARMS = 0.003
"""Share of held-out training items that may be called strange; the output gate may doubt as many."""
UNLIKE, ALTERED = 0.005, 0.001
"""The same of ``MANY`` items: of another kind, and altered. A rare kind of item is as far from the others as another kind of picture, so that the
distance needs more room than the checks, and does not share it with them."""
SEEN = 0.5
"""A check that finds fewer of the held-out items that were altered so is left out: it would add false alarms and little else."""
REGULARISATION = 0.1
MISSED = 0.02
"""Share of altered items that a check may miss so that clean ones are safe from it."""
MANY = 1000
"""Items, from which on they tell how often a check is wrong that altered ones are not far away for."""
CONFIDENCE = 0.95
"""With which no more of a normal distribution lies above a limit than its tail says, however few items tell where that is."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A check with its scores of held-out items."""

    check: Check
    clean: FloatArray
    altered: FloatArray
    """Of the same items, altered as the check is about; empty for the distance."""

    def limit(self, tail: float) -> float:
        """Above what the share ``tail`` of clean items scores; higher where nearly all altered ones are above that too."""
        return max(self._own(tail), self._strict())

    def is_weak(self, tail: float) -> bool:
        """Whether its limit lies in the tail of clean items, for altered ones reach into it."""
        return self._own(tail) > self._strict()

    def _own(self, tail: float) -> float:
        normal = self.clean.mean() + self.clean.std() * deviations(tail, len(self.clean))
        return float(max(np.quantile(self.clean, 1 - tail), normal))

    def _strict(self) -> float:
        return float(np.quantile(self.altered, MISSED)) if len(self.altered) else -math.inf


def fit_fingerprint(images: Iterable[Image], patients: Sequence[str], augment: AugmentTable, seed: int) -> Fingerprint:
    """What new images are compared with, from training images of ``patients`` (all pictures or all volumes).

    Every check is fitted on nine tenths of the patients and scores the rest; their limits are set together. What augmentation makes natural
    is not asked, and learnt from: a copy of each item is turned so.
    """
    seen, patients, count = [glance(image) for image in images], list(patients), len(patients)
    axes = 3 if seen[0].size else 2
    natural = natural_turns(augment, axes)
    if len(natural) > 1:  # one copy of each item in one of the other ways in which it may lie
        seen += [turned_glance(one, natural[1 + n % (len(natural) - 1)]) for n, one in enumerate(seen)]
        patients += patients
    found, small = np.stack([descriptors_of(one) for one in seen]), np.stack([layout(one) for one in seen])
    parts = parts_of(patients, seed)
    turns = unnatural_turns(natural, axes)
    kinds = likeliest_count(found, parts, count, seed)
    away = _held_out(parts, lambda out: log_distances(found[out], fit_kinds(found[~out], kinds, seed)), (len(found),))
    unlike = Scored(_check("tone", "", away), away, np.zeros(0))
    kept = told([unlike, *_tones(seen, found, parts, seed), *_turned(small, parts, turns)], count)
    limits = limits_together(kept, count)
    checks = [replace(one.check, limit=limit, caught=_caught(one, limit)) for one, limit in zip(kept[1:], limits[1:], strict=True)]
    mean, scale = _scale(found)
    tones = {tone.name: _fit_tone(found, _copies(seen, tone.make, seed), mean, scale) for tone in TONES[axes]}
    weighted = tuple(replace(check, weights=tones[check.name]) if check.kind == "tone" else check for check in checks)
    names = [words(turn) for turn in natural[1:]] + [tone.name for tone in TONES[axes]] + ["with its greys inverted"] + [words(turn) for turn in turns]
    untold = [name for name in dict.fromkeys(names) if name not in {check.name for check in checks}]
    share = FALSE_ALARMS if count < MANY else UNLIKE + ALTERED
    basis = f"{count} training items of {len(set(patients))} patients, held out in {PARTS} parts: {share:.1%} of them may be called strange"
    return Fingerprint(mean, fit_kinds(found, kinds, seed), math.exp(limits[0]), basis, weighted, scale, fit_layout(small, turns), tuple(untold))


def told(scored: Sequence[Scored], count: int) -> list[Scored]:
    """The distance, and the checks that find enough of what they are about even where each has but an equal part of the false alarms.

    Of few items (``count``; the scores may be of their copies too) only those that tell nearly all: how rarely the others would be wrong cannot be known.
    """
    unlike, *checks = scored
    least = _least(scored, FALSE_ALARMS) if count < MANY else _least(checks, ALTERED)
    safe = [one for one in checks if count >= MANY or not one.is_weak(least)]
    return [unlike, *(one for one in safe if _caught(one, one.limit(least)) >= SEEN)]


def limits_together(scored: Sequence[Scored], count: int) -> list[float]:
    """Of the distance, which comes first, and of each check, so that few clean items are called strange by any.

    Of many items ``UNLIKE`` of them by the distance and ``ALTERED`` by the checks, each of these the same share. Of few items, which cannot tell
    such small shares, ``FALSE_ALARMS`` of them by all; at least an equal part by each.
    """
    unlike, *checks = scored
    if count < MANY:
        return _shared(scored, FALSE_ALARMS)
    return [float(np.quantile(unlike.clean, 1 - UNLIKE)), *_shared(checks, ALTERED)]


def _shared(scored: Sequence[Scored], share: float) -> list[float]:
    limits: list[float] = []
    for tail in np.geomspace(share, _least(scored, share), 20):
        limits = [one.limit(float(tail)) for one in scored]
        if not limits or np.any([one.clean > limit for one, limit in zip(scored, limits, strict=True)], axis=0).mean() <= share:
            break
    return limits


def _least(scored: Sequence[Scored], share: float) -> float:
    """An equal part of the false alarms for each check that can give any."""
    return share / max(1, sum(one.is_weak(share) for one in scored))


def deviations(tail: float, count: int) -> float:
    """How many standard deviations of ``count`` items above their mean the limit must lie: a one-sided tolerance limit of a normal distribution.

    Source: Natrella, Experimental Statistics, NBS Handbook 91 (1963), section 2-4, in its form for many items.
    """
    normal, sure = NormalDist().inv_cdf(1 - tail), NormalDist().inv_cdf(CONFIDENCE)
    return normal + sure * math.sqrt(1 / count + normal**2 / (2 * count))


def _caught(one: Scored, limit: float) -> float:
    return float(np.mean(one.altered > limit)) if len(one.altered) else math.nan


def parts_of(patients: Sequence[str], seed: int) -> IntArray:
    """Which of ``PARTS`` each item is in: all of a patient in one."""
    names = sorted(set(patients))
    order = np.random.default_rng(seed).permutation(len(names)) % PARTS
    part = dict(zip(names, order.tolist(), strict=True))
    return np.array([part[name] for name in patients])


def _held_out(parts: IntArray, each: Callable[[BoolArray], FloatArray], shape: tuple[int, ...]) -> FloatArray:
    out = np.empty(shape)
    for n in np.unique(parts):
        out[parts == n] = each(np.asarray(parts == n))
    return out


def _tones(seen: Sequence[Glance], found: FloatArray, parts: IntArray, seed: int) -> list[Scored]:
    out = []
    for tone in TONES[3 if seen[0].size else 2]:
        copies = _copies(seen, tone.make, seed)

        def both(held: BoolArray, copies: FloatArray = copies) -> FloatArray:
            mean, scale = _scale(found[~held])
            weights = _fit_tone(found[~held], copies[~held], mean, scale)
            return np.stack([tone_terms(each[held], mean, scale) @ weights for each in (found, copies)], axis=1)

        scores = _held_out(parts, both, (len(found), 2))
        out.append(Scored(_check("tone", tone.name, scores[:, 0]), scores[:, 0], scores[:, 1]))
    return out


def _copies(seen: Sequence[Glance], make: Callable[[Glance, np.random.Generator], Glance], seed: int) -> FloatArray:
    rng = np.random.default_rng(seed)
    return np.stack([descriptors_of(make(one, rng)) for one in seen])


def _scale(found: FloatArray) -> tuple[FloatArray, FloatArray]:
    return found.mean(axis=0), np.sqrt(found.var(axis=0) + FLOOR**2)


def _fit_tone(found: FloatArray, copies: FloatArray, mean: FloatArray, scale: FloatArray) -> FloatArray:
    """Weights of the terms, by logistic regression: the odds that an item was altered."""
    rows = tone_terms(np.concatenate([found, copies]), mean, scale)
    model = LogisticRegression(C=REGULARISATION, max_iter=1000).fit(rows[:, :-1], np.repeat([0, 1], [len(found), len(copies)]))
    return np.append(model.coef_[0], model.intercept_[0])


def _turned(small: FloatArray, parts: IntArray, turns: Sequence[Turn]) -> list[Scored]:
    """Inverted, and each of ``turns``."""
    scores = _held_out(parts, lambda out: scores_of(small[out], fit_layout(small[~out], turns), turns), (len(small), 1 + len(turns)))
    found = [Scored(_check("inverted", "with its greys inverted", scores[:, 0]), scores[:, 0], -scores[:, 0])]
    for n, turn in enumerate(turns, start=1):
        back = -scores[:, 1 + turns.index(opposite(turn))]
        found.append(Scored(replace(_check("turned", words(turn), scores[:, n]), turn=turn), scores[:, n], back))
    return found


def _check(kind: str, name: str, clean: FloatArray) -> Check:
    return Check(kind, name, float(clean.mean()), math.inf, math.nan)  # type: ignore[arg-type]  # one of the three words
