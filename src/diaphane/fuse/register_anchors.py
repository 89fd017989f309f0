"""The landmarks of a face on the skin of its own scan.

The skin is drawn, shaded and without texture, from several sides, and the same network that finds landmarks in the camera's frames finds them in these
pictures: what it does wrong with a face of this shape it does wrong in both. Each landmark is lifted to the surface; those that miss it (a scan is often
cut below the nose), lie on an edge, or lie elsewhere in every picture are dropped. So the landmarks are this person's own, in millimetres.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from diaphane.core.arrays import Array, BoolArray, FloatArray
from diaphane.core.camera import Camera
from diaphane.core.mesh import Mesh
from diaphane.core.transform import RigidTransform
from diaphane.errors import InputError
from diaphane.fuse.register_lift import View

Landmarker = Callable[[Array], FloatArray | None]
"""A picture (row, column, 3; RGB uint8) to (478, 2) pixels, or None where there is no face."""
POINTS = 468
"""The rest are irises, which a scan does not show."""
FRONT = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
"""LPS to the axes of a camera before the face: its right is the patient's left, its down the feet."""
SIDES_DEG = ((-30, 0), (-15, 0), (0, 0), (15, 0), (30, 0), (0, -12), (0, 12))
"""Yaw and pitch of the pictures."""
TRIED_DEG = ((0, 0), (0, 15), (0, -15), (-20, 0), (20, 0), (0, 30), (0, -30))
"""Until the face is found in one of them."""
DISTANCE_MM, FAR_MM = 600.0, 1000.0
SIDE_PX = 320
FILLED = 0.62
"""Of the picture's side, the face."""
ASLANT = 0.35
"""The cosine between normal and line of sight below which a landmark lies on an edge."""
APART_MM = 6.0
"""A picture whose point lies further than this from the median does not count."""
VIEWS = 2
"""Pictures that must agree on a landmark."""
LEAST = 60
"""Landmarks without which no pose is tried."""
LIGHT, AMBIENT = np.array([0.25, -0.45, 1.0]) / np.linalg.norm([0.25, -0.45, 1.0]), 0.3
SKIN, BEHIND = np.array([225.0, 180.0, 155.0]), np.array([60.0, 70.0, 80.0])


@dataclass(frozen=True, slots=True)
class Anchors:
    """Landmarks on the scan."""

    points_mm: FloatArray
    """(468, 3), scan LPS; NaN where dropped."""
    sd_mm: FloatArray
    """(468,): how far the pictures differ on each."""
    normals: FloatArray
    """(468, 3)."""

    @property
    def known(self) -> BoolArray:
        """(468,): those that were not dropped."""
        return np.asarray(np.isfinite(self.points_mm).all(axis=1))


def anchored(mesh: Mesh, landmarks: Landmarker) -> Anchors:
    """The landmarks on ``mesh``, skin in LPS mm.

    Raises:
        InputError: The mesh is empty, or no face is found on it.
    """
    if not len(mesh.faces):
        raise InputError("registration needs the skin of a head scan, got a surface without triangles; give a scan whose skin is in it")
    middle, across = _face_on(mesh, landmarks)
    found, slants = [], []
    for yaw, pitch in SIDES_DEG:
        points, normals = _seen_from(mesh, landmarks, view_pose(yaw, pitch, middle, DISTANCE_MM), across)
        found.append(points)
        slants.append(normals)
    anchors = _agreed(np.stack(found), np.stack(slants))
    if int(anchors.known.sum()) < LEAST:
        raise InputError(
            f"{int(anchors.known.sum())} landmarks of a face lie on the skin of the scan, {LEAST} are needed: the face is cut off, or not in the scan; "
            "give a scan that shows it from brow to nose"
        )
    return anchors


def view_pose(yaw_deg: float, pitch_deg: float, middle: FloatArray, distance_mm: float) -> RigidTransform:
    """Scan to a camera that looks at ``middle`` from before the face, turned about it."""
    yaw, pitch = np.radians([yaw_deg, pitch_deg])
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    rotation = about_x @ about_y @ FRONT
    return RigidTransform(rotation, np.array([0, 0, distance_mm]) - rotation @ middle)


def shaded(view: View) -> Array:
    """(row, column, 3) RGB uint8: the skin in one light, by its normals."""
    normals = view.seen.of(np.asarray(view.mesh.vertex_normals) @ view.pose.rotation.T)
    lit = np.clip(-normals @ LIGHT / np.maximum(np.linalg.norm(normals, axis=2), 1e-6), 0, 1)
    colour = (AMBIENT + (1 - AMBIENT) * lit)[..., None] * SKIN
    return np.where(view.seen.covered[..., None], colour, BEHIND).astype(np.uint8)


def _face_on(mesh: Mesh, landmarks: Landmarker) -> tuple[FloatArray, float]:
    """The middle of the face on the scan, mm, and how many mm it measures from edge to edge: from a picture of the whole head."""
    low, high = mesh.vertices_mm.min(axis=0), mesh.vertices_mm.max(axis=0)
    middle = (low + high) / 2
    wide = float(max(high[0] - low[0], high[2] - low[2])) * 1.25
    for yaw, pitch in TRIED_DEG:
        view = View.of(mesh, view_pose(yaw, pitch, middle, FAR_MM), _camera(1.5 * SIDE_PX, wide, FAR_MM))
        seen = landmarks(shaded(view))
        if seen is None:
            continue
        points, _ = view.lifted(seen[:POINTS])
        if int(np.isfinite(points).all(axis=1).sum()) >= LEAST:
            size = np.ptp(seen[:POINTS], axis=0).max() * FAR_MM / view.camera.fx
            return np.asarray(np.nanmedian(points, axis=0)), float(size)
    raise InputError("no face is found on the skin of the scan; registration needs a head scan, the right way up, that shows the face from brow to nose")


def _camera(side_px: float, across_mm: float, distance_mm: float) -> Camera:
    """A square one that sees ``across_mm`` at a distance."""
    side = int(side_px)
    focal = side * distance_mm / across_mm
    return Camera(width=side, height=side, fx=focal, fy=focal, cx=(side - 1) / 2, cy=(side - 1) / 2)


def _seen_from(mesh: Mesh, landmarks: Landmarker, pose: RigidTransform, across_mm: float) -> tuple[FloatArray, FloatArray]:
    """(468, 3) points and normals; NaN where a landmark misses the skin or lies on an edge."""
    view = View.of(mesh, pose, _camera(SIDE_PX, across_mm / FILLED, DISTANCE_MM))
    seen = landmarks(shaded(view))
    if seen is None:
        return np.full((POINTS, 3), np.nan), np.full((POINTS, 3), np.nan)
    points, normals = view.lifted(seen[:POINTS])
    sight = pose(points) / np.linalg.norm(pose(points), axis=1, keepdims=True)
    aslant = ~(-np.einsum("ij,ij->i", sight, normals @ pose.rotation.T) > ASLANT)
    points[aslant], normals[aslant] = np.nan, np.nan
    return points, normals


def _agreed(found: FloatArray, normals: FloatArray) -> Anchors:
    """The middle of what the pictures (v, 468, 3) say, without those far off it."""
    good: BoolArray = np.asarray(np.isfinite(found).all(axis=2))
    seen = good.sum(axis=0) >= VIEWS
    points, spread, facing = (np.full((POINTS, n), np.nan) for n in (3, 1, 3))
    for n in np.flatnonzero(seen):
        own = found[good[:, n], n]
        near = np.linalg.norm(own - np.median(own, axis=0), axis=1) < APART_MM
        if near.sum() >= VIEWS:
            points[n], spread[n] = own[near].mean(axis=0), own[near].std(axis=0).max()
            facing[n] = normals[good[:, n], n][near].mean(axis=0)
    return Anchors(points, spread[:, 0], facing / np.linalg.norm(facing, axis=1, keepdims=True))
