"""Connected parts of a mask."""

from __future__ import annotations

import cv2
import numpy as np

from diaphane.core.arrays import BoolArray, IntArray


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


def numbered(mask: BoolArray, *, corners: bool) -> IntArray:
    """The connected parts of ``mask`` [k, j, i], int32: 1, 2, 3 … in the order in which reading meets them, 0 outside.

    With ``corners`` voxels that touch by an edge or a corner belong together too (26-connected), else by a side alone (6-connected).
    Source: Wu, Otoo, Suzuki, Pattern Analysis and Applications 12, 117 (2009); by the package ``connected-components-3d``.
    """
    import cc3d  # not for a picture

    if mask.size == 0:
        return np.zeros(mask.shape, np.int32)
    parts = cc3d.connected_components(np.ascontiguousarray(mask), connectivity=26 if corners else 6, out_dtype=np.uint32)
    return np.asarray(parts).view(np.int32)
