"""How steady landmarks are and how true head poses, on films of the canonical face whose truth is known (``simulate head``'s renderer, nobody's face).

The head is the average one that the landmarks mean, not deformed, and the camera is known: what is left is the tracker's own. One film in the middle of the
frame, four at its edges; light, noise and JPEG as in ``simulate head``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from diaphane.core.camera import Camera
from diaphane.core.transform import RigidTransform
from diaphane.simulate.head_conditions import RANGES, Sway, draw_conditions
from diaphane.simulate.head_film import Patient
from diaphane.simulate.head_path import poses
from diaphane.simulate.head_shade import studio
from diaphane.simulate.head_shape import TO_LPS, average, average_face, head_shape
from diaphane.simulate.head_subject import STEP_MM, Placed, Subject, skin_of, targets
from diaphane.simulate.head_texture import draw_looks

SIZE, SEED = (640, 480), 5
ASIDE = {"middle": (0.0, 0.0), "left edge": (-0.3, 0.0), "right edge": (0.3, 0.0), "upper edge": (0.0, -0.2), "lower edge": (0.0, 0.2)}
"""Where the face's middle is, in shares of the frame from its own."""


@dataclass(frozen=True)
class Shown:
    """One film: its frames, and what is true of each."""

    name: str
    frames: tuple[np.ndarray, ...]
    camera: Camera
    poses: tuple[RigidTransform, ...]
    """Canonical face → camera."""
    points: tuple[np.ndarray, ...]
    """(468, 2) px: where the canonical points are."""


def films(count: int) -> Iterator[Shown]:
    """``count`` frames in each place."""
    shape, placed, face = head_shape(average()), Placed(np.eye(3), np.zeros(3), np.ones(3)), average_face()
    subject = Subject(skin_of(shape, STEP_MM), shape.face, placed, targets(placed), None)
    for number, (name, (right, down)) in enumerate(ASIDE.items()):
        drawn = draw_conditions(np.random.default_rng([SEED, number]), replace(RANGES, deformed_mm=0.0, focal_error=(0.0, 0.0), distance_mm=(550.0, 750.0)))
        conditions = replace(drawn, right=Sway((right, right), 1.0, 0.0), down=Sway((down, down), 1.0, 0.0))
        camera = conditions.true(*SIZE)
        looks, room = draw_looks(np.random.default_rng([SEED, number, 1])), np.random.default_rng([SEED, number, 2])
        shown = studio(subject, subject.skin, looks, conditions=conditions, camera=camera, rng=room)
        made = Patient(subject, subject.skin, conditions, camera, camera, poses(conditions, subject, camera, count), shown, SEED)
        true = tuple(RigidTransform(pose.rotation @ TO_LPS, pose.translation_mm) for pose in made.poses)
        seen = tuple(_projected(camera, pose(face)) for pose in made.poses)
        yield Shown(name, tuple(made.frame(n) for n in range(count)), camera, true, seen)


def _projected(camera: Camera, points: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.projectPoints(points, np.zeros(3), np.zeros(3), camera.matrix, camera.coefficients)[0][:, 0])
