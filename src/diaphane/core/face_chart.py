"""The map of a face: an average face in millimetres, whose points are those of a tracker's landmarks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from diaphane.core.arrays import FloatArray, IntArray, frozen


@dataclass(frozen=True, slots=True, eq=False)
class FaceChart:
    """What makes a place on one face comparable with a place on another; x to the person's left, y down, z away from the viewer."""

    points_mm: FloatArray
    """(n, 3); the first n landmarks of a face are its picture."""
    triangles: IntArray
    """(t, 3), numbers of points; all run the same way round, and most face the viewer."""
    outlines: Mapping[str, tuple[int, ...]]
    """Regions in words, the small ones first."""
    opposite: IntArray = field(init=False)
    """(n,): of each point the one that lies nearest to its mirror image."""
    normals: FloatArray = field(init=False)
    """(t, 3) of length 1, away from the head."""

    def __post_init__(self) -> None:
        points, triangles = np.array(self.points_mm, float), np.array(self.triangles, int)
        apart = (((points * (-1, 1, 1))[:, None] - points[None]) ** 2).sum(axis=2)
        a, b, c = (points[triangles[:, n]] for n in range(3))
        across = np.cross(b - a, c - a)
        across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-12)
        made = {"points_mm": points, "triangles": triangles, "opposite": apart.argmin(axis=1), "normals": across if across[:, 2].mean() < 0 else -across}
        for name, array in made.items():
            object.__setattr__(self, name, frozen(array))
