"""Colour of a region and its contrast to the skin around it, in RGB and CIELAB (D65).

Source: the C of the ABCD rule (Nachbar et al. 1994); relative colour against the surrounding skin as by Ganster
et al., IEEE Trans Med Imaging 20, 233 (2001). The IBSI does not define colour features.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from diaphane.core.arrays import BoolArray, FloatArray
from diaphane.core.region import Feature
from diaphane.measure.options import Options
from diaphane.measure.shape import principal_axes
from diaphane.measure.view import View

FEWEST_PIXELS = 20
"""Fewer pixels of surrounding skin than this are no sample of it."""


def features(view: View, options: Options) -> list[Feature]:
    """Colour statistics; none for a grey picture."""
    if view.rgb is None:
        return []
    lab = cv2.cvtColor(view.rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB).astype(np.float64)
    planes = np.dstack([view.rgb.astype(np.float64), lab])
    inside, ring = planes[view.mask], planes[_ring(view, options.ring_share)]
    vanished = "" if len(inside) else "the region vanishes on this grid"
    no_skin = vanished or ("" if len(ring) >= FEWEST_PIXELS else f"fewer than {FEWEST_PIXELS} pixels of surrounding skin in the picture")
    values: list[tuple[str, float, str]] = []
    for n, channel in enumerate(("red", "green", "blue", "lightness", "green_red", "blue_yellow")):
        values.append((f"{channel}_mean", math.nan if vanished else float(inside[:, n].mean()), vanished))
        values.append((f"{channel}_deviation", math.nan if vanished else float(inside[:, n].std()), vanished))
        if n >= 3:
            away = math.nan if no_skin else float(inside[:, n].mean() - ring[:, n].mean())
            values.append((f"{channel}_contrast", away, no_skin))
    spread = math.nan if vanished else math.sqrt(float(inside[:, 3:].var(axis=0).sum()))
    values.append(("variegation", spread, vanished))
    values.append(("colour_asymmetry", math.nan if vanished else _asymmetry(lab, view.mask), vanished))
    return [Feature(family="colour", name=name, value=value, discretisation=view.grid, nan_reason=reason) for name, value, reason in values]


def _ring(view: View, share: float) -> BoolArray:
    """The skin around the region, of no region itself: from a third of the ring's width away to four thirds."""
    width = max(2, round(share * math.sqrt(4 * view.mask.sum() / math.pi)))
    near, far = (_grown(view.mask, n) for n in (max(1, width // 3), width + width // 3))
    return np.asarray(far & ~near & ~view.other)


def _grown(mask: BoolArray, radius: int) -> BoolArray:
    away = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)
    return np.asarray(away <= radius) & bool(mask.any())


def _asymmetry(lab: FloatArray, mask: BoolArray) -> float:
    """CIELAB distance between the mean colours of the halves on either side of each principal axis; the mean of two."""
    centre, _, vectors = principal_axes(mask)
    rows, columns = np.nonzero(mask)
    points = np.stack([columns, rows], axis=1) - centre
    colours = lab[rows, columns]
    apart = []
    for n in (0, 1):
        side = points @ vectors[:, n] > 0
        if side.any() and not side.all():
            apart.append(float(np.linalg.norm(colours[side].mean(axis=0) - colours[~side].mean(axis=0))))
    return float(np.mean(apart)) if apart else 0.0
