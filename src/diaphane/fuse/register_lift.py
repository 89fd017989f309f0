"""From a pixel back to the surface: where on a mesh its ray meets the triangle seen there."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from diaphane.core.arrays import FloatArray
from diaphane.core.camera import Camera
from diaphane.core.mesh import Mesh
from diaphane.core.transform import RigidTransform
from diaphane.ops.projection import project
from diaphane.ops.raster import Raster, raster


@dataclass(frozen=True, slots=True)
class View:
    """A mesh as a camera sees it from one pose."""

    mesh: Mesh
    pose: RigidTransform
    """Mesh to camera axes, mm."""
    camera: Camera
    seen: Raster

    @classmethod
    def of(cls, mesh: Mesh, pose: RigidTransform, camera: Camera) -> View:
        """Drawn."""
        return cls(mesh, pose, camera, raster(pose(mesh.vertices_mm), mesh.faces, camera))

    def lifted(self, pixels: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Points (n, 3) on the mesh, in its own mm, under ``pixels`` (n, 2), and unit normals there; NaN where the mesh is missed."""
        column, row = np.round(np.nan_to_num(pixels, nan=-9.0)).astype(int).T
        inside = (column >= 0) & (row >= 0) & (column < self.camera.width) & (row < self.camera.height)
        triangle = np.full(len(pixels), -1)
        triangle[inside] = self.seen.triangle[row[inside], column[inside]]
        hit = triangle >= 0
        points, normals = np.full((len(pixels), 3), np.nan), np.full((len(pixels), 3), np.nan)
        if hit.any():
            points[hit], normals[hit] = self._met(pixels[hit], triangle[hit])
        return points, normals

    def _met(self, pixels: FloatArray, triangle: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Ray and plane of the triangle."""
        back = self.pose.inverse()
        rays = rays_of(pixels, self.camera) @ back.rotation.T
        a, b, c = (self.mesh.vertices_mm[self.mesh.faces[triangle, n]].astype(float) for n in range(3))
        normals = np.cross(b - a, c - a)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        along = np.einsum("ij,ij->i", a - back.translation_mm, normals) / np.minimum(np.einsum("ij,ij->i", rays, normals), -1e-3)
        return back.translation_mm + along[:, None] * rays, normals


def projected(points: FloatArray, pose: RigidTransform, camera: Camera) -> FloatArray:
    """Pixels (n, 2) of points (n, 3) of the scan."""
    return project(pose(points), camera)


def rays_of(pixels: FloatArray, camera: Camera) -> FloatArray:
    """(n, 3) with z = 1, camera axes."""
    straight = cv2.undistortPoints(np.ascontiguousarray(pixels, float).reshape(-1, 1, 2), camera.matrix, camera.coefficients).reshape(-1, 2)
    return np.column_stack([straight, np.ones(len(straight))])
