"""The nearest point of a mesh, for many points at once.

Source: Ericson, Real-Time Collision Detection, 5.1.5 (closest point on a triangle).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from diaphane.core.arrays import FloatArray, IntArray
from diaphane.core.mesh import Mesh

NEAR = 10
"""Triangles that are looked at: those whose middles are nearest."""


@dataclass(frozen=True, slots=True)
class Skin:
    """A mesh, sorted for being asked."""

    corners: FloatArray
    """(t, 3, 3)."""
    normals: FloatArray
    """(t, 3, 3): of the corners, smooth."""
    tree: cKDTree

    @classmethod
    def of(cls, mesh: Mesh, triangles: IntArray) -> Skin:
        """Of these triangles of ``mesh``."""
        faces = mesh.faces[triangles]
        corners = np.asarray(mesh.vertices_mm, float)[faces]
        return cls(corners, np.asarray(mesh.vertex_normals, float)[faces], cKDTree(corners.mean(axis=1)))

    def nearest(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(n, 3) each: the nearest points of the mesh to ``points`` (n, 3), and the smooth unit normals there."""
        near = self.tree.query(points, k=min(NEAR, len(self.corners)))[1].reshape(len(points), -1)
        shares = _shares(np.repeat(points, near.shape[1], axis=0), self.corners[near.ravel()])
        met = np.einsum("nk,nkc->nc", shares, self.corners[near.ravel()]).reshape(*near.shape, 3)
        best = np.linalg.norm(met - points[:, None], axis=2).argmin(axis=1)
        rows = np.arange(len(points))
        normals = np.einsum("nk,nkc->nc", shares.reshape(*near.shape, 3)[rows, best], self.normals[near[rows, best]])
        return met[rows, best], normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)


def _shares(points: FloatArray, corners: FloatArray) -> FloatArray:
    """(n, 3): barycentric, of the point of each triangle (n, 3, 3) that is nearest to its point."""
    inside = _of_plane(points, corners)
    out = inside.copy()
    outside = (inside < 0).any(axis=1)
    if outside.any():
        out[outside] = _of_edges(points[outside], corners[outside])
    return out


def _of_plane(points: FloatArray, corners: FloatArray) -> FloatArray:
    a, b, c = (corners[:, n] for n in range(3))
    normal = np.cross(b - a, c - a)
    square = np.maximum(np.einsum("ij,ij->i", normal, normal), 1e-12)
    second = np.einsum("ij,ij->i", np.cross(points - a, c - a), normal) / square
    third = np.einsum("ij,ij->i", np.cross(b - a, points - a), normal) / square
    return np.stack([1 - second - third, second, third], axis=1)


def _of_edges(points: FloatArray, corners: FloatArray) -> FloatArray:
    best, least = np.zeros((len(points), 3)), np.full(len(points), np.inf)
    for n in range(3):
        a, b = corners[:, n], corners[:, (n + 1) % 3]
        along = b - a
        t = np.clip(np.einsum("ij,ij->i", points - a, along) / np.maximum(np.einsum("ij,ij->i", along, along), 1e-12), 0, 1)
        far = np.linalg.norm(a + t[:, None] * along - points, axis=1)
        nearer = far < least
        shares = np.zeros_like(best)
        shares[:, n], shares[:, (n + 1) % 3] = 1 - t, t
        best[nearer], least[nearer] = shares[nearer], far[nearer]
    return best
