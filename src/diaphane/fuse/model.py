"""A fitted fusion: how probable it is that a candidate is a lesion, from its numbers; read strictly from the JSON of a bundle."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from diaphane.core.arrays import FloatArray
from diaphane.core.candidate import Candidate
from diaphane.engine.bundle import TABLE_MODEL, Bundle
from diaphane.errors import BundleError
from diaphane.fuse.cluster_rows import OF_CLUSTERS
from diaphane.fuse.clusters import Reach
from diaphane.fuse.columns import names, values
from diaphane.fuse.deep import Networks
from diaphane.ops.families import Family
from diaphane.ops.family_json import FAMILIES, numbers, positive

FUSION = "fusion.json"
"""The document where the weights are a network's."""
METHODS = ("deep", "ensemble", "svm", "hierarchical")
CLIP = 3.0
"""Scores are cut here."""
MOST_COLUMNS, MOST_MEMBERS = 200, 64


class Scorer(Protocol):
    """What gives log-odds."""

    def __call__(self, z: FloatArray, patches: Sequence[FloatArray], member: int, /) -> FloatArray:
        """(n,) of scores (n, d); member 0 learnt from everything, the others each without a part."""
        ...


@dataclass(frozen=True, slots=True)
class Learner:
    """One family, fitted to everything and, for the interval, without a part of the people each."""

    families: tuple[Family, ...]
    slopes: FloatArray
    offsets: FloatArray

    def log_odds(self, z: FloatArray, member: int) -> FloatArray:
        """(n,), calibrated."""
        return np.asarray(self.slopes[member] * self.families[member].answers(z)[:, 0] + self.offsets[member])


@dataclass(frozen=True, slots=True)
class Stack:
    """Several learners, whose log-odds are weighted and added."""

    learners: tuple[Learner, ...]
    weights: FloatArray
    offset: float

    def __call__(self, z: FloatArray, patches: Sequence[FloatArray], member: int) -> FloatArray:
        """As ``Scorer`` says."""
        return np.asarray(self.offset + sum(w * one.log_odds(z, member) for w, one in zip(self.weights, self.learners, strict=True)))


@dataclass(frozen=True, slots=True, kw_only=True)
class FusionModel:
    """All that a bundle of fusion holds."""

    method: str
    columns: tuple[str, ...]
    centre: FloatArray
    scale: FloatArray
    scorer: Scorer
    members: int
    spread: float
    """Half an interval is this many times the root of the sum of the members' squared differences."""
    reach: Reach
    operating: float
    """Probability from which a finding stands."""
    needs_pictures: bool = False

    def scores(self, raw: FloatArray) -> FloatArray:
        """(n, d) of values (n, d): arcsinh of robust standard scores, cut; 0, the training's middle, for what is not known."""
        z = np.arcsinh((raw - self.centre) / self.scale)
        return np.asarray(np.clip(np.nan_to_num(z, nan=0.0), -CLIP, CLIP))

    def log_odds(self, raw: FloatArray, patches: Sequence[FloatArray] = (), member: int = 0) -> FloatArray:
        """(n,) of values (n, d)."""
        return self.scorer(self.scores(raw), patches, member) if len(raw) else np.zeros(0)

    def of_candidates(self, candidates: Sequence[Candidate], patches: Sequence[FloatArray] = ()) -> FloatArray:
        """(n,) of single candidates."""
        return self.log_odds(values(candidates, self.columns), patches)

    def interval(self, raw: FloatArray, own: FloatArray, patches: Sequence[FloatArray] = ()) -> FloatArray:
        """(n, 2): log-odds at both ends of 95 %, about the ``own`` ones (n,); NaN where there is one member only."""
        if self.members < 2 or not len(raw):
            return np.full((len(raw), 2), np.nan)
        half = self.spread * np.sqrt(sum((self.log_odds(raw, patches, n) - own) ** 2 for n in range(1, self.members)))
        return np.stack([own - half, own + half], axis=1)


def fusion_model(bundle: Bundle) -> FusionModel:
    """The model of a bundle.

    Raises:
        BundleError: It is for something else, lacks something, or its numbers do not go together.
    """
    name = FUSION if FUSION in bundle.files else TABLE_MODEL
    where = bundle.path / name
    if bundle.recipe.task != "fuse":
        raise BundleError(f"{bundle.name}: is not for fusion but to {bundle.recipe.task}; diaphane train --method fits one that is")
    try:
        return _deep(bundle) if name == FUSION else _tabular(bundle.files[name])
    except (AttributeError, IndexError, KeyError, OverflowError, RecursionError, TypeError, ValueError) as problem:
        raise BundleError(f"{where}: not a model of fusion ({problem!r}); train or install the bundle anew") from problem


def _deep(bundle: Bundle) -> FusionModel:
    d = json.loads(bundle.files[FUSION])
    if d["method"] != "deep":
        raise ValueError(f"{FUSION} is for the method deep, got {d['method']!r}")
    networks = Networks(bundle, float(positive(numbers(d["slope"]))), float(numbers(d["offset"])))
    return _from_document(d, networks, len(bundle.members) + 1)


@lru_cache(maxsize=8)
def _tabular(data: bytes) -> FusionModel:
    """Read once: a support vector machine is a megabyte of numbers."""
    d = json.loads(data)
    if d["method"] == "deep":
        raise ValueError(f"the method deep has its numbers in {FUSION}")
    return _from_document(d, *_stack(d, len(d["columns"])))


def _from_document(d: Mapping[str, Any], scorer: Scorer, members: int) -> FusionModel:
    if d["format"] != 1 or d["method"] not in METHODS:
        raise ValueError(f"format must be 1 and method one of {', '.join(METHODS)}, got {d['format']!r} and {d['method']!r}")
    columns = tuple(str(c) for c in d["columns"])
    unknown = set(columns) - set(names()) - set(OF_CLUSTERS)
    if unknown or not 0 < len(columns) <= MOST_COLUMNS:
        raise ValueError(f"columns must be known ones, got {', '.join(sorted(unknown))}")
    return FusionModel(
        method=d["method"], columns=columns, centre=numbers(d["centre"], len(columns)), scale=positive(numbers(d["scale"], len(columns))), scorer=scorer,
        members=members, spread=float(positive(numbers(d["spread"]))), operating=float(positive(numbers(d["operating"]))),
        reach=Reach(millimetres=float(positive(numbers(d["reach_mm"]))), deviations=float(positive(numbers(d["reach_deviations"])))),
        needs_pictures=d["method"] == "deep",
    )  # fmt: skip


def _stack(d: Mapping[str, Any], width: int) -> tuple[Stack, int]:
    learners = tuple(_learner(one, width) for one in d["learners"])
    counts = {len(one.families) for one in learners}
    if len(counts) != 1 or not 0 < max(counts) <= MOST_MEMBERS:
        raise ValueError("every learner needs as many members as the others, at least one")
    return Stack(learners, numbers(d["weights"], len(learners)), float(numbers(d["offset"]))), counts.pop()


def _learner(one: Mapping[str, Any], width: int) -> Learner:
    read = FAMILIES[one["family"]]
    members = one["members"]
    families = tuple(read(one, m, width, 1) for m in members)
    return Learner(families, positive(numbers([m["slope"] for m in members], len(members))), numbers([m["offset"] for m in members], len(members)))
