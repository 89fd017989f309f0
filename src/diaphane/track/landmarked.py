"""Landmarks for faces of which a tracker knows the box only, in the few frames that are looked at closely."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from diaphane.core.arrays import Array
from diaphane.core.camera import Camera
from diaphane.core.face import Face
from diaphane.engine.pinned import LANDMARKER, is_here
from diaphane.ops.face_regions import MESH
from diaphane.track.detection import overlap
from diaphane.track.mesh import Mesh, Square, face_box
from diaphane.track.pose import Poser
from diaphane.track.quality import with_quality

PRESENT = 0.5
"""How sure the mesh network must be that there is a face."""
SAME = 0.3
"""Intersection over union that the box of the points must have with the tracker's box: else they lie on something else."""


def landmarked(frame: Array, faces: tuple[Face, ...], camera: Camera | None = None) -> tuple[Face, ...]:
    """``faces`` in ``frame`` (row, column, 3; RGB) with landmarks and head pose where the mesh network finds them.

    Boxes stay the tracker's. Without the network's weights, and where landmarks are there already, a face stays as it is.
    """
    if not is_here(LANDMARKER):
        return faces
    poser = Poser(camera)
    return tuple(face if face.landmarks_px is not None else _landmarked(frame, face, poser) for face in faces)


def _landmarked(frame: Array, face: Face, poser: Poser) -> Face:
    points, _ = _mesh()(frame, Square.around(face.box_px, 0.0))
    points, present = _mesh()(frame, Square.about(points))
    if present < PRESENT or overlap(face_box(points), face.box_px) < SAME:
        return face
    return with_quality(frame, poser(replace(face, landmarks_px=points, landmark_set=MESH), frame.shape))


@cache
def _mesh() -> Mesh:
    return Mesh()
