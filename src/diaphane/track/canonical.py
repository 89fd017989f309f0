"""The canonical face: 468 points in millimetres and the triangles between them, out of the metadata of ``face_landmarker.task``.

The file is a protocol-buffers message (``mediapipe.tasks.vision.face_geometry.proto.GeometryPipelineMetadata``); what is needed of it is read here by
its field numbers. Its axes are x to the person's left, y up, z towards the viewer, in centimetres; ours are those of a camera that looks at an upright
face: x to the person's left, y down, z away from the viewer.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from diaphane.core.arrays import FloatArray, IntArray
from diaphane.errors import BundleError
from diaphane.track.landmarker import member

MESH, VERTICES, INDICES = 1, 3, 4
"""Field numbers: the canonical mesh in the metadata, and the mesh's vertices and triangles."""
PER_VERTEX = 5
"""Floats: x, y, z and a place on the texture."""
POINTS = 468
AXES = np.array([10.0, -10.0, -10.0])


@dataclass(frozen=True, slots=True)
class CanonicalFace:
    """An average face; its origin lies between the ears' heights, inside the head."""

    points_mm: FloatArray
    """(468, 3)."""
    triangles: IntArray
    """(898, 3)."""


@cache
def canonical_face() -> CanonicalFace:
    """Read once.

    Raises:
        NotPulledError: The weights are not here.
        BundleError: The metadata is not what it was.
    """
    metadata = member("geometry_pipeline_metadata_landmarks.binarypb")
    mesh = next((value for number, value in _fields(metadata) if number == MESH and isinstance(value, bytes)), b"")
    vertices = [v for number, value in _fields(mesh) if number == VERTICES for v in _floats(value)]
    indices = [v for number, value in _fields(mesh) if number == INDICES for v in _integers(value)]
    if len(vertices) != POINTS * PER_VERTEX or len(indices) % 3:
        raise BundleError(f"the canonical face must have {POINTS} points; found {len(vertices) / PER_VERTEX:g}; run diaphane models pull faces again")
    points = np.array(vertices).reshape(POINTS, PER_VERTEX)[:, :3] * AXES
    return CanonicalFace(points, np.array(indices, int).reshape(-1, 3))


def _fields(data: bytes) -> Iterator[tuple[int, int | float | bytes]]:
    """Number and value of each field of a message."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
        elif kind == 5:
            yield key >> 3, struct.unpack_from("<f", data, at)[0]
            at += 4
        elif kind == 2:
            size, at = _varint(data, at)
            yield key >> 3, data[at : at + size]
            at += size
        else:
            raise BundleError(f"the canonical face: a field of kind {kind} where none should be; run diaphane models pull faces again")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def _floats(value: int | float | bytes) -> list[float]:
    """One, or many packed."""
    return [float(v) for (v,) in struct.iter_unpack("<f", value)] if isinstance(value, bytes) else [float(value)]


def _integers(value: int | float | bytes) -> list[int]:
    if not isinstance(value, bytes):
        return [int(value)]
    found, at = [], 0
    while at < len(value):
        one, at = _varint(value, at)
        found.append(one)
    return found
