"""How far each voxel lies from the nearest one outside a mask.

Source: Felzenszwalb, Huttenlocher, Theory of Computing 8, 415 (2012); by the package ``edt``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from diaphane.core.arrays import BoolArray, FloatArray
from diaphane.errors import InputError


def distance(mask: BoolArray, spacing: Sequence[float] = (1.0, 1.0, 1.0)) -> FloatArray:
    """From the middle of each voxel of ``mask`` [k, j, i] to that of the nearest one outside, float32, in the unit of the spacing; 0 outside.

    What lies beyond the array counts as nothing: where the mask has no voxel outside, the distance is infinite.

    Raises:
        InputError: The mask is not [k, j, i], or the spacing is not three positive numbers.
    """
    import edt  # brings multiprocessing: not for a picture

    if mask.ndim != 3:
        raise InputError(f"a mask must be [k, j, i], got {mask.ndim} axes")
    if len(spacing) != 3 or not all(math.isfinite(s) and s > 0 for s in spacing):
        raise InputError(f"the spacing must be three positive numbers (k, j, i), got {tuple(spacing)}")
    if mask.size == 0:
        return np.zeros(mask.shape, np.float32)
    labels = np.ascontiguousarray(mask, bool).view(np.uint8)  # of truth values it takes twice as long
    return np.asarray(edt.edt(labels, anisotropy=tuple(spacing), black_border=False, parallel=1), np.float32)
