"""How many lesions are found at how many false candidates a picture: FROC.

Source: van Ginneken et al., Med Image Anal 14, 707 (2010): sensitivity at 1/8, 1/4, 1/2, 1, 2, 4 (and there 8) false
positives a scan and their mean, the competition performance metric (CPM).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from diaphane.core.arrays import BoolArray
from diaphane.ops.overlap import dice, jaccard

RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0)
MIN_IOU = 0.2
"""From this overlap on, a candidate is the lesion."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What was found in one picture, against its truth."""

    group: str
    """Whose picture: intervals draw these."""
    found: tuple[float, ...]
    """A score a lesion: the highest of the candidates that overlap it; -inf where none does."""
    false: tuple[float, ...]
    """A score a false candidate."""
    dice: tuple[float, ...]
    """Of each lesion that was found, with its best candidate."""


def matched(group: str, candidates: Sequence[tuple[BoolArray, float]], lesions: Sequence[BoolArray], ignore: BoolArray) -> Picture:
    """Candidates (mask, score) against the lesions' masks; those that lie mostly in ``ignore`` count neither way."""
    found, overlap = [-np.inf] * len(lesions), [0.0] * len(lesions)
    false = []
    for mask, score in candidates:
        hits = [n for n, lesion in enumerate(lesions) if jaccard(mask, lesion) >= MIN_IOU]
        for n in hits:
            found[n], overlap[n] = max(found[n], score), max(overlap[n], dice(mask, lesions[n]))
        if not hits and np.count_nonzero(mask & ignore) <= 0.5 * np.count_nonzero(mask):
            false.append(score)
    return Picture(group, tuple(found), tuple(false), tuple(o for o in overlap if o > 0))


def sensitivities(pictures: Sequence[Picture], rates: Sequence[float] = RATES) -> list[float]:
    """The share of lesions found at the lowest threshold that leaves at most each rate of false candidates a picture.

    NaN where there is no lesion.
    """
    found = np.array([s for p in pictures for s in p.found])
    false = np.sort([s for p in pictures for s in p.false])[::-1]
    if not len(found):
        return [float("nan")] * len(rates)
    out = []
    for rate in rates:
        allowed = int(np.floor(rate * len(pictures) + 1e-9))
        floor = false[allowed] if allowed < len(false) else -np.inf  # this false candidate must stay out, and its equals
        out.append(float((found > floor).mean()))
    return out


def froc(pictures: Sequence[Picture], seed: int = 0, draws: int = 1000) -> dict[str, Any]:
    """Sensitivity at each of ``RATES``, their mean (CPM), and at every candidate; 95 % intervals by drawing groups."""
    point = _summary(pictures)
    groups = sorted({p.group for p in pictures})
    members = [[p for p in pictures if p.group == g] for g in groups]
    rng = np.random.default_rng(seed)
    drawn = [_summary([p for g in rng.integers(len(groups), size=len(groups)) for p in members[g]]) for _ in range(draws)]
    return {key: {"mean": value, "ci95": _interval([d[key] for d in drawn])} for key, value in point.items()}


def _interval(values: Sequence[float]) -> list[float]:
    """The middle 95 %, of what exists."""
    known = [v for v in values if not np.isnan(v)]
    return [float(v) for v in np.quantile(known, [0.025, 0.975])] if known else [float("nan")] * 2


def _summary(pictures: Sequence[Picture]) -> dict[str, float]:
    at = sensitivities(pictures)
    found = np.array([s for p in pictures for s in p.found])
    overlaps = [d for p in pictures for d in p.dice]
    return {
        **{f"sensitivity_at_{rate:g}": s for rate, s in zip(RATES, at, strict=True)},
        "cpm": float(np.mean(at)),
        "sensitivity": float((found > -np.inf).mean()) if len(found) else float("nan"),
        "false_per_picture": sum(len(p.false) for p in pictures) / len(pictures),
        "dice_of_found": float(np.mean(overlaps)) if overlaps else float("nan"),
    }
