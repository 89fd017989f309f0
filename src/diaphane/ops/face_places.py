"""Places on the average face, and where and how they are seen in a picture of one face."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from diaphane.core.arrays import FloatArray
from diaphane.core.candidate import Candidate
from diaphane.core.face import Face
from diaphane.core.face_chart import FaceChart

AROUND_MM = 18.0
"""What of the face tells how a place is turned and how large it is seen: one triangle is some 8 mm wide, and landmarks jitter."""
FEWEST = 6
"""Triangles that tell it at least."""


@dataclass(frozen=True, slots=True)
class SeenPlace:
    """One place of a face in one picture."""

    x: float
    y: float
    """Pixels; may lie outside the picture."""
    px_per_mm: float
    """Of the skin there, were the head of average size: the root of how many times the area of the average face is seen; NaN where it is turned away."""
    facing: float
    """Area of the skin there as it is seen, over what it would be if it faced the camera: about the cosine of its turn; 0 or less: turned away."""
    tilt_rad: float
    """By which the upright of the face there is turned clockwise in the picture."""


def place_seen(chart: FaceChart, landmarks_px: FloatArray, place_mm: Sequence[float]) -> SeenPlace:
    """Where ``place_mm`` (x, y, z on the average face; the nearest place on its surface counts) lies on a face with these landmarks (n, 2)."""
    points = np.asarray(landmarks_px, float)[: len(chart.points_mm)]
    number, shares = _nearest(chart, np.asarray(place_mm, float))
    x, y = shares @ points[chart.triangles[number]]
    near = _around(chart, np.asarray(place_mm, float))
    seen, whole = _areas(chart, points, near)
    ratio = seen / whole
    px_per_mm = float(np.sqrt(ratio)) if ratio > 0 else np.nan
    return SeenPlace(float(x), float(y), px_per_mm, float(ratio / _front_scale(chart, points) ** 2), _tilt(chart, points, near))


def upright(seen: SeenPlace, middle: Sequence[float], side_mm: float, side_px: int) -> FloatArray:
    """(2, 3): from the picture's pixels to those of an upright square of ``side_mm`` and ``side_px`` about ``middle`` (x, y), near the seen place."""
    scale = side_px / side_mm / seen.px_per_mm
    c, s = scale * np.cos(seen.tilt_rad), scale * np.sin(seen.tilt_rad)
    turn = np.array([[c, s], [-s, c]])
    return np.column_stack([turn, np.full(2, (side_px - 1) / 2) - turn @ np.asarray(middle, float)])


def size_on_face(candidate: Candidate, face: Face, chart: FaceChart) -> float:
    """Diameter of the disc of a candidate's area on the average face, mm, by how large the skin is seen where it lies.

    ``face`` is the one that it lies on, with landmarks. Where the skin there is turned away, by the scale of the whole face (``face_mm_per_px``).
    """
    across = 2 * math.sqrt(max(float(candidate.mask.sum()), 1.0) / math.pi)
    seen = place_seen(chart, np.asarray(face.landmarks_px), [candidate.features[f"face_{axis}_mm"] for axis in "xyz"])
    return across / seen.px_per_mm if math.isfinite(seen.px_per_mm) else across * candidate.features.get("face_mm_per_px", 1.0)


def _nearest(chart: FaceChart, place: FloatArray) -> tuple[int, FloatArray]:
    """The triangle whose surface passes nearest, and the shares of its corners there."""
    a, b, c = (chart.points_mm[chart.triangles[:, n]] for n in range(3))
    whole = np.cross(b - a, c - a)
    square = np.maximum((whole**2).sum(axis=1), 1e-12)
    parts = [np.cross(c - b, place - b), np.cross(a - c, place - c), np.cross(b - a, place - a)]
    shares = np.clip(np.stack([(part * whole).sum(axis=1) / square for part in parts], axis=1), 0, None)
    shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1e-12)
    there = shares[:, :1] * a + shares[:, 1:2] * b + shares[:, 2:] * c
    number = int(((there - place) ** 2).sum(axis=1).argmin())
    return number, np.asarray(shares[number])


def _around(chart: FaceChart, place: FloatArray) -> FloatArray:
    """The numbers of the triangles near a place."""
    away = np.linalg.norm(chart.points_mm[chart.triangles].mean(axis=1) - place, axis=1)
    nearest = np.argsort(away)[:FEWEST]
    return np.asarray(np.union1d(nearest, np.flatnonzero(away <= AROUND_MM)))


def _areas(chart: FaceChart, points: FloatArray, near: FloatArray) -> tuple[float, float]:
    """Of the triangles ``near``: px² as seen, negative from behind; mm² on the average face."""
    a, b, c = (points[chart.triangles[near, n]] for n in range(3))
    p, q, r = (chart.points_mm[chart.triangles[near, n]] for n in range(3))
    across = np.cross(q - p, r - p)
    front = np.where((across * chart.normals[near]).sum(axis=1) < 0, 1.0, -1.0)  # which way round a triangle runs that is seen from the front
    seen = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    return float((front * seen).sum() / 2), float(np.linalg.norm(across, axis=1).sum() / 2)


def _front_scale(chart: FaceChart, points: FloatArray) -> float:
    """Pixels a millimetre, square to the camera: the larger stretch of the map from the average face that fits all landmarks best."""
    model, seen = chart.points_mm - chart.points_mm.mean(axis=0), points - points.mean(axis=0)
    fit = np.linalg.lstsq(model, seen, rcond=None)[0]
    return float(max(np.linalg.svd(fit, compute_uv=False)[0], 1e-6))


def _tilt(chart: FaceChart, points: FloatArray, near: FloatArray) -> float:
    """Least squares, over the corners of the triangles ``near``."""
    corners = np.unique(chart.triangles[near])
    model, seen = chart.points_mm[corners, :2], points[corners]
    model, seen = model - model.mean(axis=0), seen - seen.mean(axis=0)
    return float(np.arctan2((model[:, 0] * seen[:, 1] - model[:, 1] * seen[:, 0]).sum(), (model * seen).sum()))
