"""Faces by a cascade of boosted Haar features. Needs no download: the cascade comes with OpenCV.

Source: Viola, Jones, CVPR 2001; the cascade ``haarcascade_frontalface_default`` by Lienhart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from diaphane.core.arrays import Array
from diaphane.ops.resample import resample
from diaphane.track.options import Options

CASCADE = "haarcascade_frontalface_default.xml"
NEIGHBOURS = 5
WITHIN = (0.08, 0.05, 0.84, 1.0)
"""Left, top, width, height of the face (forehead to chin, ear to ear) as shares of the square that the cascade gives:
medians over 12 landmarked faces of AFLW2000-3D turned by less than 40 degrees."""


SAME = 0.3
"""Intersection over union from which two boxes are of one face."""
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Detection:
    """A face in one frame."""

    box_px: Box
    """x, y, width, height: forehead to chin, ear to ear."""
    score: float
    """0-1: 1 - exp(-w / 4) of the cascade's last stage's weight w."""


class HaarDetector:
    """Frontal faces, upright within some 20 degrees."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._cascade = cv2.CascadeClassifier(str(Path(cv2.__file__).parent / "data" / CASCADE))

    def __call__(self, frame: Array) -> list[Detection]:
        """The faces in ``frame`` (row, column, 3) RGB uint8; best first."""
        options = self.options
        shrink = min(1.0, options.long_side_px / max(frame.shape[:2]))
        rows, columns = (max(1, round(n * shrink)) for n in frame.shape[:2])
        small = resample(frame, rows, columns)
        grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
        smallest = max(24, round(options.smallest_face * min(rows, columns)))
        boxes, _, weights = self._cascade.detectMultiScale3(grey, 1.1, NEIGHBOURS, minSize=(smallest, smallest), outputRejectLevels=True)
        found = [Detection(_face(box, columns / frame.shape[1]), 1 - math.exp(-max(0.0, float(w)) / 4)) for box, w in zip(boxes, weights, strict=True)]
        return _apart(sorted((d for d in found if d.score >= options.min_score), key=lambda d: -d.score))


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes (x, y, width, height)."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    both = max(0.0, width) * max(0.0, height)
    return both / (a[2] * a[3] + b[2] * b[3] - both)


def _apart(best_first: Sequence[Detection]) -> list[Detection]:
    """Without those that overlap a better one: two faces do not lie in one place."""
    kept: list[Detection] = []
    for detection in best_first:
        if all(overlap(detection.box_px, better.box_px) < SAME for better in kept):
            kept.append(detection)
    return kept


def _face(square: Sequence[int], shrink: float) -> Box:
    """The face in the cascade's ``square``, in the frame's own pixels."""
    x, y, side, _ = (float(v) / shrink for v in square)
    left, top, width, height = WITHIN
    return x + left * side, y + top * side, width * side, height * side
