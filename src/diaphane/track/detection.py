"""A face in one frame, what every detector gives, and what boxes have to do with one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from diaphane.core.arrays import Array, FloatArray, IntArray

Box = tuple[float, float, float, float]
"""x, y, width, height in pixels."""
SAME = 0.3
"""Intersection over union from which two boxes are of one face."""


@dataclass(frozen=True, slots=True)
class Detection:
    """A face in one frame."""

    box_px: Box
    """Forehead to chin, ear to ear."""
    score: float
    """0-1, on the scale of its detector."""
    roll_rad: float = 0.0
    """How far the face is turned in the picture's plane, clockwise; 0 where the detector does not say."""
    points: FloatArray | None = None
    """(478, 2) landmarks of the mesh, where the detector gives them."""


class Detector(Protocol):
    """Finds faces in one frame, without memory of the frames before."""

    def __call__(self, frame: Array, near: Sequence[Box] = (), /) -> list[Detection]:
        """The faces in ``frame`` (row, column, 3) RGB uint8, best first, in its own pixels; no two of one face.

        With ``near``, boxes where faces are expected, it may leave the rest of the frame out.
        """


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes; 0 where both are empty."""
    return float(overlaps([a], [b])[0, 0])


def overlaps(a: Sequence[Box] | FloatArray, b: Sequence[Box] | FloatArray) -> FloatArray:
    """(len(a), len(b)): intersection over union of each with each."""
    left, right = np.asarray(a, float).reshape(-1, 1, 4), np.asarray(b, float).reshape(1, -1, 4)
    low = np.maximum(left[..., :2], right[..., :2])
    high = np.minimum(left[..., :2] + left[..., 2:], right[..., :2] + right[..., 2:])
    both = np.prod(np.maximum(high - low, 0), axis=-1)
    either = np.prod(left[..., 2:], axis=-1) + np.prod(right[..., 2:], axis=-1) - both
    return np.asarray(np.divide(both, either, out=np.zeros_like(both), where=either > 0))


def suppressed(boxes: FloatArray, scores: FloatArray, limit: float = SAME) -> IntArray:
    """Which of ``boxes`` (n, 4) stand, best first: those that overlap no better one that stands by more than ``limit``.

    Source: greedy non-maximum suppression, as in Felzenszwalb et al., PAMI 2010, 3.
    """
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while order.size:
        kept.append(int(order[0]))
        order = order[1:][overlaps(boxes[order[:1]], boxes[order[1:]])[0] <= limit]
    return np.array(kept, int)


def apart(detections: Sequence[Detection], limit: float = SAME) -> list[Detection]:
    """Best first, without those that overlap a better one: two faces do not lie in one place."""
    if not detections:
        return []
    kept = suppressed(np.array([d.box_px for d in detections]), np.array([d.score for d in detections]), limit)
    return [detections[n] for n in kept]


def within(box: FloatArray, shares: Box) -> Box:
    """The part of ``box`` (x, y, width, height) that lies at ``shares`` (left, top, width, height) of it; shares may reach beyond it."""
    x, y, width, height = (float(v) for v in box)
    left, top, wide, high = shares
    return x + left * width, y + top * height, wide * width, high * height


def resized(box: Box, factor: float) -> Box:
    """``box`` about the same middle, its sides so many times as long."""
    x, y, width, height = box
    return x + width * (1 - factor) / 2, y + height * (1 - factor) / 2, width * factor, height * factor
