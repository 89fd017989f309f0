"""Fitted fusion in use: clusters of candidates, each with its fused probability, how sure that is, and what spoke for and against it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from diaphane.core.arrays import Array, FloatArray
from diaphane.core.candidate import Candidate
from diaphane.core.face import Face
from diaphane.errors import UsageError
from diaphane.fuse.cluster_rows import OF_CLUSTERS, cluster_values
from diaphane.fuse.clusters import clusters
from diaphane.fuse.columns import GROUPS, values
from diaphane.fuse.model import FusionModel
from diaphane.fuse.patch import patch_of

Pictures = Mapping[str, Array]
"""(row, column, 3) uint8 by the stem under which candidates name them."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One place on one face."""

    candidates: tuple[Candidate, ...]
    """The most probable first."""
    probability: float
    interval95: tuple[float, float] | None
    """None below the probability that was asked for, and where the model has one member only."""
    contributions: Mapping[str, float]
    """Of each group of numbers: by how much the log-odds would be lower, were it not known."""
    persistence: float
    """The share of the frames looked at in which it was proposed."""


def judged(candidates: Sequence[Candidate], frames: Sequence[tuple[Face, ...]], model: FusionModel, pictures: Pictures, limit: float = 1.0) -> list[Judged]:
    """Every cluster, the most probable first; intervals are worked out from the probability ``limit`` on.

    A cluster's probability is the mean over the frames in which its face was looked at; a frame without a candidate counts 0.

    Raises:
        UsageError: The candidates were made without faces, or the model looks at pictures that are not given.
    """
    if any("face_identity" not in c.features for c in candidates):
        raise UsageError("the candidates know nothing of faces, which fitted fusion needs: make them with this version, or use --method rules")
    if not candidates:
        return []
    looked = Counter(float(face.identity) for faces in frames for face in faces)
    groups = [[candidates[n] for n in cluster] for cluster in clusters(candidates, model.reach)]
    rows = _rows(groups, model, pictures)
    shares = [min(1.0, len({c.frame for c in g}) / max(looked[g[0].features["face_identity"]], 1)) for g in groups]
    certain = _sigmoid(rows.odds)
    probabilities = [share * float(np.mean([certain[n] for n in best])) for share, best in zip(shares, rows.best, strict=True)]
    contributions = rows.contributions([best[0] for best in rows.best])
    intervals = rows.intervals([(best, share) if p >= limit else ([], share) for best, share, p in zip(rows.best, shares, probabilities, strict=True)])
    found = [
        Judged(members, p, interval, {group: float(less[n]) for group, less in contributions.items()}, share)
        for n, (members, p, interval, share) in enumerate(zip(rows.members, probabilities, intervals, shares, strict=True))
    ]
    return sorted(found, key=lambda j: -j.probability)


@dataclass(frozen=True, slots=True)
class _Rows:
    """What the model looks at, and says of it."""

    model: FusionModel
    raw: FloatArray
    """(n, d)."""
    patches: Sequence[FloatArray]
    odds: FloatArray
    """(n,): their logarithm."""
    members: Sequence[tuple[Candidate, ...]]
    """Of each cluster its candidates, the most probable first."""
    best: Sequence[Sequence[int]]
    """Of each cluster the rows that count, one a frame, the most probable first."""

    def intervals(self, wanted: Sequence[tuple[Sequence[int], float]]) -> list[tuple[float, float] | None]:
        """Of clusters, each given as rows, one a frame, and the share of the frames that they are: the mean over its frames, times their share."""
        rows = [n for own, _ in wanted for n in own]
        ends = iter(_sigmoid(self.model.interval(self.raw[rows], self.odds[rows], self._seen(rows))))
        out: list[tuple[float, float] | None] = []
        for own, share in wanted:
            mean = share * np.mean([next(ends) for _ in own], axis=0) if len(own) else np.full(2, np.nan)
            out.append(None if np.isnan(mean).any() else (float(mean[0]), float(mean[1])))
        return out

    def _seen(self, rows: Sequence[int]) -> Sequence[FloatArray]:
        return [self.patches[n] for n in rows] if self.patches else ()

    def contributions(self, rows: Sequence[int]) -> dict[str, FloatArray]:
        """(len(rows),) of each group: by how much the log-odds would be lower, were it not known."""
        raw, patches = self.raw[rows], self._seen(rows)
        odds = self.odds[rows]
        hidden = {group: np.isin(self.model.columns, columns) for group, columns in GROUPS.items()}
        return {group: odds - self.model.log_odds(np.where(gone, np.nan, raw), patches) for group, gone in hidden.items() if gone.any()}


def _rows(groups: Sequence[Sequence[Candidate]], model: FusionModel, pictures: Pictures) -> _Rows:
    """A row a cluster where the model is of clusters, else a row a candidate."""
    if any(name in OF_CLUSTERS for name in model.columns):
        raw = np.stack([cluster_values(g, model.columns) for g in groups])
        members = [tuple(sorted(g, key=lambda c: (-(c.probability or 0.0), c.candidate))) for g in groups]
        return _Rows(model, raw, (), model.log_odds(raw), members, [[n] for n in range(len(groups))])
    every = [c for g in groups for c in g]
    raw, patches = values(every, model.columns), _patches(every, pictures) if model.needs_pictures else ()
    odds = model.log_odds(raw, patches)
    members, best = [], []
    starts = np.cumsum([0, *(len(g) for g in groups)])
    for start, stop in pairwise(starts.tolist()):
        order = sorted(range(start, stop), key=lambda n: -odds[n])
        of_frame: dict[int, int] = {}
        for n in order:
            of_frame.setdefault(every[n].frame, n)
        members.append(tuple(every[n] for n in order))
        best.append(list(of_frame.values()))
    return _Rows(model, raw, patches, odds, members, best)


def _patches(candidates: Sequence[Candidate], pictures: Pictures) -> list[FloatArray]:
    missing = sorted({c.image for c in candidates} - set(pictures))
    if missing:
        raise UsageError(f"deep fusion looks at the pictures too: {missing[0]} is not given; keep the folder images/ beside candidates.jsonl")
    for c in candidates:
        height, width = pictures[c.image].shape[:2]
        if (width, height) != tuple(c.size_px):
            raise UsageError(f"the picture {c.image} has {width}x{height} pixels, its candidates are of one of {c.size_px[0]}x{c.size_px[1]}: another picture")
    return [patch_of(pictures[c.image], c) for c in candidates]


def _sigmoid(x: FloatArray) -> FloatArray:
    return np.asarray(0.5 * (1 + np.tanh(x / 2)))
