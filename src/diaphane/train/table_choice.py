"""Nested cross-validation: inside each training part the family and its setting are chosen, on the rest the choice is judged.

Source: Varma and Simon, BMC Bioinformatics 7, 91 (2006): why the figures of the inner folds are too good; Breiman et al., Classification and Regression
Trees (1984), 3.4.3: the simplest within one standard error, here of the paired differences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from diaphane.assess.columns import Column
from diaphane.assess.tabular import Member, cut, probabilities
from diaphane.core.arrays import BoolArray, FloatArray, IntArray
from diaphane.errors import InputError
from diaphane.train.table_families import DIGITS, SETTINGS, Setting, calibration, cross_entropy, fitted, told
from diaphane.train.table_read import Table
from diaphane.train.table_unlike import fit_unlike

FOLDS = 5
Tick = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Scale:
    """What is taken for unknown values, and how values become scores; all from a training part."""

    fill: FloatArray
    centre: FloatArray
    scale: FloatArray

    @classmethod
    def of(cls, values: FloatArray, columns: Sequence[Column]) -> Scale:
        """Median and quartiles; where the quartiles are one, the standard deviation. Of two values the mean; of what is 1 where something is not known, 0."""
        median = np.nanmedian(values, axis=0)
        spread = np.diff(np.nanquantile(values, [0.25, 0.75], axis=0), axis=0)[0] / 1.349
        deviation = np.nanstd(values, axis=0)
        two = np.array([c.key == ("sex",) and c.source == "context" for c in columns])
        indicator = np.array([c.source == "unknown" for c in columns])
        centre = np.where(indicator, 0.0, np.where(two, np.nanmean(values, axis=0), median))
        scale = np.where(two | (spread <= 1e-9 * np.maximum(deviation, 1e-300)), deviation, spread)
        return cls(centre, centre, np.where(indicator | ~(scale > 0), 1.0, scale))

    def scores(self, values: FloatArray) -> FloatArray:
        """Not cut."""
        known = np.where(np.isnan(values), self.fill, values)
        return np.asarray(np.arcsinh((known - self.centre) / self.scale))

    def learnt(self, values: FloatArray) -> FloatArray:
        """Cut and rounded, as families are fitted to them."""
        return np.asarray(np.round(cut(self.scores(values)), DIGITS))


@dataclass(frozen=True, slots=True)
class Candidate:
    """The best setting of a family."""

    setting: Setting
    answers: FloatArray
    """(n, k), each of a fit that did not see the case."""
    losses: FloatArray
    """(n,), the cross entropy of the calibrated answers."""

    @property
    def loss(self) -> float:
        """Their mean."""
        return float(self.losses.mean())


@dataclass(frozen=True, slots=True)
class Honest:
    """What the outer folds say: (n, k) log-odds, each by a fit, a calibration and a choice that did not see the case."""

    chosen: FloatArray
    families: Mapping[str, FloatArray]
    """Of the best setting of each family."""
    choices: tuple[Setting, ...]
    """What was taken in each fold."""
    fold: IntArray
    strange: BoolArray
    """(n,), of the cases that would not have got a verdict, for they were unlike their training part."""


def folds_of(table: Table, count: int, seed: int) -> list[tuple[IntArray, IntArray]]:
    """Training and held-out images, by patient, stratified.

    Raises:
        InputError: The patients cannot be parted so that every training part has every class.
    """
    part = _dealt(table, count, np.random.default_rng(seed))
    parts: list[tuple[IntArray, IntArray]] = [(np.flatnonzero(part != n), np.flatnonzero(part == n)) for n in range(count)]
    everything = len(table.words)
    if any(len(np.unique(table.truth[seen])) < everything or not len(unseen) for seen, unseen in parts):
        raise InputError(f"the patients cannot be cut into {count} parts: nearly all images of a class belong to one patient; give more patients")
    return parts


def _dealt(table: Table, count: int, rng: np.random.Generator) -> IntArray:
    """The part of each image. Patients are dealt in random order, the large ones first, to the part that has least of their rarest class."""
    group = np.unique(np.asarray(table.groups), return_inverse=True)[1]
    sizes = np.zeros((int(group.max()) + 1, len(table.words)), int)
    np.add.at(sizes, (group, table.truth), 1)
    rarest = np.where(sizes > 0, sizes.sum(axis=0), np.iinfo(int).max).argmin(axis=1).tolist()
    order = rng.permutation(len(sizes))
    load = np.zeros((count, len(table.words)), int).tolist()
    part = np.zeros(len(sizes), int)
    for g in order[np.argsort(-sizes[order].sum(axis=1), kind="stable")].tolist():
        part[g] = to = min(range(count), key=lambda n: (load[n][rarest[g]], sum(load[n])))
        load[to] = [had + more for had, more in zip(load[to], sizes[g].tolist(), strict=True)]
    return np.asarray(part[group])


def candidates(table: Table, seed: int, tick: Tick) -> dict[str, Candidate]:
    """Of each family the setting with the least held-out loss."""
    answers: dict[Setting, FloatArray] = {}
    k = answers_of(table)
    for seen, unseen in folds_of(table, FOLDS, seed):
        scale = Scale.of(table.values[seen], table.columns)
        z, held = scale.learnt(table.values[seen]), cut(scale.scores(table.values[unseen]))
        for settings in SETTINGS.values():
            for setting, family in zip(settings, fitted(settings, z, table.truth[seen], len(table.words), seed), strict=True):
                answers.setdefault(setting, np.zeros((len(table.names), k)))[unseen] = family.answers(held)
        tick()
    return {name: min(_candidates(settings, answers, table.truth), key=lambda c: c.loss) for name, settings in SETTINGS.items()}


def chosen_of(found: Mapping[str, Candidate]) -> Candidate:
    """The first, simplest, family that is not worse than the best by more than a standard error of their difference, case by case."""
    best = min(found.values(), key=lambda c: c.loss)

    def is_close(candidate: Candidate) -> bool:
        away = candidate.losses - best.losses
        return bool(away.mean() <= away.std() / np.sqrt(len(away)))

    return next(candidate for candidate in found.values() if is_close(candidate))


def refitted(table: Table, candidate: Candidate, seed: int) -> tuple[Member, Scale]:
    """The candidate on all images of ``table``, calibrated by its held-out answers."""
    scale = Scale.of(table.values, table.columns)
    (family,) = fitted([candidate.setting], scale.learnt(table.values), table.truth, len(table.words), seed)
    slope, offsets = calibration(candidate.answers, table.truth)
    return Member(family=family, slope=slope, offsets=offsets), scale


def honest(table: Table, seed: int, tick: Tick) -> Honest:
    """The whole of what is done for the bundle, five times, each judged on a fifth that had no part in it."""
    n, k = len(table.names), answers_of(table)
    chosen, fold, strange = np.zeros((n, k)), np.zeros(n, int), np.zeros(n, bool)
    families = {name: np.zeros((n, k)) for name in SETTINGS}
    choices = []
    for number, (seen, unseen) in enumerate(folds_of(table, FOLDS, seed + 1)):
        part = table.only(seen)
        found = candidates(part, seed, tick)
        best = chosen_of(found)
        for name, candidate in found.items():
            member, scale = refitted(part, candidate, seed)
            families[name][unseen] = member.logits(cut(scale.scores(table.values[unseen])))
        chosen[unseen], fold[unseen] = families[best.setting.family][unseen], number
        limits = fit_unlike(scale.scores(part.values), part.columns, part.groups, seed)
        strange[unseen] = limits.distance(scale.scores(table.values[unseen])) > limits.limit
        choices.append(best.setting)
    return Honest(chosen, families, tuple(choices), fold, strange)


def answers_of(table: Table) -> int:
    """How many answers a family gives: one for two classes."""
    return 1 if len(table.words) == 2 else len(table.words)


def _candidates(settings: Sequence[Setting], answers: Mapping[Setting, FloatArray], truth: IntArray) -> Iterator[Candidate]:
    """A setting that parts the training data without a fault is not better than its calibration: the loss is that of calibrated answers."""
    for setting in settings:
        own = answers[setting]
        slope, offsets = calibration(own, truth)
        yield Candidate(setting, own, cross_entropy(probabilities(slope * own + offsets), told(truth, own.shape[1])))
