"""Voxels: how many may be read, and in what type they are kept."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from diaphane.core.arrays import Array
from diaphane.errors import InputError

INT16 = np.iinfo(np.int16)


def check_size(where: object, shape: Iterable[int], limit: int) -> None:
    """Refuse a volume that claims more voxels than ``limit``, or none.

    Raises:
        InputError: It does.
    """
    sizes = tuple(int(n) for n in shape)
    if min(sizes, default=0) < 1:
        raise InputError(f"{where}: claims a size of {_by(sizes)} voxels, expected at least 1 along each axis")
    if math.prod(sizes) > limit:
        raise InputError(f"{where}: {_by(sizes)} voxels are more than acquire.max_voxels = {limit}; crop it, or raise the limit in the plan")


def compact(array: Array) -> Array:
    """``array`` as uint8 or int16 where it is of integers in that range, else as float32: the types that volumes have here."""
    if array.dtype in (np.uint8, np.int16, np.float32) and array.dtype.isnative:
        return array
    if array.dtype.kind not in "iub":
        return array.astype(np.float32)
    fits = array.dtype.itemsize == 1 or (int(array.min()) >= INT16.min and int(array.max()) <= INT16.max)
    return array.astype(np.int16 if fits else np.float32)


def scaled(array: Array, slope: float, intercept: float) -> Array:
    """``array * slope + intercept``: wide integers where both are integral, else float32."""
    if slope == 1 and intercept == 0:
        return array
    if array.dtype.kind in "iu" and float(slope).is_integer() and float(intercept).is_integer():
        small = array.dtype.itemsize <= 2 and abs(slope) < 2**14 and abs(intercept) < 2**30
        return np.asarray(array.astype(np.int32 if small else np.int64) * int(slope) + int(intercept))
    out = np.empty(array.shape, np.float32)
    for given, plane in zip(array, out, strict=True):  # a slice at a time: exact numbers take eight bytes a voxel
        plane[...] = given.astype(np.float64) * slope + intercept
    return out


def _by(sizes: tuple[int, ...]) -> str:
    return "x".join(map(str, sizes))
