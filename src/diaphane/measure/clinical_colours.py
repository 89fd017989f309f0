"""The six colours that dermoscopy counts, as shares of a region's area.

Source: the C of the ABCD rule (Nachbar et al., J Am Acad Dermatol 30, 551 (1994)); a palette picked from pictures of lesions, and the nearest of its
colours, as by Seidenari, Pellacani, Grana, Br J Dermatol 149, 523 (2003). This palette: 48 means of the colours inside 500 lesions of the training split of
ISIC 2017 (k-means, 150 000 pixels), named by eye, with greys and blues added that are too rare to be a mean; no diagnosis was looked at.
"""

from __future__ import annotations

from itertools import accumulate, pairwise

import cv2
import numpy as np

from diaphane.core.arrays import Array, FloatArray, IntArray
from diaphane.measure.constancy import linear, scaled
from diaphane.measure.found import Found
from diaphane.measure.patch import Patch, pixels_of

PALETTE = {
    "white": ((95, 0, 2), (88, 5, 10), (80, 6, 3)),
    "red": ((35, 35, 20), (45, 22, 10), (46, 30, 19), (55, 29, 6), (55, 38, 31), (65, 29, 20)),
    "light_brown": (
        (44, 16, 28), (46, 30, 35), (50, 24, 27), (53, 10, 18), (53, 16, 27), (54, 24, 35), (59, 10, 25), (59, 16, 20), (61, 20, 31),
        (68, 15, 25), (70, 8, 20),
    ),
    "dark_brown": ((18, 23, 16), (23, 29, 23), (24, 16, 11), (28, 21, 17), (30, 33, 29), (33, 24, 24), (35, 17, 18), (40, 26, 29)),
    "blue_grey": ((28, 3, -1), (31, 17, -5), (35, 4, -2), (49, 5, 2), (60, 9, -1), (68, 2, 2)),
    "black": ((7, 4, 0), (10, 12, 8), (14, 8, 4)),
}  # fmt: skip
"""CIELAB of what is called so."""
SKIN = np.array([196, 165, 146])
"""sRGB of the skin that the palette is for."""
TOWARDS = 0.75
"""How far the picture's skin is brought to that one: most of the difference is the light's and the camera's, some the skin's own."""
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
"""Of linear sRGB. Source: ITU-R BT.709."""
LEAST = 0.02
"""Share of the area from which a colour counts."""
BLOCK = 1 << 12
"""Pixels at a time, so that their distances stay in the cache."""
NAMES = (*(f"{name}_share" for name in PALETTE), "skin_share", "clinical_colours")
WHITE, NONE = 0, len(PALETTE)
COLOURS = np.array([colour for colours in PALETTE.values() for colour in colours], np.float32)
ENDS = [0, *accumulate(map(len, PALETTE.values())), len(COLOURS) + 1]
"""Between which each name's colours lie, and last the skin."""


def shares(patch: Patch) -> Found:
    """Every feature of NAMES. What is nearer to the skin around than to any colour of the palette is skin, and so is white that is no lighter than it."""
    if patch.no_skin:
        return dict.fromkeys(NAMES, patch.no_skin)
    own = np.median(patch.skin[:3], axis=1)
    (skin,) = _lab(towards_reference(own.round().astype(np.uint8)[None, None], own))
    pixels = _lab(towards_reference(pixels_of(patch.rgb, patch.mask)[None], own))
    named = np.concatenate([_nearest(pixels[n : n + BLOCK], skin) for n in range(0, len(pixels), BLOCK)])
    named[(named == WHITE) & (pixels[:, 0] <= skin[0])] = NONE
    found = np.bincount(named, minlength=NONE + 1) / len(named)
    count = max(1, int(np.count_nonzero(found[:NONE] >= LEAST)))
    return dict(zip(NAMES, (*map(float, found), float(count)), strict=True))


def _nearest(pixels: FloatArray, skin: FloatArray) -> IntArray:
    """(n,) which name of the palette the nearest colour to each of ``pixels`` (n, 3) has; NONE where ``skin`` (3,) is the nearest."""
    known = np.vstack([COLOURS, skin])
    nearness = known @ pixels.T - (known**2).sum(axis=1)[:, None] / 2
    return np.asarray(np.stack([nearness[first:end].max(axis=0) for first, end in pairwise(ENDS)]).argmax(axis=0))


def _lab(rgb: Array) -> FloatArray:
    """(n, 3) CIELAB of pixels (1, n, 3)."""
    return np.asarray(cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0])


def towards_reference(rgb: Array, skin: FloatArray) -> Array:
    """``rgb`` with gains that bring ``skin`` (3,), sRGB 0-255, most of the way to the reference; the skin stays as light as it is."""
    own = np.maximum(linear(skin), 1e-3)
    gains = (linear(SKIN) / own) ** TOWARDS
    return scaled(rgb, gains * (own @ LUMINANCE) / ((gains * own) @ LUMINANCE))
