"""How large a lesion is, by where its colour is halfway to that of the skin around: it repeats better than an outline does.

Source of the idea: full width at half maximum, of spectroscopy; here over an area. Measured against outlines: ``docs/compare.md``.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from diaphane.core.arrays import Array, BoolArray, FloatArray
from diaphane.core.change import Lesion, Visit
from diaphane.fuse.skin import lab_of
from diaphane.ops.face_places import place_seen, upright

SIDE_PX = 96
WINDOW, RING = 0.9, (1.0, 1.4)
"""Radius within which a lesion is looked for, and between which the skin around it is taken, in diameters of the outline."""
SOFT_MM = 0.8
LEVEL, PEAK = 0.5, 0.85
"""Halfway, from the skin to the colour that the strongest 15 % of the outline have at least."""


def widths(before: Lesion, after: Lesion, visits: tuple[Visit, Visit]) -> tuple[float, float]:
    """Diameters (mm on the average face) of one lesion at two visits, looked for within one radius; NaN where it cannot be told."""
    scale = max(before.diameter_mm, after.diameter_mm)
    return width(before, visits[0], scale), width(after, visits[1], scale)


def width(lesion: Lesion, visit: Visit, scale_mm: float) -> float:
    """Diameter of the disc of a lesion's area, mm; ``scale_mm``: the outline's. NaN where the picture ends, or where it is like what is around it."""
    cut = _cut_out(lesion, visit, 2 * RING[1] * scale_mm)
    if cut is None:
        return math.nan
    lab, mask = cut
    mm = 2 * RING[1] * scale_mm / SIDE_PX
    away = np.hypot(*(np.indices(mask.shape) - (SIDE_PX - 1) / 2)) * mm / scale_mm
    inside = mask & (away <= WINDOW)
    if not inside.any():
        return math.nan
    unlike = lab - np.median(lab[(away > RING[0]) & (away <= RING[1])], axis=0)
    main = np.median(unlike[inside], axis=0)
    along = cv2.GaussianBlur(np.asarray(unlike @ (main / max(float(np.linalg.norm(main)), 1e-6)), np.float32), (0, 0), SOFT_MM / mm)
    strong = float(np.quantile(along[inside], PEAK))
    if strong <= 0:
        return math.nan
    return 2 * math.sqrt(_largest((along >= LEVEL * strong) & (away <= WINDOW), inside) / math.pi) * mm


def _cut_out(lesion: Lesion, visit: Visit, side_mm: float) -> tuple[FloatArray, BoolArray] | None:
    """L*a*b* and outline in an upright square; None where the middle of it leaves the picture."""
    view = next((view for view in visit.views if view.image == lesion.best.image), None)
    if view is None:
        return None
    seen = place_seen(visit.chart, np.asarray(view.face.landmarks_px), lesion.place_mm)
    if not math.isfinite(seen.px_per_mm):
        return None
    x, y, width_px, height_px = lesion.best.box_px
    rows, columns = np.nonzero(lesion.best.mask)
    middle = x + float(columns.mean()), y + float(rows.mean())
    reach = WINDOW / RING[1] * side_mm / 2 * seen.px_per_mm
    if not (reach <= middle[0] <= view.rgb.shape[1] - reach and reach <= middle[1] <= view.rgb.shape[0] - reach):
        return None
    move = upright(seen, middle, side_mm, SIDE_PX)
    mask: Array = np.zeros(view.rgb.shape[:2], np.float32)
    mask[y : y + height_px, x : x + width_px] = lesion.best.mask
    rgb = cv2.warpAffine(view.rgb, move, (SIDE_PX, SIDE_PX), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return lab_of(rgb), np.asarray(cv2.warpAffine(mask, move, (SIDE_PX, SIDE_PX)) > 0.5)


def _largest(where: BoolArray, outline: BoolArray) -> int:
    """Pixels of the part of ``where`` that shares most with the outline."""
    _, parts = cv2.connectedComponents(where.astype(np.uint8))
    shared = np.bincount(parts[outline & where])
    return int((parts == shared.argmax()).sum()) if len(shared) else 0
