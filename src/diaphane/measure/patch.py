"""A region in colour with the skin around it: what every measure of colour looks at."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from diaphane.core.arrays import Array, BoolArray, FloatArray
from diaphane.measure.axes import Axes, principal_axes
from diaphane.measure.options import Options
from diaphane.measure.view import View, ring_width

FEWEST_PIXELS = 20
"""Fewer pixels of surrounding skin than this are no sample of it."""
CHANNELS = ("red", "green", "blue", "saturation", "value", "lightness", "green_red", "blue_yellow")
"""RGB 0-255; saturation and value of HSV 0-1; CIELAB (D65). Hue is an angle and stands apart."""
LAB = slice(5, 8)


@dataclass(frozen=True, slots=True)
class Patch:
    """Arrays of one size (row, column[, 3])."""

    rgb: Array
    """uint8."""
    lab: FloatArray
    """CIELAB, float32."""
    mask: BoolArray
    """Not empty."""
    ring: BoolArray
    """The skin that the region is compared with."""
    other: BoolArray
    """Pixels of any region."""
    axes: Axes
    """Of the mask."""
    inside: FloatArray
    """(8, n) CHANNELS of the region's pixels."""
    skin: FloatArray
    """(8, n) CHANNELS of the ring's."""
    hues: tuple[FloatArray, FloatArray]
    """(n,) radians, of both."""

    @property
    def no_skin(self) -> str:
        """Why there is no surrounding skin to compare with; empty where there is."""
        return "" if self.skin.shape[1] >= FEWEST_PIXELS else f"fewer than {FEWEST_PIXELS} pixels of surrounding skin in the picture"

    @property
    def diameter(self) -> float:
        """Of a disc of the same area, px."""
        return math.sqrt(4 * self.inside.shape[1] / math.pi)


def patch_of(view: View, rgb: Array, options: Options) -> Patch:
    """The patch of a view whose mask is not empty."""
    lab, ring = view.lab, ring_of(view, options)
    (inside, hue), (skin, skin_hue) = (_channels(pixels_of(rgb, m), pixels_of(lab, m)) for m in (view.mask, ring))
    return Patch(rgb, lab, view.mask, ring, view.other, principal_axes(view.mask, view.origin), inside, skin, (hue, skin_hue))


def pixels_of(plane: Array, mask: BoolArray) -> Array:
    """(n, 3) those of ``plane`` (row, column, 3) in ``mask``, in reading order; several times as fast as an index of booleans."""
    return plane.reshape(-1, 3).take(np.flatnonzero(mask), axis=0)


def ring_of(view: View, options: Options) -> BoolArray:
    """The skin around the region, of no region itself: from a third of the ring's width away to four thirds."""
    width = ring_width(int(view.mask.sum()), options)
    away = cv2.distanceTransform((~view.mask).astype(np.uint8), cv2.DIST_L2, 5)
    return np.asarray((away <= width + width // 3) & (away > max(1, width // 3)) & ~view.other)


def _channels(rgb: Array, lab: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(8, n) of pixels (n, 3), and their hues."""
    if not len(rgb):
        return np.empty((len(CHANNELS), 0)), np.empty(0)
    hsv = cv2.cvtColor(rgb[None].astype(np.float32) / 255, cv2.COLOR_RGB2HSV)[0]
    planes = np.empty((len(CHANNELS), len(rgb)))
    planes[:3], planes[3:5], planes[5:] = rgb.T, hsv[:, 1:].T, lab.T
    return planes, np.radians(hsv[:, 0])
