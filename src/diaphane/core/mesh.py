"""A surface of triangles in patient millimetres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diaphane.core.arrays import FloatArray, IntArray, frozen
from diaphane.errors import InputError


@dataclass(frozen=True, slots=True)
class Mesh:
    """Triangles whose corners run counter-clockwise seen from outside.

    Raises:
        InputError: The arrays have another shape, or a face names a vertex that is not there.
    """

    vertices_mm: FloatArray
    """(n, 3), LPS."""
    faces: IntArray
    """(m, 3), indices into ``vertices_mm``."""

    def __post_init__(self) -> None:
        if self.vertices_mm.shape[1:] != (3,) or self.faces.shape[1:] != (3,):
            raise InputError(f"a mesh has vertices (n, 3) and faces (m, 3), got {self.vertices_mm.shape} and {self.faces.shape}")
        if self.faces.size and not 0 <= int(self.faces.min()) <= int(self.faces.max()) < len(self.vertices_mm):
            raise InputError("a face of the mesh names a vertex that is not there")
        object.__setattr__(self, "vertices_mm", frozen(self.vertices_mm))
        object.__setattr__(self, "faces", frozen(self.faces))

    @property
    def face_vectors(self) -> FloatArray:
        """(m, 3): normal of each face, as long as twice its area in mm2."""
        a, b, c = (self.vertices_mm[self.faces[:, n]].astype(np.float64) for n in range(3))
        return np.cross(b - a, c - a)

    @property
    def vertex_normals(self) -> FloatArray:
        """(n, 3), float32, unit length: the mean of the faces around each vertex, weighted by area; (0, 0, 1) where there is none."""
        vectors = self.face_vectors
        sums = np.stack([np.bincount(self.faces.ravel(), np.repeat(vectors[:, n], 3), len(self.vertices_mm)) for n in range(3)], axis=1)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        return np.where(lengths > 0, sums / np.maximum(lengths, 1e-30), (0.0, 0.0, 1.0)).astype(np.float32)

    @property
    def volume_mm3(self) -> float:
        """Enclosed volume; positive when the faces look outward."""
        if not len(self.faces):
            return 0.0
        corner = self.vertices_mm[self.faces[:, 0]].astype(np.float64) - self.vertices_mm.mean(axis=0)
        return float(np.einsum("ij,ij->", corner, self.face_vectors)) / 6
