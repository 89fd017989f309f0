"""Faces by a cascade of three networks, each small where the next is sure: proposals on a pyramid, refined, then judged.

Slower than the single stage by far and no better on small faces; it gives a second opinion of another make.

Source: Zhang et al., Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks, SPL 2016. The networks here take
pictures with rows and columns exchanged.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from diaphane.core.arrays import Array, FloatArray
from diaphane.engine.foreign import OnnxNetwork, onnx_network
from diaphane.engine.pinned import OUTPUT, PROPOSAL, REFINEMENT
from diaphane.track.detection import Box, Detection, suppressed, within

CELL, STRIDE = 12, 2
"""Pixels that a proposal sees, and steps between proposals."""
STEP = 0.709
"""Of the pyramid: half the area each time."""
SURE = (0.6, 0.7, 0.7)
"""Scores from which a box goes on, a stage."""
MEAN, SCALE = 127.5, 1 / 128
FACE: Box = (0.0, 0.0, 1.0, 1.0)


class CascadeDetector:
    """Faces from ``smallest`` of the frame's shorter side on.

    Raises:
        NotPulledError: The weights are not here.
    """

    def __init__(self, smallest: float) -> None:
        self._smallest = smallest
        self._proposal, self._refinement, self._output = (onnx_network(p) for p in (PROPOSAL, REFINEMENT, OUTPUT))

    def __call__(self, frame: Array, near: Sequence[Box] = ()) -> list[Detection]:
        """As ``Detector`` says; it always looks everywhere."""
        boxes, scores = self._proposed(frame)
        boxes, scores = _judged(self._refinement, frame, boxes, 24, SURE[1])
        boxes, scores = boxes[keep := suppressed(boxes, scores, 0.7)], scores[keep]
        boxes, scores = _judged(self._output, frame, boxes, 48, SURE[2])
        return [Detection(within(boxes[n], FACE), float(scores[n])) for n in suppressed(boxes, scores, 0.4)]

    def _proposed(self, frame: Array) -> tuple[FloatArray, FloatArray]:
        shorter = min(frame.shape[:2])
        smallest = max(CELL, self._smallest * shorter)
        found: list[tuple[FloatArray, FloatArray]] = [(np.empty((0, 4)), np.empty(0))]
        scale = CELL / smallest
        while shorter * scale >= CELL:
            found.append(_proposals(self._proposal, frame, scale))
            scale *= STEP
        boxes, scores = np.concatenate([b for b, _ in found]), np.concatenate([s for _, s in found])
        keep = suppressed(boxes, scores, 0.7)
        return boxes[keep], scores[keep]


def _proposals(network: OnnxNetwork, frame: Array, scale: float) -> tuple[FloatArray, FloatArray]:
    """At one level of the pyramid."""
    size = int(np.ceil(frame.shape[1] * scale)), int(np.ceil(frame.shape[0] * scale))
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    shifts, said = network(_normal(small[None]))
    face = said[0, ..., 1]  # (column, row)
    columns, rows = np.nonzero(face >= SURE[0])
    corners = np.stack([columns, rows], axis=1) * STRIDE / scale
    boxes = np.concatenate([corners, np.full((len(corners), 2), CELL / scale)], axis=1)
    boxes, scores = moved(boxes, shifts[0, columns, rows]), face[columns, rows].astype(float)
    keep = suppressed(boxes, scores, 0.5)
    return boxes[keep], scores[keep]


def _judged(network: OnnxNetwork, frame: Array, boxes: FloatArray, side: int, sure: float) -> tuple[FloatArray, FloatArray]:
    """What the network says of the square around each box: those that it is ``sure`` of, moved as it wants."""
    if not len(boxes):
        return boxes, np.empty(0)
    squares = squared(boxes)
    pictures = np.stack([cut(frame, square, side) for square in squares])
    said = network(_normal(pictures))
    shifts, scores = said[0], said[-1][:, 1].astype(float)
    strong = scores > sure
    return moved(squares[strong], shifts[strong]), scores[strong]


def _normal(pictures: Array) -> FloatArray:
    return ((pictures.astype(np.float32) - MEAN) * SCALE).transpose(0, 2, 1, 3)


def squared(boxes: FloatArray) -> FloatArray:
    """Each box's square of its longer side, about the same middle."""
    side = boxes[:, 2:].max(axis=1, keepdims=True)
    return np.concatenate([boxes[:, :2] + (boxes[:, 2:] - side) / 2, side, side], axis=1)


def moved(boxes: FloatArray, shifts: FloatArray) -> FloatArray:
    """With each edge (left, top, right, bottom) moved by so many widths or heights."""
    edges = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1) + shifts * boxes[:, [2, 3, 2, 3]]
    return np.concatenate([edges[:, :2], np.maximum(edges[:, 2:] - edges[:, :2], 1)], axis=1)


def cut(frame: Array, box: FloatArray, side: int) -> Array:
    """The square ``box`` of ``frame`` as ``side`` x ``side`` pixels; black where it reaches beyond the frame."""
    x, y, width, _ = box
    scale = side / width
    x0, y0, x1, y1 = int(np.floor(x)), int(np.floor(y)), int(np.ceil(x + width)), int(np.ceil(y + width))
    if scale < 1 and x0 >= 0 and y0 >= 0 and x1 <= frame.shape[1] and y1 <= frame.shape[0]:
        return cv2.resize(frame[y0:y1, x0:x1], (side, side), interpolation=cv2.INTER_AREA)
    to = np.array([[scale, 0, (0.5 - x) * scale - 0.5], [0, scale, (0.5 - y) * scale - 0.5]])
    return cv2.warpAffine(frame, to, (side, side), flags=cv2.INTER_LINEAR)
