"""Specks and holes."""

from __future__ import annotations

import numpy as np

from diaphane.core.arrays import IntArray
from diaphane.ops.components import components, filled, numbered

AT_ONCE = 2**22
"""Voxels that are counted together: NumPy copies them at eight bytes each."""


def cleaned(labels: IntArray, smallest_part: float) -> IntArray:
    """``labels`` of a picture (row, column) without parts below ``smallest_part`` of their structure's largest, holes filled.

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


def cleaned_volume(labels: IntArray, smallest_part: float) -> IntArray:
    """``labels`` of a volume [k, j, i] without the 26-connected parts below ``smallest_part`` of their structure's largest.

    What a structure encloses stays as it is: in a volume it is rather another tissue than a mistake.
    """
    if smallest_part == 0:
        return labels
    from scipy import ndimage  # 0.2 s to import: not for a picture

    out = np.zeros_like(labels)
    for value, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is not None:
            parts = numbered(labels[box] == value, corners=True)
            sizes = _sizes(parts)
            kept = (sizes > 0) & (sizes >= smallest_part * sizes.max())
            out[box][kept[parts]] = value
    return out


def _sizes(parts: IntArray) -> IntArray:
    """Voxels of each part; of 0, which is none, 0."""
    sizes = np.zeros(int(parts.max()) + 1, np.int64)
    for some in np.array_split(parts, -(-parts.size // AT_ONCE)):
        sizes += np.bincount(some.ravel(), minlength=len(sizes))
    sizes[0] = 0
    return sizes
