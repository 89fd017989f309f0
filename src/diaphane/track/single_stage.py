"""Faces by a single-stage detection network: boxes at 4420 places and sizes, scored in one pass.

The network looks at 320x240 pixels. A frame of another shape is padded with grey.

Source: Liu et al., SSD, ECCV 2016; the network "RFB-320" of Ultra-Light-Fast-Generic-Face-Detector-1MB. Its file turns what it
says about each prior box into corners itself, as shares of the picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from diaphane.core.arrays import Array, FloatArray
from diaphane.engine.foreign import onnx_network
from diaphane.engine.pinned import RFB
from diaphane.track.detection import SAME, Box, Detection, overlaps, suppressed, within

ROWS, COLUMNS = 240, 320
MEAN, SCALE = 127.0, 1 / 128
LOW = 0.2
"""Below this score nothing is told; association has uses for weak ones."""
FACE: Box = (-0.01, 0.09, 1.03, 0.91)
"""The face as the mesh network has it, in shares of the box that this network gives: medians over 50 frames and stills of 6 people."""
LOOK_AGAIN = (0.35, 0.8)
"""Scores between which a face is doubtful."""
AROUND = 3.0
"""A doubtful face is looked at again within a square of so many times its longer side."""
SECOND_LOOKS = 2
"""In a frame, at most."""


class SingleStageDetector:
    """One face or many, from some 10 pixels of the 320x240 that the network sees.

    The best doubtful faces are looked at again from another distance, and both scores averaged: what is no face seldom looks like one twice.

    Raises:
        NotPulledError: The weights are not here.
    """

    def __init__(self, smallest_face: float = 0.0) -> None:
        self._network, self._smallest = onnx_network(RFB), smallest_face

    def __call__(self, frame: Array, near: Sequence[Box] = ()) -> list[Detection]:
        """As ``Detector`` says; it always looks everywhere."""
        small, scale = letterboxed(frame, ROWS, COLUMNS)
        (found,) = self._network(_normal(small))
        boxes, scores = decoded(found[0], scale, (0, 0))
        keep = suppressed(boxes, scores)
        keep = keep[boxes[keep, 3] >= self._smallest * min(frame.shape[:2])]
        boxes, scores = boxes[keep], scores[keep]
        doubtful = np.flatnonzero((scores >= LOOK_AGAIN[0]) & (scores < LOOK_AGAIN[1]))[:SECOND_LOOKS]
        for n in doubtful:
            scores[n] = (scores[n] + self._again(frame, boxes[n])) / 2
        return sorted((Detection(within(box, FACE), float(score)) for box, score in zip(boxes, scores, strict=True)), key=lambda d: -d.score)

    def _again(self, frame: Array, box: FloatArray) -> float:
        """How sure the network is of the face in ``box`` where that is all it sees, with some of what is around."""
        side = AROUND * float(box[2:].max())
        corner = box[:2] + box[2:] / 2 - np.array([side * COLUMNS / ROWS, side]) / 2
        scale = ROWS / side
        to = np.array([[scale, 0, -corner[0] * scale], [0, scale, -corner[1] * scale]])
        near = cv2.warpAffine(frame, to, (COLUMNS, ROWS), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        (found,) = self._network(_normal(near))
        boxes, scores = decoded(found[0], scale, (float(corner[0]), float(corner[1])))
        same = overlaps(box[None], boxes)[0] > SAME
        return float(scores[same].max(initial=0.0))


def _normal(picture: Array) -> FloatArray:
    return np.asarray((picture[None].astype(np.float32) - MEAN) * SCALE)


def letterboxed(part: Array, rows: int, columns: int) -> tuple[Array, float]:
    """``part`` in the upper left of ``rows`` x ``columns`` pixels, grey beyond it; and how many of those one of its own pixels is."""
    scale = min(rows / part.shape[0], columns / part.shape[1])
    size = max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale))
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    if small.shape[:2] == (rows, columns):
        return small, scale
    return cv2.copyMakeBorder(small, 0, rows - size[1], 0, columns - size[0], cv2.BORDER_CONSTANT, value=(127, 127, 127)), scale


def decoded(found: FloatArray, scale: float, origin: tuple[float, float]) -> tuple[FloatArray, FloatArray]:
    """(x, y, width, height) in pixels of the frame, and scores, of the rows of ``found`` (background, face, left, top, right, bottom) that score ``LOW``."""
    strong = found[found[:, 1] >= LOW]
    corners = strong[:, 2:].astype(float) * (COLUMNS, ROWS, COLUMNS, ROWS) / scale
    boxes = np.concatenate([corners[:, :2] + origin, corners[:, 2:] - corners[:, :2]], axis=1)
    return boxes, strong[:, 1].astype(float)
