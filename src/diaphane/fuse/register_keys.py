"""Key frames: few, sharp, and seen from sides and distances as different as the clip has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from diaphane.core.arrays import Array, FloatArray
from diaphane.core.camera import Camera
from diaphane.core.transform import RigidTransform
from diaphane.fuse.register_anchors import POINTS, Anchors
from diaphane.fuse.register_patches import Picture
from diaphane.fuse.register_pose import first_pose, refined

LANDMARK_PX = 2.0
"""Standard deviation of a landmark in frames in which the face has ``FACE_PX``."""
FACE_PX = 180.0
TURN_DEG, CLOSER = 12.0, 0.12
"""Turns and changes of distance that make frames as different as one another."""
FAR = 2.5
"""Standard deviations, in the mean, that landmarks may be off a key frame's first pose."""


@dataclass(frozen=True, slots=True)
class Glimpse:
    """A frame with the landmarks of its face and a first pose from them."""

    frame: int
    picture: Array
    landmarks_px: FloatArray
    pose: RigidTransform
    off: float
    """Mean distance of the landmarks from where the pose has them, in standard deviations."""
    sharp: float
    """0-1."""

    @property
    def sd_px(self) -> float:
        """Of a landmark."""
        return landmark_sd_px(self.landmarks_px)


@dataclass(frozen=True, slots=True)
class Key:
    """A glimpse, prepared to be compared with others."""

    glimpse: Glimpse
    levels: Picture


def landmark_sd_px(landmarks: FloatArray) -> float:
    """The larger the face, the further off."""
    return LANDMARK_PX * max(0.3, float(np.ptp(landmarks[:POINTS, 1])) / FACE_PX)


def first_look(anchors: Anchors, landmarks: FloatArray, camera: Camera, middle: FloatArray) -> tuple[RigidTransform, float] | None:
    """The pose that landmarks (478, 2) tell, and how far off it they are in the mean, in standard deviations; None where there is none."""
    known = anchors.known
    points, pixels = anchors.points_mm[known], np.asarray(landmarks[:POINTS][known], float)
    start = first_pose(points, pixels, camera)
    if start is None:
        return None
    root = np.broadcast_to(np.eye(2) / landmark_sd_px(landmarks), (len(points), 2, 2))
    posed = refined(start, points, pixels, root, camera, middle=middle)
    return None if posed is None else (posed.pose, float(posed.off.mean()))


def chosen(glimpses: Sequence[Glimpse], count: int) -> list[Glimpse]:
    """Up to ``count``: the one most from before, then each time the one furthest from all before; blurred frames and bad fits count less."""
    usable = [g for g in glimpses if g.off < FAR]
    if not usable:
        return []
    places = np.stack([_place(g.pose) for g in usable])
    weight = np.array([g.sharp / (0.5 + g.off) for g in usable])
    weight /= weight.max()
    picked = [int((weight - 0.3 * np.abs(places[:, :2]).sum(axis=1)).argmax())]
    nearest = np.linalg.norm(places - places[picked[0]], axis=1)
    while len(picked) < min(count, len(usable)):
        best = int((nearest * weight).argmax())
        if nearest[best] < 0.3:
            break
        picked.append(best)
        nearest = np.minimum(nearest, np.linalg.norm(places - places[best], axis=1))
    return [usable[n] for n in picked]


def _place(pose: RigidTransform) -> FloatArray:
    """(3,): yaw, pitch and distance, each in units of what makes frames different."""
    sight = pose.rotation.T @ np.array([0, 0, 1.0])
    yaw, pitch = np.degrees([np.arctan2(sight[0], sight[1]), np.arcsin(np.clip(sight[2], -1, 1))])
    return np.array([yaw / TURN_DEG, pitch / TURN_DEG, np.log(max(pose.translation_mm[2], 1.0)) / CLOSER])
