"""The map of a face that the landmarks of ``mesh`` belong to."""

from __future__ import annotations

from functools import cache

from diaphane.core.face_chart import FaceChart
from diaphane.engine.pinned import LANDMARKER, is_here
from diaphane.ops.face_regions import REGIONS
from diaphane.track.canonical import canonical_face


def chart() -> FaceChart | None:
    """None where the weights of the landmarks were not pulled: then there are no landmarks either."""
    if not is_here(LANDMARKER):
        return None
    return _made()


@cache
def _made() -> FaceChart:
    face = canonical_face()
    return FaceChart(face.points_mm, face.triangles, REGIONS)
