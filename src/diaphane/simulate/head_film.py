"""``diaphane simulate head``: a virtual patient filmed, and all that is true of the film."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from scipy.spatial import KDTree

from diaphane.acquire import write_camera
from diaphane.core.arrays import Array, FloatArray
from diaphane.core.camera import Camera
from diaphane.core.coding import json_text
from diaphane.core.mesh import Mesh
from diaphane.core.storage import write_whole
from diaphane.core.transform import RigidTransform
from diaphane.errors import InputError
from diaphane.ops.nifti import write_nifti
from diaphane.simulate.head_conditions import RATE_HZ, WIDTH_PX, Conditions, draw_conditions
from diaphane.simulate.head_field import deformation, draw_field
from diaphane.simulate.head_path import poses
from diaphane.simulate.head_shade import Studio, studio
from diaphane.simulate.head_subject import Subject, made_subject
from diaphane.simulate.head_texture import draw_looks
from diaphane.view.film import film

VIDEO, CAMERA, TRUE_CAMERA, TRUTH, TARGETS, SCAN = "video.mp4", "camera.toml", "true_camera.toml", "truth.jsonl", "targets.json", "scan.nii.gz"
PERSON, LOOKS, CONDITIONS, DEFORMED, ROOM, NOISE = range(6)
"""What is drawn, each by a generator of its own: none depends on how many numbers another takes."""
FACE_MM = 12.0
"""Skin that is as near as this to the triangles' corners of the face belongs to it."""


@dataclass(frozen=True, slots=True)
class Patient:
    """Filmed by ``seed`` under ``conditions``."""

    subject: Subject
    skin: Mesh
    """As it is filmed: deformed."""
    conditions: Conditions
    nominal: Camera
    true: Camera
    poses: tuple[RigidTransform, ...]
    studio: Studio
    seed: int

    def frame(self, number: int) -> Array:
        """(row, column, 3) RGB uint8 as the camera gives it, before it goes into the clip."""
        sharp = self.studio(self.poses[number], number / len(self.poses))
        soft = cv2.GaussianBlur(sharp, (0, 0), self.conditions.blur_px * self.true.width / WIDTH_PX)
        rng = np.random.default_rng([self.seed, NOISE, number])
        grain = rng.normal(0, self.conditions.noise, soft.shape)
        pixels = np.round(np.clip(soft + grain, 0, 1) * 255).astype(np.uint8)
        _, file = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, self.conditions.jpeg_quality])
        return np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR))[..., ::-1]


def patient(seed: int, frames: int, size_px: tuple[int, int], given: Subject | None = None) -> Patient:
    """The one that ``seed`` makes, or the head of ``given`` as the seed films it.

    Raises:
        NotPulledError: The canonical face is not here.
        UsageError: embreex is missing.
    """
    subject = given or made_subject(_rng(seed, PERSON))
    conditions = draw_conditions(_rng(seed, CONDITIONS))
    nominal, true = conditions.nominal(*size_px), conditions.true(*size_px)
    skin = deformed(subject, conditions, _rng(seed, DEFORMED))
    shown = studio(subject, skin, draw_looks(_rng(seed, LOOKS)), conditions=conditions, camera=true, rng=_rng(seed, ROOM))
    return Patient(subject, skin, conditions, nominal, true, poses(conditions, subject, true, frames), shown, seed)


def deformed(subject: Subject, conditions: Conditions, rng: np.random.Generator) -> Mesh:
    """The skin as it is when it is filmed: not as when it was scanned."""
    field = draw_field(rng, conditions.ranges.correlation_mm, 1.0)
    moves = deformation(field, on_face(subject), conditions.ranges.deformed_mm)
    points = np.asarray(subject.skin.vertices_mm, float)
    return Mesh((points + moves.at(points)).astype(np.float32), subject.skin.faces)


def on_face(subject: Subject) -> FloatArray:
    """(n, 3): the vertices of the undeformed skin near the points of the face."""
    points = np.asarray(subject.skin.vertices_mm, float)
    far, _ = KDTree(subject.face).query(points, distance_upper_bound=FACE_MM)
    return np.asarray(points[np.isfinite(far)])


def write_film(out: Path, made: Patient) -> Iterator[int]:
    """Write all files into the folder ``out``; yields the number of each frame as it is done.

    Raises:
        InputError: ``out`` holds something already.
        StorageError: It cannot be written.
    """
    new_folder(out)
    write_camera(out / CAMERA, made.nominal, "the nominal camera, as its maker states it: neither its focal length nor its distortion is quite true")
    write_camera(out / TRUE_CAMERA, made.true, "the camera that filmed")
    listed = [{"name": name, "point_mm": point.tolist()} for name, point in made.subject.targets.items()]
    write_whole(out / TARGETS, (json_text({"targets": listed}, indent=1) + "\n").encode())
    write_whole(out / TRUTH, "".join(json_text(truth(n, pose)) + "\n" for n, pose in enumerate(made.poses)).encode())
    if made.subject.image is not None:
        write_nifti(out / SCAN, np.asarray(made.subject.image.array), made.subject.image.geometry)
    with film(out / VIDEO, RATE_HZ) as take:
        for number in range(len(made.poses)):
            take(made.frame(number))
            yield number


def new_folder(out: Path) -> None:
    """Nothing may be in ``out``.

    Raises:
        InputError: Something is.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: is not an empty folder; give --out a new one, so that film and truth belong together")


def truth(frame: int, pose: RigidTransform) -> dict[str, object]:
    """A line of ``truth.jsonl``."""
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = pose.rotation, pose.translation_mm
    return {"frame": frame, "solved": True, "matrix": matrix.ravel().tolist(), "uncertainty_mm": 0.0, "latency_ms": 0.0}


def _rng(seed: int, part: int) -> np.random.Generator:
    return np.random.default_rng([seed, part])
