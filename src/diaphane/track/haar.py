"""Faces by cascades of boosted Haar features: frontal, profile, and profile in the mirror. Need no download: they come with OpenCV.

Where faces are expected only their surroundings are searched, at sizes like theirs; all cascades are asked there. In the whole frame the frontal one is
asked each time, the profiles in turns.

Source: Viola, Jones, CVPR 2001; the cascades ``haarcascade_frontalface_default`` by Lienhart and ``haarcascade_profileface`` by Bradley.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from diaphane.core.arrays import Array, FloatArray
from diaphane.track.detection import Box, Detection, apart, within
from diaphane.track.options import Options

FRONTAL, PROFILE = "haarcascade_frontalface_default.xml", "haarcascade_profileface.xml"
STEP, NEIGHBOURS, NEIGHBOURS_NEAR = 1.1, 5, 3
"""From size to size; and how many neighbouring hits make a face, in the whole frame and where one is expected."""
SMALLEST_PX = 24
"""What the cascades were trained on."""
NEAR_PX, NEAR_SIZES, MARGIN = 64, (0.75, 1.4), 0.45
"""Where a face is expected it is brought to so many pixels, sought at these shares of its size, this share of its side beyond its box."""
SQUARES: dict[str, Box] = {"frontal": (0.08, 0.05, 0.84, 1.0), "right": (0.1, 0.02, 0.8, 0.96), "left": (0.1, 0.02, 0.8, 0.96)}
"""Left, top, width, height of the face (forehead to chin, ear to ear) as shares of the square that a cascade gives, frontal: medians over 12 landmarked
faces of AFLW2000-3D turned by less than 40 degrees."""
FIRST = 2
"""The first frame, or a photo, is searched at so many times the size of the others."""
PROFILE_WEIGHT = 0.7
"""Of a profile's score: that cascade is wrong more often."""


class HaarDetector:
    """Faces upright within some 20 degrees."""

    def __init__(self, options: Options) -> None:
        self.options = options
        folder = Path(cv2.__file__).parent / "data"
        self._frontal, self._profile = (cv2.CascadeClassifier(str(folder / name)) for name in (FRONTAL, PROFILE))
        self._turn = 0

    def __call__(self, frame: Array, near: Sequence[Box] = ()) -> list[Detection]:
        """As ``Detector`` says."""
        return apart([d for d in (self._near(frame, near) if near else self._everywhere(frame)) if d.score >= self.options.min_score])

    def _everywhere(self, frame: Array) -> list[Detection]:
        options = self.options
        long_side = options.long_side_px * (1 if self._turn else FIRST)
        shrink = min(1.0, long_side / max(frame.shape[:2]))
        grey = _grey(frame, shrink)
        smallest = max(SMALLEST_PX, round(options.smallest_face * min(grey.shape)))
        self._turn += 1
        found = [d for side in ("frontal", ("left", "right")[self._turn % 2]) for d in self._found(grey, side, (smallest, max(grey.shape)), NEIGHBOURS)]
        return [_placed(d, 1 / shrink, (0, 0)) for d in found]

    def _near(self, frame: Array, near: Sequence[Box]) -> list[Detection]:
        found: list[Detection] = []
        for x, y, width, height in near:
            side = max(width, height)
            more = MARGIN * side
            x0, y0 = max(0, int(x - more)), max(0, int(y - more))
            part = frame[y0 : max(y0, int(y + height + more)), x0 : max(x0, int(x + width + more))]
            if min(part.shape[:2]) < SMALLEST_PX / 2:
                continue
            scale = NEAR_PX / side
            grey = _grey(part, scale)
            sizes = max(SMALLEST_PX, round(NEAR_SIZES[0] * NEAR_PX)), round(NEAR_SIZES[1] * NEAR_PX)
            for kind in SQUARES:  # a profile is asked for only where no front was found
                here = self._found(grey, kind, sizes, NEIGHBOURS_NEAR)
                if here:
                    found += [_placed(d, 1 / scale, (x0, y0)) for d in here]
                    break
        return found

    def _found(self, grey: Array, side: str, sizes: tuple[int, int], neighbours: int) -> list[Detection]:
        """In pixels of ``grey``."""
        cascade = self._frontal if side == "frontal" else self._profile
        seen = np.ascontiguousarray(grey[:, ::-1]) if side == "right" else grey
        low, high = sizes
        boxes, _, weights = cascade.detectMultiScale3(seen, STEP, neighbours, minSize=(low, low), maxSize=(high, high), outputRejectLevels=True)
        found = []
        for (x, y, width, height), weight in zip(boxes, weights, strict=True):
            left = grey.shape[1] - x - width if side == "right" else x
            score = (1 - math.exp(-max(0.0, float(weight)) / 4)) * (1 if side == "frontal" else PROFILE_WEIGHT)
            found.append(Detection(within(np.array([left, y, width, height], float), SQUARES[side]), score))
        return found


def _grey(frame: Array, scale: float) -> Array:
    size = max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale))
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR) if scale != 1 else frame
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))


def _placed(found: Detection, scale: float, corner: tuple[int, int]) -> Detection:
    """In pixels of the frame."""
    box: FloatArray = np.array(found.box_px) * scale
    return Detection((float(box[0]) + corner[0], float(box[1]) + corner[1], float(box[2]), float(box[3])), found.score)
