"""Pictures on another grid."""

from __future__ import annotations

import cv2
import numpy as np

from diaphane.core.arrays import Array


def resample(array: Array, rows: int, columns: int) -> Array:
    """``array`` (row, column[, channel]) on ``rows`` x ``columns``; the same type.

    Area averaging when it shrinks in both directions, linear otherwise. Pixel *edges* are aligned, so that a
    structure's relative place in the picture is kept.
    """
    if array.shape[:2] == (rows, columns):
        return array
    shrinks = array.shape[0] >= rows and array.shape[1] >= columns
    out = cv2.resize(np.ascontiguousarray(array), (columns, rows), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.asarray(out).reshape((rows, columns, *array.shape[2:]))
