"""Faces and lesions of two visits as pictures that can be laid side by side: upright, and at one scale."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from diaphane.core.arrays import Array, FloatArray
from diaphane.core.change import Lesion, Place, View, Visit
from diaphane.core.face_chart import FaceChart
from diaphane.ops.crop import cropped, face_square
from diaphane.ops.face_places import SeenPlace, place_seen, upright
from diaphane.ops.paint import Colour, sized

NEAR_PX, WHOLE_PX = 300, 520
"""Sides of the pictures."""
RULE_MM = 5.0
LEAST_FACING = 0.2
"""Below this cosine a place is not shown: it is stretched beyond recognition."""
BLACK: Colour = (0, 0, 0)


def near(visit: Visit, lesion: Lesion | None, place: Place, side_mm: float, css: str) -> Array | None:
    """A square of ``side_mm`` around a place, upright; the lesion outlined, or, without one, the place where it would lie in a thin ring.

    None where no picture shows the place.
    """
    shown = [view for view in visit.views if lesion is None or view.image == lesion.best.image] or list(visit.views)
    seen = [(view, place_seen(visit.chart, np.asarray(view.face.landmarks_px), place if lesion is None else lesion.place_mm)) for view in shown]
    best = max(((view, s) for view, s in seen if _is_inside(view, s)), key=lambda pair: pair[1].facing * pair[1].px_per_mm, default=None)
    if best is None:
        return None
    view, where = best
    move = upright(where, (where.x, where.y), side_mm, NEAR_PX)
    out = cv2.warpAffine(view.rgb, move, (NEAR_PX, NEAR_PX), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT, borderValue=(60, 60, 60))
    if lesion is not None and lesion.best.image == view.image:
        _outline(out, lesion, move, _colour(css))
    else:
        cv2.circle(out, (NEAR_PX // 2, NEAR_PX // 2), round(NEAR_PX / 5), (255, 255, 255), 1, cv2.LINE_AA)
    _ruler(out, side_mm)
    return np.asarray(out)


def whole(visit: Visit, marks: Sequence[tuple[int, Place, str]]) -> Array:
    """The face, in the picture that shows most of the ``marks`` (number, place, colour), each marked beside its place."""
    places = [place for _, place, _ in marks]
    view = max(visit.views, key=lambda v: (sum(_is_inside(v, _seen(visit.chart, v, p)) for p in places), v.face.score))
    box = face_square(view.face.box_px, (view.rgb.shape[1], view.rgb.shape[0]), 0.15)
    out = np.array(sized(cropped(view.rgb, box), WHOLE_PX))
    scale = out.shape[1] / box[2]
    for number, place, css in marks:
        seen = _seen(visit.chart, view, place)
        if _is_inside(view, seen):
            _mark(out, number, ((seen.x - box[0]) * scale, (seen.y - box[1]) * scale), _colour(css))
    return out


def _seen(chart: FaceChart, view: View, place: Place) -> SeenPlace:
    return place_seen(chart, np.asarray(view.face.landmarks_px), place)


def _is_inside(view: View, seen: SeenPlace) -> bool:
    height, width = view.rgb.shape[:2]
    return seen.facing >= LEAST_FACING and 0 <= seen.x < width and 0 <= seen.y < height


def _outline(out: Array, lesion: Lesion, move: FloatArray, colour: Colour) -> None:
    x, y, width, height = lesion.best.box_px
    mask = np.zeros((height + 2, width + 2), np.float32)
    mask[1:-1, 1:-1] = lesion.best.mask
    shift = move.copy()
    shift[:, 2] += move[:, :2] @ (x - 1, y - 1)
    inside = cv2.warpAffine(mask, shift, (NEAR_PX, NEAR_PX), flags=cv2.INTER_LINEAR) >= 0.5
    lines, _ = cv2.findContours(inside.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(out, lines, -1, BLACK, 4, cv2.LINE_AA)
    cv2.drawContours(out, lines, -1, colour, 2, cv2.LINE_AA)


def _ruler(out: Array, side_mm: float) -> None:
    """``RULE_MM`` long, at the lower left."""
    left, low, long = 12, NEAR_PX - 12, round(RULE_MM * NEAR_PX / side_mm)
    cv2.line(out, (left, low), (left + long, low), BLACK, 5)
    cv2.line(out, (left, low), (left + long, low), (255, 255, 255), 3)


def _mark(out: Array, number: int, place: tuple[float, float], colour: Colour) -> None:
    """A ring around the place, and the number beside it."""
    at = round(place[0]), round(place[1])
    beside = at[0] + 20 if at[0] < WHOLE_PX - 60 else at[0] - 40, at[1] + 7
    for shade, line in ((BLACK, 4), (colour, 2)):
        cv2.circle(out, at, 15, shade, line, cv2.LINE_AA)
    for shade, line in ((BLACK, 4), ((255, 255, 255), 2)):
        cv2.putText(out, str(number), beside, cv2.FONT_HERSHEY_SIMPLEX, 0.7, shade, line, cv2.LINE_AA)


def _colour(css: str) -> Colour:
    red, green, blue = bytes.fromhex(css.removeprefix("#"))
    return red, green, blue
