"""Faces near the camera by BlazeFace (short range), the detector that the mesh network was made to go with.

Source: Bazarevsky et al., BlazeFace, 2019. 896 anchors on grids of 16x16 (two each) and 8x8 (six each) over 128x128 pixels; for each anchor the
network says a score, a box and six points: right eye, left eye, nose, mouth, right ear, left ear (the person's own sides).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from diaphane.core.arrays import Array, FloatArray
from diaphane.engine.foreign import TfliteNetwork
from diaphane.engine.pinned import LANDMARKER
from diaphane.track.detection import Box, Detection, overlaps, within
from diaphane.track.landmarker import member
from diaphane.track.single_stage import letterboxed

SIDE = 128
GRIDS = ((16, 2), (8, 6))
LOW = 0.3
SAME_FACE = 0.3
LARGEST = 100.0
FACE: Box = (0.02, -0.15, 0.93, 1.17)
"""As in ``single_stage``."""


class BlazeFaceDetector:
    """Faces from about a tenth of the frame on.

    Raises:
        NotPulledError: The weights are not here.
    """

    def __init__(self) -> None:
        self._network = TfliteNetwork(member("face_detector.tflite"), ("classificators", "regressors"), LANDMARKER.name)
        self._anchors = anchors()

    def __call__(self, frame: Array, near: Sequence[Box] = ()) -> list[Detection]:
        """As ``Detector`` says; it always looks everywhere."""
        small, scale = letterboxed(frame, SIDE, SIDE)
        said, places = self._network((small.astype(np.float32) - 127.5) / 127.5)
        return decoded(said, places.reshape(-1, 16), self._anchors, scale)


def anchors() -> FloatArray:
    """(896, 2): the middle of each anchor, x and y in pixels of the 128 x 128."""
    grids = []
    for cells, each in GRIDS:
        middles = (np.arange(cells) + 0.5) * SIDE / cells
        y, x = np.meshgrid(middles, middles, indexing="ij")
        grids.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), each, axis=0))
    return np.concatenate(grids)


def decoded(said: FloatArray, places: FloatArray, middles: FloatArray, scale: float) -> list[Detection]:
    """The faces, best first; boxes that overlap are averaged by their scores, as the network's makers do it: less jitter than picking one."""
    scores = 1 / (1 + np.exp(-np.clip(said.astype(float), -LARGEST, LARGEST)))
    strong = np.flatnonzero(scores >= LOW)
    if not strong.size:
        return []
    shifts = places[strong].astype(float)
    points = shifts[:, 4:].reshape(-1, 6, 2) + middles[strong][:, None]
    centre, size = shifts[:, :2] + middles[strong], shifts[:, 2:4]
    boxes = np.concatenate([centre - size / 2, size], axis=1)
    return _averaged(boxes / scale, points / scale, scores[strong].astype(float))


def _averaged(boxes: FloatArray, points: FloatArray, scores: FloatArray) -> list[Detection]:
    order, found = np.argsort(-scores, kind="stable"), []
    while order.size:
        alike = overlaps(boxes[order[:1]], boxes[order])[0] > SAME_FACE
        alike[0] = True
        group = order[alike]
        weights = scores[group] / scores[group].sum()
        eyes = np.tensordot(weights, points[group, :2], axes=1)
        across = eyes[1] - eyes[0]
        found.append(Detection(within(weights @ boxes[group], FACE), float(scores[order[0]]), float(np.arctan2(across[1], across[0]))))
        order = order[~alike]
    return found
