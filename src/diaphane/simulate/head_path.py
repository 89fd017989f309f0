"""Where the head is before the camera in each frame of a clip."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from diaphane.core.camera import Camera
from diaphane.core.transform import RigidTransform
from diaphane.simulate.head_conditions import Conditions
from diaphane.simulate.head_shape import TO_LPS
from diaphane.simulate.head_subject import Subject

AIM = (168, 2)
"""Between these points of the face lies what the camera looks at, and what the distance counts to."""


def poses(conditions: Conditions, subject: Subject, camera: Camera, frames: int) -> tuple[RigidTransform, ...]:
    """Scan LPS mm → ``camera`` mm, one a frame. Without yaw, pitch and roll the average head looks straight into the camera."""
    share = np.arange(frames) / max(frames, 1)
    middle = subject.face[list(AIM)].mean(axis=0)
    angles = np.stack([-conditions.yaw_deg.at(share), conditions.pitch_deg.at(share), conditions.roll_deg.at(share)], axis=1)
    upright = (subject.placed.rotation @ TO_LPS).T
    right, down = conditions.right.at(share) * camera.width / camera.fx, conditions.down.at(share) * camera.height / camera.fy
    rays = np.stack([right, down, np.ones(frames)], axis=1)
    rays = rays / np.linalg.norm(rays, axis=1, keepdims=True) * conditions.distance_mm.at(share)[:, None]
    turns = Rotation.from_euler("YXZ", angles, degrees=True).as_matrix() @ upright
    return tuple(RigidTransform(turn, ray - turn @ middle) for turn, ray in zip(turns, rays, strict=True))
