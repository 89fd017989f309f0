"""Features of several matrices as one number each, and why a number does not exist."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from diaphane.core.arrays import FloatArray

FLAT = "all grey levels are equal"


@dataclass(frozen=True, slots=True)
class Aggregated:
    """The features of one family under one aggregation."""

    aggregation: str
    """In the IBSI's words: ``3D, merged``."""
    values: dict[str, float]
    reasons: dict[str, str]
    """Of those that are NaN."""


def averaged(parts: Sequence[Mapping[str, FloatArray]], names: Iterable[str], nothing: str, flat: str = FLAT) -> tuple[dict[str, float], dict[str, str]]:
    """The mean of each feature over all matrices of which it exists, and the reasons where there are none.

    ``parts``: of some matrices each, (n,) by name. ``nothing`` is the reason where there is no matrix at all, ``flat`` where none has the feature.
    """
    values: dict[str, float] = {}
    reasons: dict[str, str] = {}
    any_matrix = any(len(next(iter(part.values()))) for part in parts)
    for name in names:
        found = np.concatenate([part[name] for part in parts]) if parts else np.zeros(0)
        there = found[np.isfinite(found)]
        values[name] = float(there.mean()) if there.size else math.nan
        if not there.size:
            reasons[name] = flat if any_matrix else nothing
    return values, reasons
