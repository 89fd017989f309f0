"""A classifier on features: a calibrated probability with interval and explanation, or the reason why there is none.

Source: scores by arcsinh of the robust z-score: Burbidge et al., Journal of the American Statistical Association 83, 123 (1988); calibration by a
logistic curve: Platt, Advances in Large Margin Classifiers, 61 (1999), with an offset a class: Alexandari et al., ICML 2020.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from diaphane.assess.columns import Column, Given, gathered
from diaphane.core.arrays import FloatArray, IntArray
from diaphane.core.case import PatientContext
from diaphane.core.finding import Assessment
from diaphane.core.region import Region
from diaphane.engine.bundle import Bundle
from diaphane.ops.families import Family

Squash = Literal["arcsinh", "none"]
CLIP = 3.0
"""Scores are cut here, so that an odd feature cannot carry the verdict alone."""
LISTED = 4
"""Features that are missing and named."""
NAMED = 3
"""Features that are named where a region is unlike those of the training."""
WORDS = {"morphology": "shape", "colour": "colour", "abcd": "the ABCD rule", "intensity": "brightness", "glcm": "texture"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A fitted family with its calibration: log-odds are ``slope`` times its answers and ``offsets``."""

    family: Family
    slope: float
    offsets: FloatArray
    """(k,)."""

    def logits(self, z: FloatArray) -> FloatArray:
        """(n, k); of one class its log-odds, of more their logarithms up to a constant."""
        return np.asarray(self.slope * self.family.answers(z) + self.offsets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlike:
    """What regions of the training are like."""

    centre: FloatArray
    """(u,), of scores that are not cut."""
    precision: FloatArray
    """(u, u), the inverse of their shrunk covariance."""
    limit: float
    """Mahalanobis distance beyond which there is no verdict: the training data's 99 % quantile, held out."""
    columns: IntArray
    """(u,), which columns are looked at."""

    def parts(self, z: FloatArray) -> FloatArray:
        """(n, u): what each column adds to the squared distance."""
        away = z[:, self.columns] - self.centre
        return np.asarray(away * (away @ self.precision))

    def distance(self, z: FloatArray) -> FloatArray:
        """(n,)."""
        return np.asarray(np.sqrt(np.maximum(self.parts(z).sum(axis=1), 0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class TableModel:
    """All numbers of ``model.json``."""

    title: str
    """The family in words."""
    classes: tuple[str, ...]
    columns: tuple[Column, ...]
    centre: FloatArray
    scale: FloatArray
    squash: Squash
    member: Member
    others: tuple[Member, ...]
    """The same fit without a part of the patients each: how far they differ from ``member`` tells how sure it is."""
    spread: float
    """Half an interval is this many times the root of the sum of their squared differences."""
    unlike: Unlike | None
    prevalence: tuple[float, ...]
    """Share of each class in the training data."""
    cases: int | None
    """How many it learnt from; None where an old model does not say."""

    def scores(self, values: FloatArray) -> FloatArray:
        """Standard scores (n, d) of values (n, d); not cut."""
        z = (values - self.centre) / self.scale
        return np.asarray(np.arcsinh(z) if self.squash == "arcsinh" else z)

    def probabilities(self, values: FloatArray) -> FloatArray:
        """(n, k) of values (n, d)."""
        return probabilities(self.member.logits(cut(self.scores(values))))

    def judge(
        self, region: Region, bundle: Bundle, context: PatientContext | None = None, assessments: Sequence[Assessment] = ()
    ) -> tuple[Assessment, ...] | str:
        """An assessment a class, or why there is none; ``assessments`` are those of networks on the picture."""
        given = gathered(self.columns, region, context or PatientContext(), assessments)
        if given.lacking:
            more = f"; and {len(given.lacking) - LISTED} more" if len(given.lacking) > LISTED else ""
            return "what the model needs does not exist: " + "; ".join(given.lacking[:LISTED]) + more
        unlike = self.reason_against(given.values)
        return unlike or self._assessments(given, bundle)

    def reason_against(self, values: FloatArray) -> str:
        """How the values (d,) are unlike those of the training; empty where they are not."""
        z = self.scores(values[None])
        if self.unlike is None or self.unlike.distance(z)[0] <= self.unlike.limit:
            return ""
        parts = self.unlike.parts(z)[0]
        worst = [(self.columns[n], values[n]) for n in self.unlike.columns[np.argsort(-parts)]]
        outside = [(c, value) for c, value in worst if not c.seen[0] <= value <= c.seen[1]]
        if not outside:
            told = ", ".join(f"{c.name} {value:.4g}" for c, value in worst[:NAMED])
            return f"unlike what the model learnt from: each value is like theirs, but not all of them together, most in {told}"
        told = "; ".join(f"{c.name} {value:.4g} (98 % of them {c.seen[0]:.4g} to {c.seen[1]:.4g})" for c, value in outside[:NAMED])
        return f"unlike what the model learnt from, most in {told}"

    def _assessments(self, given: Given, bundle: Bundle) -> tuple[Assessment, ...]:
        z = cut(self.scores(given.values[None]))
        own, others = self.member.logits(z), [m.logits(z) for m in self.others]
        odds, shares = one_against_rest(own)[0], _between(self.member.slope * self.member.family.contributions(z[0]))
        half = self.spread * np.sqrt(sum((one_against_rest(o)[0] - odds) ** 2 for o in others)) if others else np.full(len(odds), math.nan)
        found = []
        for k, label in enumerate(self.classes):
            order = np.argsort(-np.abs(shares[k]), kind="stable")
            found.append(
                Assessment(
                    task=label, probability=sigmoid(odds[k]), interval95=(sigmoid(odds[k] - half[k]), sigmoid(odds[k] + half[k])), bundle=bundle.name,
                    contributions=tuple((self.columns[n].name, float(shares[k, n])) for n in order), basis=self._basis(given, k),
                    caution=bundle.recipe.caution,
                )
            )  # fmt: skip
        return tuple(found)

    def _basis(self, given: Given, k: int) -> str:
        of = f"the {self.cases} training pictures" if self.cases else "the training pictures"
        filled = f"; {'; '.join(given.filled)}" if given.filled else ""
        return f"{self.title} on {self.rests_on()}; among {of} {self.prevalence[k]:.1%} were {self.classes[k]}{filled}"

    def rests_on(self) -> str:
        """``29 features of shape, colour and texture, sex, and the verdict of 'melanoma_network'``."""
        families = Counter(c.key[0] if len(c.key) > 1 else "" for c in self.columns if c.source == "feature")
        kinds = list(dict.fromkeys(WORDS.get(family, family) for family in families if family))
        count = families.total()
        measured = f"{count} {'feature' if count == 1 else 'features'}{f' of {_listed(kinds)}' if kinds else ''}" if families else ""
        known = [c.name.replace("_years", "") for c in self.columns if c.source == "context"]
        nets = [f"the verdict of '{c.key[0]}'" for c in self.columns if c.source == "network"]
        return ", ".join(filter(None, [measured, *known, *nets]))

    def networks(self) -> tuple[str, ...]:
        """The bundles whose verdicts on the picture it needs."""
        return tuple(dict.fromkeys(c.key[0] for c in self.columns if c.source == "network"))


def cut(z: FloatArray) -> FloatArray:
    """Scores within ``CLIP``."""
    return np.asarray(np.clip(z, -CLIP, CLIP))


def probabilities(logits: FloatArray) -> FloatArray:
    """(n, k): of one class the logistic of its log-odds, of more their softmax."""
    if logits.shape[1] == 1:
        return np.asarray(0.5 * (1 + np.tanh(logits / 2)))
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def one_against_rest(logits: FloatArray) -> FloatArray:
    """(n, k), the log-odds of each class against all others together."""
    k = logits.shape[1]
    if k == 1:
        return logits
    top = logits.max(axis=1, keepdims=True)
    rest = np.exp(logits - top) @ (1 - np.eye(k))
    return np.asarray(logits - top - np.log(np.maximum(rest, 1e-300)))


def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x)), without overflow."""
    return float(0.5 * (1 + math.tanh(x / 2)))


def _between(shares: FloatArray) -> FloatArray:
    """Of several classes, each class's less the mean over the others: what sets it apart from them."""
    k = len(shares)
    return shares if k == 1 else np.asarray((shares - shares.mean(axis=0)) * k / (k - 1))


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
