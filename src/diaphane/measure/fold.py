"""Asymmetry of colour: the region is folded along its principal axes, and what comes to lie on each other is compared.

Source: the A of the ABCD rule, which asks for colour and structure as for outline (Nachbar et al., J Am Acad Dermatol 30, 551 (1994)); folding of
colour as by Seidenari, Pellacani, Grana, Acta Derm Venereol 86, 123 (2006).
"""

from __future__ import annotations

import cv2
import numpy as np

from diaphane.core.arrays import FloatArray
from diaphane.measure.axes import ABOUT
from diaphane.measure.found import Found
from diaphane.measure.patch import LAB, Patch

HALVES, MIRRORED = "colour_asymmetry_about_{}_axis", "mirrored_colour_difference_about_{}_axis"
NAMES = ("colour_asymmetry", *(name.format(axis) for name in (HALVES, MIRRORED) for axis in reversed(ABOUT)))
SMOOTH = 0.1
"""Colours are means over so much of the equivalent diameter, inside the region: a hair or a mesh of pigment is no asymmetry."""


def differences(patch: Patch) -> Found:
    """Every feature of NAMES, CIELAB distances: between the mean colours of two halves, and the mean one between a pixel and its mirror image."""
    if patch.inside.shape[1] == 1:
        return dict.fromkeys(NAMES, "one pixel has no axes") | {"colour_asymmetry": 0.0}
    halves: Found = {HALVES.format(axis): _between_halves(patch, n) for n, axis in enumerate(ABOUT)}
    apart = [value for value in halves.values() if not isinstance(value, str)]
    found: Found = {"colour_asymmetry": float(np.mean(apart)) if apart else 0.0, **halves}
    smooth = smoothed(patch).reshape(-1, 3)
    own = smooth.compress(patch.mask.ravel(), axis=0)
    for n, axis in enumerate(ABOUT):
        hit, place = patch.axes.folded(patch.mask, n)
        away = own.compress(hit, axis=0) - smooth.take(place, axis=0)
        mirrored = np.sqrt(np.einsum("ij,ij->i", away, away))
        found[MIRRORED.format(axis)] = float(mirrored.mean(dtype=np.float64)) if len(mirrored) else "no pixel falls on the region's own mirror image"
    return {name: found[name] for name in NAMES}


def _between_halves(patch: Patch, n: int) -> float | str:
    """CIELAB distance between the mean colours of the halves into which a line across the ``n``-th axis cuts the region."""
    side = patch.axes.offsets @ patch.axes.vectors[:, n] > 0
    if not side.any() or side.all():
        return "all pixels lie on the axis"
    one, other = (patch.inside[LAB].compress(half, axis=1).mean(axis=1) for half in (side, ~side))
    return float(np.linalg.norm(one - other))


def smoothed(patch: Patch) -> FloatArray:
    """CIELAB, each pixel the mean of those of the region around it; only inside the region."""
    size = 2 * round(SMOOTH * patch.diameter / 2) + 1
    weight = patch.mask.astype(np.float32)
    share = cv2.blur(weight, (size, size), borderType=cv2.BORDER_CONSTANT)
    total = cv2.blur(patch.lab * weight[..., None], (size, size), borderType=cv2.BORDER_CONSTANT)
    return np.asarray(np.divide(total, share[..., None], out=np.zeros_like(total), where=patch.mask[..., None]))
