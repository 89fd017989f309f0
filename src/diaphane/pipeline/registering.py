"""What registration needs from other stages: the skin of a scan, and landmarks in any picture."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import ndimage

from diaphane import track
from diaphane.core.arrays import Array, FloatArray
from diaphane.core.image import Image
from diaphane.core.mesh import Mesh
from diaphane.errors import RefusedError
from diaphane.ops.surface import surface, thinned
from diaphane.segment.head import segment_head
from diaphane.track.mesh import Mesh as Network
from diaphane.track.mesh import Square

TRIANGLES = 20_000
REACH_MM, STEP_MM, FLAT, MOST_MM = 3.0, 0.25, 5, 1.0
"""How far along its normals, inward first, the scan is looked at, in which steps; how many of these tell the level at either end; how far the skin may move."""
PRESENT = 0.5
"""How sure the network must be that there is a face."""
WIDE = 0.9
"""Of the picture's side, the square that is looked at where no detector finds the face: registration draws faces in the middle."""


def skin_of(scan: Image, modality: str = "") -> Mesh:
    """The skin of a head scan, LPS mm, in about ``TRIANGLES`` triangles; ``modality`` as in `segment.head`.

    Raises:
        RefusedError: It is no head.
    """
    labels, verdicts = segment_head(scan, modality)
    if labels is None:
        raise RefusedError("; ".join(v.reason for v in verdicts if v.verdict == "refused"))
    return set_on_edge(thinned(surface(np.asarray(labels.array > 0), scan.geometry), TRIANGLES), scan)


def set_on_edge(skin: Mesh, scan: Image) -> Mesh:
    """``skin`` moved to where the scan is half-way between what lies outside and inside it: a threshold lies elsewhere, and a head that is 0.2 mm
    too small all round seems 2 mm nearer.
    """
    steps = np.arange(-REACH_MM, REACH_MM + STEP_MM / 2, STEP_MM)
    normals = np.asarray(skin.vertex_normals, float)
    along = np.asarray(skin.vertices_mm, float)[:, None] + steps[:, None] * normals[:, None]
    at = np.moveaxis(scan.geometry.to_index(along), -1, 0)
    values = ndimage.map_coordinates(scan.array.astype(np.float32), at.reshape(3, -1), order=1, mode="nearest").reshape(at.shape[1:])
    inside, outside = np.median(values[:, :FLAT], axis=1), np.median(values[:, -FLAT:], axis=1)
    share = (values - outside[:, None]) / np.where(np.abs(inside - outside) > 0, inside - outside, np.inf)[:, None]
    falls = (share[:, :-1] >= 0.5) & (share[:, 1:] < 0.5)
    moved = np.where(falls, np.abs(steps[:-1] + STEP_MM / 2), np.inf)
    first = moved.argmin(axis=1)
    rows = np.arange(len(first))
    before, after = share[rows, first], share[rows, first + 1]
    shift = steps[first] + STEP_MM * (before - 0.5) / np.where(before > after, before - after, 1.0)
    known = falls.any(axis=1) & (inside > outside)
    shift = np.where(known, np.clip(shift, -MOST_MM, MOST_MM), np.median(shift[known]) if known.any() else 0.0)
    return Mesh((skin.vertices_mm + shift[:, None] * normals).astype(np.float32), skin.faces)


def landmarks_of(picture: Array) -> FloatArray | None:
    """(478, 2) pixels of the face in a picture (row, column, 3; RGB uint8); None where there is none.

    Raises:
        NotPulledError: The network's weights are not here.
    """
    faces = next(track.follow([(0.0, picture)], None, track.Options(tracker="convnet")))
    whole = [face.landmarks_px for face in faces if face.landmarks_px is not None]
    if whole:
        return np.asarray(max(whole, key=lambda points: float(np.ptp(points, axis=0).prod())))
    height, width = picture.shape[:2]
    points, present = _network()(picture, Square(width / 2, height / 2, WIDE * min(width, height), 0.0))
    if present >= PRESENT:
        points, present = _network()(picture, Square.about(points))
    return points if present >= PRESENT else None


@cache
def _network() -> Network:
    return Network()
