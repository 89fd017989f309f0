"""A mesh seen by a camera: rays through its pixels, cast by Embree.

It is another renderer, on another mesh, than registration has: what is measured on its pictures is no inverse crime.
Source: Wald et al., Embree: a kernel framework for efficient CPU ray tracing, ACM TOG 33, 2014.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import cv2
import numpy as np

from diaphane.core.arrays import BoolArray, FloatArray, IntArray
from diaphane.core.camera import Camera
from diaphane.core.mesh import Mesh
from diaphane.core.transform import RigidTransform
from diaphane.errors import UsageError

EXACT = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 50, 1e-10)
"""When the inversion of the distortion ends."""
AROUND_PX = 3
SAMPLE = 4000
"""So many vertices are enough to know where the mesh is."""


@dataclass(frozen=True, slots=True)
class Met:
    """What some rays met."""

    hit: BoolArray
    """(rays,)."""
    triangle: IntArray
    """(hits,)."""
    weights: FloatArray
    """(hits, 3): of the triangle's corners."""
    distance_mm: FloatArray
    """(hits,): from the camera's centre along the ray."""


class Caster:
    """A mesh that rays can meet.

    Raises:
        UsageError: embreex is missing.
    """

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh
        scenes, constructions = _embree()
        self._scene = scenes.EmbreeScene()
        self._kept = constructions.TriangleMesh(self._scene, np.array(mesh.vertices_mm, np.float32), np.array(mesh.faces, np.int32))

    def __call__(self, pose: RigidTransform, to: FloatArray) -> Met:
        """Rays from the camera's centre to directions (n, 3) on its axes, when the mesh is moved by ``pose``."""
        if not len(to):
            return Met(np.zeros(0, bool), np.zeros(0, np.int32), np.zeros((0, 3)), np.zeros(0))
        start = np.broadcast_to(pose.inverse().translation_mm, to.shape)
        found = self._scene.run(np.ascontiguousarray(start, np.float32), np.ascontiguousarray(to @ pose.rotation, np.float32), output=True)
        hit = np.asarray(found["primID"] >= 0)
        u, v = found["u"][hit].astype(float), found["v"][hit].astype(float)
        return Met(hit, found["primID"][hit], np.stack([1 - u - v, u, v], axis=1), found["tfar"][hit].astype(float))

    def window(self, pose: RigidTransform, camera: Camera) -> tuple[slice, slice]:
        """Rows and columns of the pixels in which the mesh may be seen."""
        some = np.asarray(self.mesh.vertices_mm[:: max(1, len(self.mesh.vertices_mm) // SAMPLE)], float)
        points = pose(some)
        if (points[:, 2] < 1).any():
            return slice(0, camera.height), slice(0, camera.width)
        seen, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), camera.matrix, camera.coefficients)
        ends = np.array([camera.width, camera.height])
        left, top = np.clip(np.floor(seen[:, 0].min(axis=0)) - AROUND_PX, 0, ends).astype(int)
        right, bottom = np.clip(np.ceil(seen[:, 0].max(axis=0)) + AROUND_PX + 1, 0, ends).astype(int)
        return slice(int(top), int(bottom)), slice(int(left), int(right))


def directions(camera: Camera, side: int = 1) -> FloatArray:
    """(row, column, side², 3), unit length, camera axes: of ``side`` x ``side`` rays through each pixel; 0 is the middle of the first pixel."""
    parts = (np.arange(side) + 0.5) / side - 0.5
    y, x, b, a = np.meshgrid(np.arange(camera.height), np.arange(camera.width), parts, parts, indexing="ij")
    pixels = np.stack([(x + a).ravel(), (y + b).ravel()], axis=1)[:, None]
    straight = cv2.undistortPointsIter(pixels, camera.matrix, camera.coefficients, np.eye(3), np.eye(3), EXACT)[:, 0]
    rays = np.concatenate([straight, np.ones((len(straight), 1))], axis=1)
    return np.asarray((rays / np.linalg.norm(rays, axis=1, keepdims=True)).reshape(camera.height, camera.width, side**2, 3))


def _embree() -> tuple[Any, Any]:
    try:
        return import_module("embreex.rtcore_scene"), import_module("embreex.mesh_construction")
    except ImportError as problem:
        raise UsageError('simulate head casts rays by embreex: pip install "diaphane[ar]"') from problem
