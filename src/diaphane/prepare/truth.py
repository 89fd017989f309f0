"""Labels of the source grid on the network's grid: what training and validation compare with."""

from __future__ import annotations

import numpy as np

from diaphane.core.arrays import BoolArray, FloatArray, IntArray
from diaphane.core.prepared import Prepared
from diaphane.errors import InputError
from diaphane.ops.orient import turned
from diaphane.ops.resample import resample, resample_volume

UNKNOWN = 255
"""The label of pixels of which nobody knows what they are: it is kept."""


def labels_on_grid(prepared: Prepared, labels: IntArray, classes: int) -> IntArray:
    """``labels`` [k, j, i] of the source grid on the grid of ``prepared``, [k, j, i] uint8: in each cell the label that covers most of it.

    Labels are 0 to ``classes`` and ``UNKNOWN``; what fills a picture up is 0. Of equal shares the lower label wins.

    Raises:
        InputError: The labels do not lie on the grid of the image.
    """
    if labels.shape != prepared.image.shape:
        raise InputError(f"labels must lie on the grid of their image, {prepared.image.shape}, got {labels.shape}")
    is_picture = prepared.image.is_picture
    source = labels if is_picture else turned(labels, prepared.image.geometry)
    shares = _in_picture if is_picture else _in_volume
    best = shares(source == 0, prepared)
    out = np.zeros(best.shape, np.uint8)
    for value in (*range(1, classes + 1), UNKNOWN):
        mask = source == value
        if mask.any():
            share = shares(mask, prepared)
            out[share > best] = value
            np.maximum(best, share, out=best)
    return out


def _in_picture(mask: BoolArray, prepared: Prepared) -> FloatArray:
    """Which share of each cell is covered; nothing covers the filling."""
    top, left, height, width = prepared.box
    out = np.zeros((1, *prepared.array.shape[1:]), np.float32)
    out[0, top : top + height, left : left + width] = resample(mask[0].astype(np.float32), height, width)
    return out


def _in_volume(mask: BoolArray, prepared: Prepared) -> FloatArray:
    slices, rows, columns = prepared.array.shape[1:]
    return resample_volume(mask, (slices, rows, columns))
