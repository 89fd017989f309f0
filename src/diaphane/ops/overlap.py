"""How well two masks agree."""

from __future__ import annotations

import numpy as np

from diaphane.core.arrays import BoolArray


def dice(a: BoolArray, b: BoolArray) -> float:
    """2|A∩B| / (|A|+|B|), 0-1; 1 where both are empty. Source: Dice 1945."""
    total = int(np.count_nonzero(a)) + int(np.count_nonzero(b))
    return 2 * int(np.count_nonzero(a & b)) / total if total else 1.0


def jaccard(a: BoolArray, b: BoolArray) -> float:
    """|A∩B| / |A∪B|, 0-1; 1 where both are empty. Source: Jaccard 1912."""
    union = int(np.count_nonzero(a | b))
    return int(np.count_nonzero(a & b)) / union if union else 1.0
