"""Training items with other grey levels, made on purpose: what the input gate shall tell from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from diaphane.ops.fingerprint import Glance

LEVELS = (50.0, 110.0)
"""By how many of 255 grey levels a picture is made brighter or darker; what leaves the range is cut."""
CONTRAST = (0.25, 0.55)
"""Times which its levels are taken."""
SPREADS = (0.5, 1.0)
"""By how much the values of a volume are raised or lowered, times the range of 90 % of them."""


@dataclass(frozen=True, slots=True)
class Tone:
    """One way to alter the grey levels."""

    name: str
    make: Callable[[Glance, np.random.Generator], Glance]


def _levels(sign: int) -> Callable[[Glance, np.random.Generator], Glance]:
    return lambda seen, rng: _regraded(seen, 1, sign * rng.uniform(*LEVELS))


def _flatter(seen: Glance, rng: np.random.Generator) -> Glance:
    return _regraded(seen, rng.uniform(*CONTRAST), 0)


def _negative(seen: Glance, rng: np.random.Generator) -> Glance:
    return _regraded(seen, -1, 255)


def _regraded(seen: Glance, times: float, more: float) -> Glance:
    """Every grey level ``times`` and ``more``, cut to 0-255."""
    table = np.clip(np.arange(256) * times + more, 0, 255).astype(np.uint8)
    return replace(seen, array=table[seen.array], levels=np.asarray(np.bincount(table, weights=seen.levels, minlength=256), np.float64))


def _values(sign: int) -> Callable[[Glance, np.random.Generator], Glance]:
    def make(seen: Glance, rng: np.random.Generator) -> Glance:
        low, high = np.quantile(seen.array, [0.05, 0.95])
        return replace(seen, array=seen.array + np.float32(sign * rng.uniform(*SPREADS) * (high - low)))

    return make


TONES: Mapping[int, tuple[Tone, ...]] = {
    2: (Tone("brighter", _levels(1)), Tone("darker", _levels(-1)), Tone("with less contrast", _flatter), Tone("as a negative", _negative)),
    3: (Tone("with its values raised", _values(1)), Tone("with its values lowered", _values(-1))),
}
"""Of pictures (2 axes) and of volumes (3)."""
