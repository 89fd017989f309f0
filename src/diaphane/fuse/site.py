"""Where on a face a point is, in words."""

from __future__ import annotations

import numpy as np

from diaphane.core.candidate import Candidate
from diaphane.core.face import Face
from diaphane.ops.face_regions import MESH, region_at
from diaphane.ops.face_regions import REGIONS as OUTLINES

REGIONS = tuple(OUTLINES)
"""The regions of the map of a face by their numbers in ``face_region``; -1: off the face."""
ROWS: tuple[tuple[float, tuple[tuple[float, str], ...]], ...] = (
    (0.28, ((1.0, "forehead"),)),
    (0.48, ((0.12, "right temple"), (0.42, "right eye region"), (0.58, "bridge of the nose"), (0.88, "left eye region"), (1.0, "left temple"))),
    (0.68, ((0.37, "right cheek"), (0.63, "nose"), (1.0, "left cheek"))),
    (0.86, ((0.3, "right cheek"), (0.7, "mouth"), (1.0, "left cheek"))),
    (1.0, ((0.3, "right jaw"), (0.7, "chin"), (1.0, "left jaw"))),
)
"""Lower edges of rows, and in each the right edges of zones, as shares of the face's box. For an upright frontal face that
is not mirrored: the person's right is on the picture's left."""


def site_of(face: Face, x: float, y: float) -> str | None:
    """The region of the face that holds the point (pixels): of its mesh where it has one, however it is turned, else by its box; None off the face."""
    if face.landmarks_px is not None and face.landmark_set == MESH:
        return region_at(np.asarray(face.landmarks_px), x, y)
    return _zone(face, x, y)


def _zone(face: Face, x: float, y: float) -> str | None:
    """The zone of the face's box; None outside the box."""
    if not face.holds(x, y):
        return None
    left, top, width, height = face.box_px
    u, v = (x - left) / width, (y - top) / height
    zones = next(zones for lower, zones in ROWS if v < lower)
    return next(name for right, name in zones if u < right)


def region_of(candidate: Candidate) -> str | None:
    """The region that landmarks say it lies in; None without landmarks, and off the face."""
    number = candidate.features.get("face_region", -1.0)
    return REGIONS[int(number)] if 0 <= number < len(REGIONS) else None
