"""Specks and holes."""

from __future__ import annotations

import numpy as np

from diaphane.core.arrays import IntArray
from diaphane.ops.components import components, filled


def cleaned(labels: IntArray, smallest_part: float) -> IntArray:
    """``labels`` (row, column) without parts below ``smallest_part`` of their structure's largest, holes filled.

    A hole is filled only with pixels that were background: no structure grows over another.
    """
    out = np.zeros_like(labels)
    for value in np.unique(labels[labels > 0]):
        parts = components(labels == value)
        largest = int(parts[0].sum())
        for part in parts:
            if part.sum() >= smallest_part * largest:
                whole = filled(part)
                out[whole & ((labels == 0) | (labels == value)) & (out == 0)] = value
    return out
