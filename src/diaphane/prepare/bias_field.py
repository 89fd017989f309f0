"""The slow change of brightness across an MR volume that the coils make, taken out.

Source: Tustison et al., N4ITK, IEEE TMI 29, 1310 (2010); by SimpleITK.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from diaphane.core.arrays import FloatArray
from diaphane.errors import InputError, UsageError

SHRINK, KEPT = 4, 24
"""The field is fitted on every fourth voxel along an axis, as long as so many of them are left."""


def without_bias_field(array: FloatArray) -> FloatArray:
    """``array`` [k, j, i] over its bias field, which is fitted to what is brighter than Otsu's threshold; one grey stays as it is.

    In one thread: with several, the last digits would depend on their number.

    Raises:
        UsageError: SimpleITK is missing.
        InputError: Values below 0: this is no MR.
    """
    try:
        sitk: Any = import_module("SimpleITK")
    except ImportError as problem:
        raise UsageError('bias_field = "n4" needs SimpleITK: pip install "diaphane[n4]"') from problem
    low, high = float(array.min()), float(array.max())
    if low < 0:
        raise InputError(f'bias_field = "n4" takes MR volumes, whose values are 0 or more, got {low:g}: use a bundle without it')
    if low == high:
        return array
    threads = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    try:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
        field = _log_field(array[0] if len(array) == 1 else array, sitk)
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
    return np.asarray(array / np.exp(field), np.float32).reshape(array.shape)


def _log_field(array: FloatArray, sitk: Any) -> FloatArray:
    image = sitk.GetImageFromArray(array)
    mask = sitk.OtsuThreshold(image, 0, 1)
    factors = [max(1, min(SHRINK, n // KEPT)) for n in image.GetSize()]
    corrector = sitk.N4BiasFieldCorrectionImageFilter()
    corrector.Execute(sitk.Shrink(image, factors), sitk.Shrink(mask, factors))
    return np.asarray(sitk.GetArrayFromImage(corrector.GetLogBiasFieldAsImage(image)))
