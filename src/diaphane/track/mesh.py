"""478 points on a face, from a square around it: the face mesh network, with the cutting and placing around it.

Source: Kartynnik et al., Real-time Facial Surface Geometry from Monocular Video, 2019; Grishchenko et al., Attention Mesh, 2020 (the points of eyes,
lips and irises). The square is one and a half times the face's longer side and stands upright on it: the eyes are level in what the network sees.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from diaphane.core.arrays import Array, FloatArray
from diaphane.engine.foreign import TfliteNetwork
from diaphane.engine.pinned import LANDMARKER
from diaphane.track.detection import Box
from diaphane.track.landmarker import member

SIDE, POINTS = 256, 478
AROUND = 1.5
RIGHT_EYE, LEFT_EYE = 33, 263
"""Outer corners; the person's own sides."""


@dataclass(frozen=True, slots=True)
class Square:
    """A turned square of a frame."""

    x: float
    y: float
    """Its middle."""
    side: float
    roll_rad: float

    @classmethod
    def around(cls, box: Box, roll_rad: float) -> Square:
        """That of a face's box."""
        x, y, width, height = box
        return cls(x + width / 2, y + height / 2, AROUND * max(width, height), roll_rad)

    @classmethod
    def about(cls, points: FloatArray) -> Square:
        """That of a face's points (n, 2)."""
        across = points[LEFT_EYE] - points[RIGHT_EYE]
        roll = float(np.arctan2(across[1], across[0]))
        along = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])
        turned = points @ along.T
        low, high = turned.min(axis=0), turned.max(axis=0)
        middle = (low + high) / 2 @ along
        return cls(float(middle[0]), float(middle[1]), AROUND * float((high - low).max()), roll)

    @property
    def to_frame(self) -> FloatArray:
        """(2, 3): pixels of what the network sees to pixels of the frame; the middle of the first pixel is 0 in both."""
        size = self.side / SIDE
        cos, sin = np.cos(self.roll_rad) * size, np.sin(self.roll_rad) * size
        half = (SIDE - 1) / 2
        return np.array([[cos, -sin, self.x - half * (cos - sin)], [sin, cos, self.y - half * (sin + cos)]])

    def cut(self, frame: Array) -> Array:
        """(256, 256, 3) float32, 0-1; black beyond the frame."""
        source = frame
        to_frame = self.to_frame
        if self.side > 2 * SIDE:  # sampling alone would leave out pixels
            shrink = SIDE / self.side * 1.5
            source = cv2.resize(frame, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
            to_frame = to_frame * shrink
            to_frame[:, 2] += (shrink - 1) / 2  # pixels are shrunk about their corners, and 0 is the middle of the first
        near = cv2.warpAffine(source, to_frame, (SIDE, SIDE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        return np.asarray(near.astype(np.float32) * np.float32(1 / 255))


class Mesh:
    """The network, loaded.

    Raises:
        NotPulledError: The weights are not here.
    """

    def __init__(self) -> None:
        self._network = TfliteNetwork(member("face_landmarks_detector.tflite"), ("Identity", "Identity_1"), LANDMARKER.name)

    def __call__(self, frame: Array, square: Square) -> tuple[FloatArray, float]:
        """(478, 2) in pixels of ``frame``, and how sure it is that there is a face, 0-1."""
        points, said = self._network(square.cut(frame))
        places = points.reshape(POINTS, 3)[:, :2].astype(float)
        to = square.to_frame
        return np.asarray(places @ to[:, :2].T + to[:, 2]), float(1 / (1 + np.exp(-np.clip(float(said[0]), -50, 50))))


def face_box(points: FloatArray) -> Box:
    """Forehead to chin, ear to ear."""
    low, high = points.min(axis=0), points.max(axis=0)
    return float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1])
