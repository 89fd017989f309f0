"""What the pictures of a visit show of a face: whether a place was seen in them, and whether there is bare skin."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from diaphane.core.arrays import Array, FloatArray
from diaphane.core.change import Place, View, Visit
from diaphane.core.face_chart import FaceChart
from diaphane.fuse.options import CompareOptions
from diaphane.fuse.skin import Skin, lab_of
from diaphane.fuse.surface import Surface
from diaphane.ops.crop import Box, cropped, face_square
from diaphane.ops.face_places import SeenPlace, place_seen

RING = 0.35
"""Width of the ring around a place, as a share of the lesion's diameter; at least 2 pixels."""


@dataclass(frozen=True, slots=True)
class Glance:
    """How one place was seen, in the picture that shows it best."""

    rank: int
    """0: turned away, 1: outside the picture, 2: too small there; 3: seen."""
    contrast: float
    """By how much it is darker than around, in deviations of this face's skin; NaN where it was not seen."""
    skin: float
    """The share of the place that has the colour of this face's skin; NaN where it was not seen."""
    diameter_px: float
    """Of the lesion, were it there."""
    facing: float
    """About the cosine between skin and camera."""


NOT_SEEN = ("turned away from the camera", "outside the picture", "too small in the picture")
"""In words, by rank."""


class Coverage:
    """One visit's pictures."""

    def __init__(self, visit: Visit) -> None:
        self._skins = [_OnSkin.of(view, visit.chart) for view in visit.views]

    def measured(self, image: str, place: Place, diameter_mm: float, options: CompareOptions) -> Glance:
        """In the picture in which a lesion is measured, and in no other."""
        own = (on.glance(place, diameter_mm, options) for on in self._skins if on.view.image == image)
        return next(own, Glance(0, math.nan, math.nan, math.nan, -1.0))

    def glance(self, place: Place, diameter_mm: float, options: CompareOptions) -> Glance:
        """The best over the pictures: seen rather than not, then the darkest: a lesion that one picture shows is there."""
        told = [on.glance(place, diameter_mm, options) for on in self._skins]
        return max(told, key=lambda g: (g.rank, g.contrast if g.rank == 3 else 0.0), default=Glance(0, math.nan, math.nan, math.nan, -1.0))


@dataclass(frozen=True, slots=True)
class _OnSkin:
    """A view with the colours of its face."""

    view: View
    chart: FaceChart
    box: Box
    """Of what is cut out."""
    lab: FloatArray
    skin: Skin

    @classmethod
    def of(cls, view: View, chart: FaceChart) -> _OnSkin:
        box = face_square(view.face.box_px, (view.rgb.shape[1], view.rgb.shape[0]))
        lab = lab_of(cropped(view.rgb, box))
        known = Surface.of(view.face, chart).skin(box)
        return cls(view, chart, box, lab, Skin.of(lab[known] if known.any() else lab.reshape(-1, 3)))

    def glance(self, place: Place, diameter_mm: float, options: CompareOptions) -> Glance:
        seen = place_seen(self.chart, np.asarray(self.view.face.landmarks_px), place)
        if not seen.facing >= options.least_facing:
            return Glance(0, math.nan, math.nan, math.nan, seen.facing)
        diameter = diameter_mm * seen.px_per_mm
        margin, (height, width) = diameter / 2, self.view.rgb.shape[:2]
        if not (margin <= seen.x <= width - margin and margin <= seen.y <= height - margin):
            return Glance(1, math.nan, math.nan, diameter, seen.facing)
        if diameter < options.smallest_px:
            return Glance(2, math.nan, math.nan, diameter, seen.facing)
        return self._look(seen, diameter, options.search_mm * seen.px_per_mm)

    def _look(self, seen: SeenPlace, diameter: float, search: float) -> Glance:
        """The darkest spot of the lesion's size within ``search`` pixels of the place."""
        radius, ring = diameter / 2, max(2.0, RING * diameter)
        reach = math.ceil(radius + ring + search + 2)
        x, y = round(seen.x) - self.box[0], round(seen.y) - self.box[1]
        part = self.lab[max(0, y - reach) : max(0, y + reach + 1), max(0, x - reach) : max(0, x + reach + 1)]
        if not part.size:
            return Glance(1, math.nan, math.nan, diameter, seen.facing)
        inside, around = _kernels(radius, ring)
        light = np.ascontiguousarray(part[..., 0], np.float32)
        darker = (_mean(light, around) - _mean(light, inside)) / self.skin.deviation[0]
        alike = _mean((np.linalg.norm(self.skin.scores(part), axis=2) < 3).astype(np.float32), inside)
        rows, columns = np.indices(light.shape)
        near = np.hypot(columns - min(x, reach), rows - min(y, reach)) <= max(search, 0.5)
        spot = int(np.where(near, darker, -np.inf).argmax())
        return Glance(3, float(darker.flat[spot]), float(alike.flat[spot]), diameter, seen.facing)


def _kernels(radius: float, ring: float) -> tuple[Array, Array]:
    """A disc and the ring around it, each with sum 1."""
    n = math.ceil(radius + 1 + ring)
    rows, columns = np.mgrid[-n : n + 1, -n : n + 1]
    away = np.hypot(rows, columns)
    inside, around = (away <= max(radius, 0.5)).astype(np.float32), ((away > radius + 1) & (away <= radius + 1 + ring)).astype(np.float32)
    return inside / inside.sum(), around / around.sum()


def _mean(values: Array, kernel: Array) -> FloatArray:
    return np.asarray(cv2.filter2D(values, cv2.CV_32F, kernel, borderType=cv2.BORDER_REPLICATE))
