"""The average face as a drawing, with numbered places on it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from diaphane.core.change import Place
from diaphane.core.face_chart import FaceChart

MARGIN_MM = 14.0
LABEL_MM = 11.0
"""From a place to the middle of its label."""
ROOM_MM = 11.0
"""A label needs so much to the next."""
DIRECTIONS = tuple(n * math.pi / 8 for n in range(16))


@dataclass(frozen=True, slots=True)
class Mark:
    """A place and where its label stands, in the drawing's millimetres."""

    number: int
    x: float
    y: float
    label_x: float
    label_y: float


@dataclass(frozen=True, slots=True)
class FaceMap:
    """The drawing, as seen from in front: the person's right is on the left."""

    width: float
    height: float
    """mm."""
    outline: str
    """Corners ``x,y x,y …`` of the face, as SVG's polygon wants them."""
    regions: tuple[str, ...]
    """Those of its regions."""
    marks: tuple[Mark, ...]


def face_map(chart: FaceChart, places: Sequence[tuple[int, Place]]) -> FaceMap:
    """The drawing of ``chart`` with each number at its place; labels keep clear of each other where there is room."""
    flat = chart.points_mm[:, :2]
    low = flat.min(axis=0) - MARGIN_MM
    width, height = flat.max(axis=0) + MARGIN_MM - low
    hull = cv2.convexHull(flat.astype(np.float32))[:, 0]
    regions = tuple(_corners(flat[list(outline)] - low) for name, outline in chart.outlines.items() if max(outline) < len(flat))
    middles = [(number, place[0] - float(low[0]), place[1] - float(low[1])) for number, place in places]
    return FaceMap(float(width), float(height), _corners(hull - low), regions, _labelled(middles, float(width), float(height)))


def _labelled(places: Sequence[tuple[int, float, float]], width: float, height: float) -> tuple[Mark, ...]:
    """One after the other, each label in the direction in which it is furthest from all places and labels so far."""
    taken = [(x, y) for _, x, y in places]
    marks = []
    for number, x, y in places:
        options = [(x + LABEL_MM * math.cos(a), y + LABEL_MM * math.sin(a)) for a in DIRECTIONS]
        inside = [(u, v) for u, v in options if 5 < u < width - 5 and 5 < v < height - 5] or options
        label = max(inside, key=lambda spot: min(ROOM_MM, *(math.dist(spot, other) for other in taken)))
        taken.append(label)
        marks.append(Mark(number, x, y, *label))
    return tuple(marks)


def _corners(points: np.ndarray) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
