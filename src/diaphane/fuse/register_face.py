"""What registration knows of a face from its scan alone: skin, landmarks on it, and how it may give way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from diaphane.core.arrays import BoolArray, FloatArray
from diaphane.core.mesh import Mesh
from diaphane.fuse.options import RegisterOptions
from diaphane.fuse.register_anchors import Anchors, Landmarker, anchored
from diaphane.fuse.register_field import Field
from diaphane.fuse.register_skin import Skin

MARGIN_MM = 16.0
"""How far around its landmarks the skin counts as face: hair and neck move by themselves."""


@dataclass(frozen=True, slots=True)
class ScannedFace:
    """Made once a scan."""

    mesh: Mesh
    anchors: Anchors
    middle: FloatArray
    """(3,): of the face, scan mm."""
    field: Field
    basis: FloatArray
    """(v, q): the field's at the mesh's vertices."""
    is_face: BoolArray
    """(t,): of the triangles."""
    skin: Skin
    """Of the face and some way around it."""

    @classmethod
    def of(cls, mesh: Mesh, landmarks: Landmarker, options: RegisterOptions) -> ScannedFace:
        """That of the skin ``mesh`` in LPS mm.

        Raises:
            InputError: The mesh is empty, or shows no face.
        """
        anchors = anchored(mesh, landmarks)
        known = anchors.points_mm[anchors.known]
        vertices = np.asarray(mesh.vertices_mm, float)
        far = cKDTree(known).query(vertices)[0]
        outward = np.asarray(mesh.vertex_normals)[:, 1] < 0.3  # a nose's inside lies near landmarks, too
        face = (far < MARGIN_MM) & outward
        wide = np.flatnonzero((far < 2 * MARGIN_MM)[mesh.faces].any(axis=1))
        field = Field.over(vertices[face], options.deformation_mm, options.correlation_mm)
        return cls(mesh, anchors, known.mean(axis=0), field, field.basis(vertices), face[mesh.faces].all(axis=1), Skin.of(mesh, wide))

    def bent(self, coefficients: FloatArray) -> Mesh:
        """The skin as it is deformed by the field."""
        return Mesh(self.mesh.vertices_mm + self.basis @ coefficients, self.mesh.faces)
