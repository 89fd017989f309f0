"""How a part of the picture moved from one frame to the next: corners, followed both ways, and the similarity that most of them agree on.

Only the part around the face is looked at, at a size at which the face has ``FACE_PX`` pixels: the same work for a near face and for a far one.

Source: Shi, Tomasi, CVPR 1994; Lucas, Kanade, IJCAI 1981, pyramids by Bouguet, 2000; forward-backward check by Kalal et al., ICPR 2010.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from diaphane.core.arrays import Array, FloatArray
from diaphane.track.detection import Box

FACE_PX = 72
LARGEST_SCALE = 2.0
AROUND = 0.5
"""Of the box's longer side, on each side: how far a face may move between two frames, about."""
CORNERS, QUALITY, APART_PX = 48, 0.02, 4
WINDOW, LEVELS = (13, 13), 2
RETURN_PX = 1.0
"""A corner counts that comes back to within this when it is followed backwards."""
FIT_PX = 1.5
"""A corner agrees with the motion when it lands within this of where the motion says."""
FEWEST = 8
SHRINK = (0.7, 1.4)
"""Larger changes of size from one frame to the next are none of a face."""


@dataclass(frozen=True, slots=True)
class Motion:
    """A similarity, and how many corners agree on it."""

    matrix: FloatArray
    """(2, 3): pixels of the frame before to pixels of this one."""
    agreed: float
    """Share of the corners that were followed and agree, 0-1."""

    @property
    def scale(self) -> float:
        """How much larger things are now."""
        return float(np.hypot(self.matrix[0, 0], self.matrix[1, 0]))

    def box(self, box: Box) -> Box:
        """``box`` moved: its middle by the similarity, its size by the scale; it stays upright."""
        x, y, width, height = box
        middle = self.matrix[:, :2] @ (x + width / 2, y + height / 2) + self.matrix[:, 2]
        width, height = width * self.scale, height * self.scale
        return float(middle[0]) - width / 2, float(middle[1]) - height / 2, width, height


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a frame at the working size."""

    x: int
    y: int
    width: int
    height: int
    scale: float

    @classmethod
    def around(cls, box: Box, shape: tuple[int, ...], face_px: float = FACE_PX) -> Window | None:
        """Around ``box`` within a frame; None where they do not meet."""
        side = max(box[2], box[3])
        more = AROUND * side
        x0, y0 = max(0, int(box[0] - more)), max(0, int(box[1] - more))
        x1, y1 = min(shape[1], int(box[0] + box[2] + more)), min(shape[0], int(box[1] + box[3] + more))
        if x1 - x0 < 8 or y1 - y0 < 8:
            return None
        return cls(x0, y0, x1 - x0, y1 - y0, min(LARGEST_SCALE, face_px / side))

    def cut(self, grey: Array) -> Array:
        """The part, at its size."""
        part = grey[self.y : self.y + self.height, self.x : self.x + self.width]
        size = max(8, round(self.width * self.scale)), max(8, round(self.height * self.scale))
        return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA if self.scale < 1 else cv2.INTER_LINEAR))

    def outwards(self, points: FloatArray) -> FloatArray:
        """Points of the part in pixels of the frame."""
        return np.asarray(points / self.scale + (self.x, self.y))

    def inwards(self, points: FloatArray) -> FloatArray:
        """The way back."""
        return np.asarray((points - (self.x, self.y)) * self.scale)


def motion(before: Array, now: Array, box: Box) -> Motion | None:
    """How the inside of ``box`` moved between two grey frames; None where too little can be followed."""
    window = Window.around(box, before.shape)
    if window is None or before.shape != now.shape:
        return None
    then = window.cut(before)
    corners = corners_in(then, window, box)
    if len(corners) < FEWEST:
        return None
    landed, good = followed(then, window.cut(now), corners)
    return agreed(window.outwards(corners[good]), window.outwards(landed[good]), FIT_PX / window.scale, len(corners))


def corners_in(part: Array, window: Window, box: Box, most: int = CORNERS) -> FloatArray:
    """(n, 2): the best corners inside the ellipse of ``box``, in pixels of the part."""
    mask = np.zeros(part.shape, np.uint8)
    centre = window.inwards(np.array([box[0] + box[2] / 2, box[1] + box[3] / 2]))
    axes = max(1, round(0.5 * box[2] * window.scale)), max(1, round(0.5 * box[3] * window.scale))
    cv2.ellipse(mask, (round(float(centre[0])), round(float(centre[1]))), axes, 0, 0, 360, 255, -1)
    found = cv2.goodFeaturesToTrack(part, most, QUALITY, APART_PX, mask=mask)
    return np.empty((0, 2), np.float32) if found is None else np.asarray(found[:, 0], np.float32)


def followed(before: Array, now: Array, points: FloatArray) -> tuple[FloatArray, Array]:
    """Where ``points`` (n, 2) are now, and which of them come back where they began when they are followed backwards."""
    begun = points.astype(np.float32)[:, None]
    landed, there, _ = cv2.calcOpticalFlowPyrLK(before, now, begun, begun.copy(), winSize=WINDOW, maxLevel=LEVELS)
    back, here, _ = cv2.calcOpticalFlowPyrLK(now, before, landed, begun.copy(), winSize=WINDOW, maxLevel=LEVELS)
    off = np.linalg.norm(back - begun, axis=2)[:, 0]
    return np.asarray(landed[:, 0], np.float32), (there[:, 0] == 1) & (here[:, 0] == 1) & (off < RETURN_PX)


def agreed(begun: FloatArray, landed: FloatArray, fit: float, of: int) -> Motion | None:
    """The similarity on which most pairs of points agree to within ``fit``; ``of``: how many there were before any was lost."""
    if len(begun) < FEWEST:
        return None
    matrix, inside = cv2.estimateAffinePartial2D(begun, landed, method=cv2.RANSAC, ransacReprojThreshold=fit, maxIters=200, confidence=0.99)
    if matrix is None or inside.sum() < FEWEST:
        return None
    found = Motion(np.asarray(matrix, float), float(inside.sum()) / of)
    return found if SHRINK[0] < found.scale < SHRINK[1] else None
