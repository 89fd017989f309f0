"""One frame's pose from points whose places on the scan are known.

Source: Terzakis, Lourakis, SQPnP, ECCV 2020 (start); Gauss-Newton with Geman and McClure's weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from diaphane.core.arrays import BoolArray, FloatArray
from diaphane.core.camera import Camera
from diaphane.core.transform import RigidTransform
from diaphane.ops.projection import project, slopes

ROUNDS, TAIL = 10, 3.0
NEAREST_MM, FURTHEST_MM = 100.0, 3000.0
"""Between which a face is registered."""


@dataclass(frozen=True, slots=True)
class Posed:
    """And how well it is known."""

    pose: RigidTransform
    """Scan to camera."""
    covariance: FloatArray
    """(6, 6): turn (rad) about the middle and its place (mm), from the pixels' noise alone."""
    off: FloatArray
    """(n,): of the points, in standard deviations."""

    @property
    def agreeing(self) -> BoolArray:
        """(n,)."""
        return np.asarray(self.off < TAIL)


def first_pose(points: FloatArray, pixels: FloatArray, camera: Camera) -> RigidTransform | None:
    """From points (n, 3) of the scan and where they are seen (n, 2); None where nothing in front of the camera explains them."""
    try:
        solved, turn, place = cv2.solvePnP(
            np.ascontiguousarray(points), np.ascontiguousarray(pixels), camera.matrix, camera.coefficients, flags=cv2.SOLVEPNP_SQPNP
        )
    except cv2.error:
        return None
    if not solved or not np.isfinite(place).all() or not np.isfinite(turn).all():
        return None
    return RigidTransform(np.asarray(cv2.Rodrigues(turn)[0], float), np.asarray(place, float).ravel())


def refined(pose: RigidTransform, points: FloatArray, pixels: FloatArray, root: FloatArray, camera: Camera, *, middle: FloatArray) -> Posed | None:
    """``pose`` moved until points (n, 3) fall on pixels (n, 2), whose information has the square root ``root`` (n, 2, 2).

    None where the points say too little, or the face would be nearer than ``NEAREST_MM`` or further than ``FURTHEST_MM``.
    """
    rotation, place = pose.rotation, pose(middle)
    information, off = np.eye(6), np.zeros(len(points))
    for n in range(ROUNDS):
        arms = (points - middle) @ rotation.T
        placed = arms + place
        if not NEAREST_MM < place[2] < FURTHEST_MM or not (placed[:, 2] > 1).all():
            return None
        seen, _ = slopes(placed, camera)
        seen = root @ seen
        wrong = np.einsum("oab,ob->oa", root, pixels - project(placed, camera))
        off = np.linalg.norm(wrong, axis=1)
        scale = max(1.0, float(np.median(off)) / TAIL) if n < ROUNDS // 2 else 1.0
        weight = (1 / (1 + (off / TAIL / scale) ** 2))[:, None, None]
        jacobian = np.concatenate([np.cross(arms[:, None], seen), seen], axis=2) * weight
        flat = jacobian.reshape(-1, 6)
        information = flat.T @ flat
        if np.linalg.eigvalsh(information)[0] < 1e-9:
            return None
        step = np.linalg.solve(information, flat.T @ (wrong * weight[..., 0]).ravel())
        rotation, place = cv2.Rodrigues(step[:3])[0] @ rotation, place + step[3:]
        if np.abs(step[:3]).max() < 1e-6 and np.abs(step[3:]).max() < 1e-3:
            break
    return Posed(RigidTransform(rotation, place - rotation @ middle), np.linalg.inv(information), off)
