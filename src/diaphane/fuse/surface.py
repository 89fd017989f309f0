"""The surface of one face in its picture: what lies where on it, how it is turned, what is on its other side."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from diaphane.core.arrays import Array, BoolArray, FloatArray
from diaphane.core.face import Face
from diaphane.core.face_chart import FaceChart
from diaphane.ops.crop import Box
from diaphane.ops.face_regions import region_at

EYES = (33, 263)
"""The outer corners; what lies between them is the unit of length."""
NOSE_BASE = (75, 97, 2, 326, 305)
"""Under the nostrils, from side to side."""
NO_SKIN = ("left eye", "right eye", "left brow", "right brow", "lips")


@dataclass(frozen=True, slots=True)
class Surface:
    """The map of a face laid on its landmarks."""

    chart: FaceChart
    points: FloatArray
    """(n, 2), pixels."""
    rotation: FloatArray | None
    """3x3, face to camera; None without a head pose."""

    @classmethod
    def of(cls, face: Face, chart: FaceChart) -> Surface:
        """That of a face with landmarks."""
        return cls(chart, np.asarray(face.landmarks_px, float), None if face.pose is None else np.asarray(face.pose.rotation))

    @property
    def box_px(self) -> tuple[float, float, float, float]:
        """Around the landmarks: the same whichever tracker found the face."""
        low, high = self.points.min(axis=0), self.points.max(axis=0)
        return float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1])

    @property
    def unit_px(self) -> float:
        """Between the outer eye corners as they would be seen from the front: the longer of it and the height of the face allows for turned heads."""
        own = float(np.linalg.norm(self.points[EYES[1]] - self.points[EYES[0]]))
        tall = float(np.ptp(self.points[: len(self.chart.points_mm), 1]))
        average = self.chart.points_mm
        share = float(np.linalg.norm(average[EYES[1]] - average[EYES[0]]) / np.ptp(average[:, 1]))
        return max(own, share * tall, 1.0)

    @property
    def mm_per_px(self) -> float:
        """Were the person's head of average size."""
        return float(np.linalg.norm(self.chart.points_mm[EYES[1]] - self.chart.points_mm[EYES[0]])) / self.unit_px

    def place(self, x: float, y: float) -> dict[str, float]:
        """Where the pixel lies: on the average face in mm, from features and edge (negative inside), and how the surface is turned there."""
        number, shares = self._triangle(x, y)
        where = shares @ self.chart.points_mm[self.chart.triangles[number]]
        unit = self.unit_px
        outline = cv2.convexHull(self.points.astype(np.float32))
        return {
            "x_mm": float(where[0]),
            "y_mm": float(where[1]),
            "z_mm": float(where[2]),
            "aside_mm": abs(float(where[0])),
            "to_eyes": min(self._to(name, x, y) for name in NO_SKIN[:2]) / unit,
            "to_brows": min(self._to(name, x, y) for name in NO_SKIN[2:4]) / unit,
            "to_nose_base": _to_line(self.points[list(NOSE_BASE)], x, y) / unit,
            "to_lips": self._to("lips", x, y) / unit,
            "to_edge": -cv2.pointPolygonTest(outline, (x, y), True) / unit,
            "turn": np.nan if self.rotation is None else float(-(self.rotation @ self.chart.normals[number])[2]),
        }

    def opposite(self, x: float, y: float) -> FloatArray:
        """The pixel (x, y) of the same place on the other side of the face."""
        number, shares = self._triangle(x, y)
        return np.asarray(shares @ self.points[self.chart.opposite[self.chart.triangles[number]]])

    def skin(self, box: Box) -> BoolArray:
        """(row, column) of the part ``box``: inside the face, off eyes, brows and lips."""
        out: Array = np.zeros((box[3], box[2]), np.uint8)
        moved = self.points - box[:2]
        cv2.fillConvexPoly(out, cv2.convexHull(np.round(moved).astype(np.int32)), 1)
        for name in NO_SKIN:
            cv2.fillPoly(out, [np.round(moved[list(self.chart.outlines[name])]).astype(np.int32)], 0)
        return np.asarray(out > 0)

    def region(self, x: float, y: float) -> str | None:
        """The region that holds the pixel, or beside all of them on the face the nearest; None off the face."""
        return region_at(self.points, x, y, self.chart.outlines)

    def _to(self, name: str, x: float, y: float) -> float:
        """From the outline of a region, px; negative inside."""
        return -float(cv2.pointPolygonTest(self.points[list(self.chart.outlines[name])].astype(np.float32), (x, y), True))

    def _triangle(self, x: float, y: float) -> tuple[int, FloatArray]:
        """The triangle that the pixel lies in, of several the nearest to the viewer, else the one it misses by least; and its shares of the corners."""
        corners = self.points[self.chart.triangles]
        a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
        whole = _cross(b - a, c - a)
        whole = np.where(np.abs(whole) < 1e-9, 1e-9, whole)
        here = np.array([x, y])
        shares = np.stack([_cross(b - here, c - here), _cross(c - here, a - here), _cross(a - here, b - here)], axis=1) / whole[:, None]
        outside = np.maximum(-shares.min(axis=1), 0)
        depth = self.chart.points_mm[self.chart.triangles, 2].mean(axis=1)
        if (outside <= 1e-9).any():
            number = int(np.where(outside <= 1e-9, depth, np.inf).argmin())
        else:
            number = int((((corners.mean(axis=1) - here) ** 2).sum(axis=1)).argmin())
        kept = np.clip(shares[number], 0, None)
        return number, np.asarray(kept / kept.sum())


def _to_line(points: FloatArray, x: float, y: float) -> float:
    """From the nearest of some points."""
    return float(np.linalg.norm(points - (x, y), axis=1).min())


def _cross(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
