"""Where the head is and how it is turned: the rigid motion that lays the canonical face on the landmarks seen.

A start from a closed form, then least squares on the reprojection of all points. The canonical face is an average one: a real one is larger or smaller
by some per cent, and the distance with it.

Source: Terzakis, Lourakis, SQPnP, ECCV 2020 (start); Hartley, Zisserman, Multiple View Geometry, A6 (least squares and covariance).
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from diaphane.core.arrays import FloatArray
from diaphane.core.camera import Camera
from diaphane.core.face import Face, HeadPose
from diaphane.errors import UsageError
from diaphane.track.canonical import POINTS, canonical_face

OUTLINE = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
"""The face's edge, where it ends in the picture: the network's points slide along the skin there when the head turns, and do not count."""
INNER = np.setdiff1d(np.arange(POINTS), OUTLINE)
START = INNER[::8]
"""Points that the closed form sees."""
ROUNDS, ENOUGH = 8, 1e-6
FURTHEST_MM = 10_000.0
"""A head is no further away than this."""
FREE = 30.0
"""Landmarks err together, not each by itself: all of them say as much as so many that err alone."""


class Poser:
    """Gives faces with landmarks a head pose, by ``camera`` or a guess."""

    def __init__(self, camera: Camera | None) -> None:
        self._camera = camera
        self._sized: Camera | None = None
        self._size = (0, 0)

    def __call__(self, face: Face, shape: tuple[int, ...]) -> Face:
        """``face``, posed; as it is where it has no landmarks, no pose explains them, or the frame has another shape than the camera's."""
        camera = self._of_size(shape[1], shape[0])
        if face.landmarks_px is None or camera is None:
            return face
        return replace(face, pose=head_pose(np.asarray(face.landmarks_px), camera))

    def _of_size(self, width: int, height: int) -> Camera | None:
        if (width, height) != self._size:
            self._size = (width, height)
            try:
                self._sized = Camera.guessed(width, height) if self._camera is None else self._camera.of_size(width, height)
            except UsageError:
                self._sized = None
        return self._sized


def head_pose(landmarks: FloatArray, camera: Camera) -> HeadPose | None:
    """The pose of 478 landmarks (n, 2) in pixels; None where there is none in front of the camera."""
    face = canonical_face()
    seen = np.ascontiguousarray(landmarks[:POINTS], float)
    try:
        solved, turn, place = cv2.solvePnP(face.points_mm[START].copy(), seen[START].copy(), camera.matrix, camera.coefficients, flags=cv2.SOLVEPNP_SQPNP)
    except cv2.error:
        return None
    if not solved:
        return None
    state, information, error = _refined(np.concatenate([turn.ravel(), place.ravel()]), face.points_mm[INNER], seen[INNER], camera)
    if not np.isfinite(state).all() or not 0 < state[5] < FURTHEST_MM:
        return None
    spread = np.linalg.pinv(information) * error * len(INNER) / FREE
    rotation, _ = cv2.Rodrigues(state[:3])
    turn_sd, place_sd = (float(np.sqrt(np.trace(part))) for part in (spread[:3, :3], spread[3:, 3:]))
    return HeadPose(np.asarray(rotation, float), state[3:], float(np.degrees(turn_sd)), place_sd, camera.is_guess)


def _refined(state: FloatArray, points: FloatArray, seen: FloatArray, camera: Camera) -> tuple[FloatArray, FloatArray, float]:
    """Rotation vector and place by Gauss-Newton; the information that they rest on, and the mean square error."""
    information: FloatArray = np.eye(6)
    error = 0.0
    for _ in range(ROUNDS):
        expected, jacobian = cv2.projectPoints(points, state[:3], state[3:], camera.matrix, camera.coefficients)
        off = (seen - expected[:, 0]).ravel()
        slope = jacobian[:, :6]
        information = slope.T @ slope
        error = float((off**2).mean())
        step = np.linalg.lstsq(information, slope.T @ off, rcond=None)[0]
        state = state + step
        if np.abs(step[:3]).max() < ENOUGH:
            break
    return state, information, error
