"""Colour constancy: the colour of the light is estimated from the picture and taken out of it.

Source: diagonal model of von Kries; grey world, Buchsbaum, J Franklin Inst 310, 1 (1980); max-RGB, Land, Sci Am 237, 108 (1977); shades of grey,
Finlayson & Trezzi, Color Imaging Conference 2004, with p = 6; for dermoscopy Barata, Celebi, Marques, IEEE J Biomed Health Inform 19, 1146 (2015).
"""

from __future__ import annotations

import cv2
import numpy as np

from diaphane.core.arrays import Array, FloatArray
from diaphane.measure.options import Constancy

POWERS: dict[Constancy, float] = {"grey_world": 1.0, "shades_of_grey": 6.0, "max_rgb": float("inf")}
"""Of the Minkowski mean that is taken for the colour of the light."""


def corrected(rgb: Array, how: Constancy) -> Array:
    """``rgb`` (row, column, 3) of uint8 under white light, as bright on the whole as it was; a channel that is black everywhere stays so."""
    if how == "none":
        return rgb
    light = illuminant(rgb, POWERS[how])
    return scaled(rgb, np.divide(1, light, out=np.ones(3), where=light > 0))


def scaled(rgb: Array, gains: FloatArray) -> Array:
    """``rgb`` of uint8 with the light of each channel times its gain (3,)."""
    tables = to_srgb(linear(np.arange(256))[:, None] * gains)
    return np.asarray(cv2.LUT(rgb, np.rint(255 * tables).astype(np.uint8)[None]))


def illuminant(rgb: Array, power: float) -> FloatArray:
    """(3,) colour of the light in linear RGB, of length sqrt(3): white is (1, 1, 1). All black: white."""
    levels = linear(np.arange(256))
    counts = [np.bincount(rgb[..., n].ravel(), minlength=256) for n in range(3)]
    if np.isinf(power):
        means = np.array([levels[np.flatnonzero(count)[-1]] for count in counts])
    else:
        means = np.array([np.average(levels**power, weights=count) ** (1 / power) for count in counts])
    length = float(np.linalg.norm(means))
    return means * np.sqrt(3) / length if length else np.ones(3)


def linear(levels: Array) -> FloatArray:
    """Light, 0-1, of sRGB levels 0-255. Source: IEC 61966-2-1."""
    v = np.asarray(levels, np.float64) / 255
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def to_srgb(light: FloatArray) -> FloatArray:
    """Values of sRGB, 0-1, of light, which is cut at 1."""
    v = np.clip(light, 0, 1)
    return np.where(v <= 0.0031308, 12.92 * v, 1.055 * v ** (1 / 2.4) - 0.055)
