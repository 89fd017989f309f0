"""How good a score of candidates is: FROC up to eight false findings a picture, and differences between scores, by drawing whose faces.

Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993); the same draws for all that is compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from diaphane.core.arrays import FloatArray
from diaphane.train.froc import Picture

RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Person:
    """All pictures of one face."""

    found: FloatArray
    """A score a lesion; -inf: missed."""
    false: FloatArray
    """A score a false candidate."""
    pictures: int


def people_of(pictures: Sequence[Picture]) -> dict[str, Person]:
    """By identity, in rising order."""
    out = {}
    for identity in sorted({p.group for p in pictures}):
        own = [p for p in pictures if p.group == identity]
        out[identity] = Person(np.array([s for p in own for s in p.found]), np.array([s for p in own for s in p.false]), len(own))
    return out


def figures(people: Sequence[Person], at: Sequence[float] = ()) -> dict[str, float]:
    """Sensitivity at each of ``RATES``, their mean (CPM), and false findings a picture where the sensitivity reaches each of ``at`` (inf: never)."""
    found = np.concatenate([p.found for p in people])
    false = np.sort(np.concatenate([p.false for p in people]))[::-1]
    pictures = sum(p.pictures for p in people)
    if not len(found):
        return dict.fromkeys(["cpm", *(f"sensitivity_at_{r:g}" for r in RATES), *(f"false_at_{s:g}" for s in at)], float("nan"))
    out = {}
    for rate in RATES:
        allowed = int(np.floor(rate * pictures + 1e-9))
        floor = false[allowed] if allowed < len(false) else -np.inf
        out[f"sensitivity_at_{rate:g}"] = float((found > floor).mean())
    out["cpm"] = float(np.mean(list(out.values())))
    ordered = np.sort(found)[::-1]
    for share in at:
        needed = int(np.ceil(share * len(found) - 1e-9))
        threshold = ordered[needed - 1]
        out[f"false_at_{share:g}"] = float((false >= threshold).sum() / pictures) if threshold > -np.inf else float("inf")
    return out


def compared(rows: Mapping[str, Sequence[Picture]], against: Sequence[str], at: Sequence[float] = (), seed: int = 0, draws: int = DRAWS) -> dict[str, Any]:
    """Of each row its figures with 95 % intervals, and its differences from each of the rows ``against``; of false findings the relative change."""
    people = {name: people_of(pictures) for name, pictures in rows.items()}
    identities = sorted(next(iter(people.values())))
    points = {name: figures([p[i] for i in identities], at) for name, p in people.items()}
    rng = np.random.default_rng(seed)
    drawn: dict[str, list[dict[str, float]]] = {name: [] for name in rows}
    for _ in range(draws):
        chosen = [identities[n] for n in rng.integers(len(identities), size=len(identities))]
        for name, p in people.items():
            drawn[name].append(figures([p[i] for i in chosen], at))
    out: dict[str, Any] = {}
    for name in rows:
        out[name] = {key: _told(points[name][key], [d[key] for d in drawn[name]]) for key in points[name]}
        for other in against:
            if other != name:
                out[name][f"minus {other}"] = {
                    key: _told(
                        _apart(key, points[name][key], points[other][key]),
                        [_apart(key, a[key], b[key]) for a, b in zip(drawn[name], drawn[other], strict=True)],
                    )
                    for key in points[name]
                }
    return out


def _apart(key: str, one: float, other: float) -> float:
    """Relative change of false findings, difference of shares."""
    if not key.startswith("false"):
        return one - other
    return one / other - 1 if 0 < other < np.inf and one < np.inf else float("nan")


def _told(value: float, draws: Sequence[float]) -> dict[str, Any]:
    known = np.array([d for d in draws if np.isfinite(d)])
    return {"mean": value, "ci95": [float(v) for v in np.quantile(known, [0.025, 0.975])] if len(known) > 1 else [float("nan")] * 2}
