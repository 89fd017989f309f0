"""Many cases as one group: how each number is spread, which cases lie far out, and what did not work.

Source of the rule for outliers: Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993 (modified z-scores above 3.5).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from diaphane.core.arrays import FloatArray

if TYPE_CHECKING:
    from diaphane.report.cases import CaseRow

FEWEST = 10
"""Values from which on they have a distribution."""
FAR = 3.5
"""Modified z-score from which on a case lies far out."""
CONSISTENT = 0.6745
"""The median absolute deviation of a normal distribution, in its standard deviations."""
BARS = 24
SHOWN = 8
"""Cases named beside a number; the others are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlier:
    """A case that lies far from the others."""

    case: str
    link: str
    value: float
    score: float
    """Modified z-score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """One number over the cases that have it."""

    name: str
    count: int
    median: float
    quartiles: tuple[float, float]
    extremes: tuple[float, float]
    bars: tuple[float, ...]
    """Of equal width from one extreme to the other: shares of the highest, 0-1."""
    outliers: tuple[Outlier, ...]
    """The furthest first; none where more than half of the values are equal, which leaves nothing to measure distance by."""
    shown: int = SHOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What did not work, and for how many."""

    what: str
    cases: tuple[tuple[str, str], ...]
    """Names, each with its link (empty where there is no report)."""
    shown: int = SHOWN


def distributions(rows: Sequence[CaseRow]) -> list[Distribution]:
    """Of every number that ``FEWEST`` cases or more have, in the order in which they come."""
    names = dict.fromkeys(name for row in rows for name in row.numbers)
    found = {name: [(row, row.numbers[name]) for row in rows if math.isfinite(row.numbers.get(name, math.nan))] for name in names}
    return [_distribution(name, pairs) for name, pairs in found.items() if len(pairs) >= FEWEST]


def _distribution(name: str, pairs: Sequence[tuple[CaseRow, float]]) -> Distribution:
    values = np.array([value for _, value in pairs])
    low, first, median, third, high = (float(v) for v in np.quantile(values, [0, 0.25, 0.5, 0.75, 1]))
    counts, _ = np.histogram(values, BARS, (low, high) if high - low > BARS * np.spacing(max(abs(low), abs(high))) else (low - 0.5, low + 0.5))
    scores = modified_z_scores(values)
    far = sorted((n for n in range(len(values)) if abs(scores[n]) > FAR), key=lambda n: -abs(scores[n]))
    return Distribution(
        name=name, count=len(values), median=median, quartiles=(first, third), extremes=(low, high), bars=tuple((counts / counts.max()).tolist()),
        outliers=tuple(Outlier(case=pairs[n][0].name, link=pairs[n][0].link, value=float(values[n]), score=float(scores[n])) for n in far),
    )  # fmt: skip


def modified_z_scores(values: FloatArray) -> FloatArray:
    """(n,) distances from the median in robust standard deviations; 0 where the median absolute deviation is 0."""
    away = values - np.median(values)
    spread = float(np.median(np.abs(away)))
    return np.asarray(CONSISTENT * away / spread) if spread > 0 else np.zeros(len(values))


def failures(rows: Sequence[CaseRow]) -> list[Failure]:
    """Cases that failed, then what the gates refused and doubted, each kind with its cases, the most frequent first.

    Reasons that differ in numbers alone are one kind.
    """
    kinds: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        said = [f"failed: {row.error.partition(': ')[2] or row.error}"] if row.error else row.doubts
        for kind in dict.fromkeys(_kind(one) for one in said):
            kinds.setdefault(kind, []).append((row.name, "" if row.error else row.link))
    order = Counter({kind: len(cases) for kind, cases in kinds.items()})
    return [Failure(what=kind, cases=tuple(kinds[kind])) for kind, _ in order.most_common()]


def _kind(reason: str) -> str:
    """``reason`` with its numbers as ``#``."""
    return re.sub(r"\d+(?:[.,]\d+)*", "#", reason)
