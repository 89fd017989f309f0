"""Noise taken out, borders kept: each takes a picture (row, column, channel) or a volume [k, j, i], float32, and how strong it should be."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import cv2
import numpy as np

from diaphane.core.arrays import Array, FloatArray

NORMAL = 0.6745
"""Of a normal distribution, the median distance from the mean over the standard deviation."""


def noise(array: Array, *, is_volume: bool) -> float:
    """Standard deviation of the noise of a picture (row, column, channel) or volume [k, j, i], from differences across neighbours; 0 where there are none.

    Source: Donoho, Johnstone, Biometrika 81, 425 (1994), by the diagonal Haar wavelet; places that are all equal (a cut-out background) do not count.
    """
    planes = array if is_volume else np.moveaxis(array, -1, 0)
    rows, columns = (n // 2 * 2 for n in planes.shape[1:])
    a, b, c, d = (planes[:, y:rows:2, x:columns:2] for y, x in product((0, 1), repeat=2))
    detail = np.abs(a - b - c + d)
    known = detail[detail > 0]
    return float(np.median(known)) / 2 / NORMAL if known.size else 0.0


def _median(array: FloatArray, strength: float, *, is_volume: bool) -> FloatArray:
    """The middle of the 9 neighbours of a pixel, a channel each, or of the 27 of a voxel."""
    if not is_volume:
        return np.reshape(cv2.medianBlur(array, 3), array.shape)
    from scipy import ndimage

    return np.asarray(ndimage.median_filter(array, 3, mode="nearest"))


def _nonlocal(array: FloatArray, strength: float, *, is_volume: bool) -> FloatArray:
    """The mean of places whose surroundings are alike. Source: Buades, Coll, Morel, CVPR 2005; Darbon et al., ISBI 2008."""
    from skimage.restoration import denoise_nl_means

    sigma = strength * noise(array, is_volume=is_volume)
    if sigma == 0:
        return array
    size, reach = (3, 3) if is_volume else (5, 6)
    is_colour = not is_volume and array.shape[-1] > 1
    seen = array if is_volume or is_colour else array[..., 0]
    out = denoise_nl_means(seen, size, reach, 0.8 * sigma, sigma=sigma, preserve_range=True, channel_axis=-1 if is_colour else None)
    return np.reshape(np.asarray(out, np.float32), array.shape)


def _bilateral(array: FloatArray, strength: float, *, is_volume: bool) -> FloatArray:
    """The mean of near neighbours of like value. Source: Tomasi, Manduchi, ICCV 1998."""
    sigma = 2 * strength * noise(array, is_volume=is_volume)
    if sigma == 0:
        return array
    if is_volume:
        return _bilateral_volume(array, sigma)
    return np.reshape(cv2.bilateralFilter(array, 5, sigma, 1.5, borderType=cv2.BORDER_REPLICATE), array.shape)


def _bilateral_volume(array: FloatArray, sigma: float) -> FloatArray:
    """Over the 27 neighbours, a Gaussian of one voxel in space; some slices at a time, so that what lies between is small."""
    out = np.empty(array.shape, np.float32)
    slices, rows, columns = array.shape
    padded = np.pad(array, 1, mode="edge")
    for k in range(slices):
        middle = array[k]
        total, weights = np.zeros_like(middle), np.zeros_like(middle)
        for z, y, x in product(range(3), repeat=3):
            near = padded[k + z, y : y + rows, x : x + columns]
            away = np.float32(((z - 1) ** 2 + (y - 1) ** 2 + (x - 1) ** 2) / 2)
            weight = np.exp(-np.square((near - middle) / np.float32(sigma)) / 2 - away)
            weights += weight
            total += weight * near
        out[k] = total / weights
    return out


def _none(array: FloatArray, strength: float, *, is_volume: bool) -> FloatArray:
    return array


FILTERS: dict[str, Callable[..., FloatArray]] = {"none": _none, "median": _median, "nonlocal": _nonlocal, "bilateral": _bilateral}
