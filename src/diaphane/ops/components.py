"""Connected parts of a mask in the plane."""

from __future__ import annotations

import cv2
import numpy as np

from diaphane.core.arrays import BoolArray


def components(mask: BoolArray) -> list[BoolArray]:
    """The 8-connected parts of ``mask`` (row, column), largest first; ties in reading order."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    order = sorted(range(1, count), key=lambda n: (-stats[n, cv2.CC_STAT_AREA], n))
    return [np.asarray(parts == n) for n in order]


def filled(mask: BoolArray) -> BoolArray:
    """``mask`` (row, column) with its holes: background that no path outside the mask reaches from the border."""
    around = np.pad(~mask, 1, constant_values=True).astype(np.uint8)
    _, parts = cv2.connectedComponents(around, connectivity=4)
    return np.asarray(parts[1:-1, 1:-1] != parts[0, 0])
