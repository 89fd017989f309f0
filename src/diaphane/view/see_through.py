"""The scan on the face: what lies inside a head, drawn in a camera's frame at its place, or nothing where the place is not known."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from diaphane.core.arrays import Array, FloatArray
from diaphane.core.camera import Camera
from diaphane.core.mesh import Mesh
from diaphane.core.registration import Registered
from diaphane.core.transform import RigidTransform
from diaphane.ops.paint import Colour
from diaphane.ops.projection import is_in_view
from diaphane.view.see_through_layers import Layer, contours, stacked, window_of
from diaphane.view.see_through_marks import Mark, crosses, legend, scale_bar, status

SOLID, GLASS = 0.9, 0.2
"""Opacity of a structure, and of one that encloses others."""


@dataclass(frozen=True, slots=True)
class Structure:
    """One body inside the head."""

    name: str
    colour: Colour
    mesh: Mesh
    opacity: float = SOLID


@dataclass(frozen=True, slots=True)
class Target:
    """A point that matters."""

    name: str
    point_mm: FloatArray
    """(3,), LPS."""


@dataclass(frozen=True, slots=True)
class Scenery:
    """What is drawn of one scan, LPS mm."""

    skin: Mesh
    structures: tuple[Structure, ...]
    targets: tuple[Target, ...]


def seen_through(frame: Array, registered: Registered, camera: Camera, scenery: Scenery) -> Array:
    """A copy of ``frame`` (row, column, 3; RGB uint8) with ``scenery`` at its place: far things behind near ones, under a veil of skin.

    Where ``registered`` is not solved nothing of the scan is drawn, and the frame says why. ``camera`` is of frames of this size; points are drawn where its
    distortion puts them.
    """
    out = np.array(frame)
    if not registered.solved or registered.transform is None:
        return status(out, registered, camera.is_guess)
    bodies = [s for s in scenery.structures if _ahead(s.mesh, registered.transform, camera)]
    marks = tuple(_mark(target, registered.transform) for target in scenery.targets)
    if _ahead(scenery.skin, registered.transform, camera):
        marks = _drawn(out, registered.transform, camera, replace(scenery, structures=tuple(bodies)), marks)
    out = crosses(out, marks, registered.uncertainty_mm, camera)
    distance = float(np.mean([np.linalg.norm(m.point_mm) for m in marks]) if marks else np.linalg.norm(_middle(scenery.skin, registered.transform)))
    return status(scale_bar(legend(out, [(s.name, s.colour) for s in scenery.structures], marks), distance, camera), registered, camera.is_guess)


def _drawn(out: Array, pose: RigidTransform, camera: Camera, scenery: Scenery, marks: tuple[Mark, ...]) -> tuple[Mark, ...]:
    """Skin and structures into ``out``; the marks, with how deep below the skin they lie."""
    rows, columns, part = window_of(pose(np.asarray(scenery.skin.vertices_mm, float)), camera)
    if part is None:
        return marks
    veil = Layer.of_skin(scenery.skin, pose, part)
    layers = [Layer.of_body(s.mesh, s.colour, s.opacity, pose=pose, camera=part, skin_mm=veil.depth_mm) for s in scenery.structures]
    out[rows, columns] = stacked(out[rows, columns], [*layers, veil])
    contours(out[rows, columns], layers)
    return tuple(mark.below(veil.depth_mm, part) for mark in marks)


def _mark(target: Target, pose: RigidTransform) -> Mark:
    return Mark(target.name, np.asarray(pose(np.asarray(target.point_mm, float))))


def _middle(mesh: Mesh, pose: RigidTransform) -> FloatArray:
    return np.asarray(pose(np.asarray(mesh.vertices_mm, float).mean(axis=0)))


def _ahead(mesh: Mesh, pose: RigidTransform, camera: Camera) -> bool:
    """Whether any of it lies before the camera."""
    return bool(len(mesh.faces)) and bool(is_in_view(pose(np.asarray(mesh.vertices_mm, float)), camera).any())
