"""The surface of a structure as a mesh.

Source: decimation by quadric error, Garland, Heckbert, SIGGRAPH 1997; for marching cubes see `diaphane.ops.marching_cubes`.
"""

from __future__ import annotations

import cv2
import fast_simplification
import numpy as np

from diaphane.core.arrays import BoolArray, FloatArray
from diaphane.core.geometry import Geometry
from diaphane.core.mesh import Mesh
from diaphane.errors import InputError
from diaphane.ops.marching_cubes import marching_cubes

BLUR = 1.0
"""Standard deviation of the smoothing, in voxels: enough that steps between slices do not show."""
REACH = 3
"""Voxels of background around a structure, so that one that the volume's border cuts is closed."""
LOWEST_LEVEL = 0.15
"""A sheet thinner than a voxel would otherwise ask for a level within the noise of the blur."""
HIGHEST_SHARE = 0.7
"""Of the field's peak: what is only a voxel or two wide keeps a body."""


def surface(mask: BoolArray, geometry: Geometry, *, start: tuple[int, ...] = (0, 0, 0)) -> Mesh:
    """The closed surface of ``mask`` [k, j, i], whose first voxel has the index ``start`` in ``geometry``; LPS mm.

    The mask is smoothed, and its surface drawn where it encloses as many voxels as the mask has: to 1 % for bodies of
    some thousand voxels, to 10 % for those of a hundred. One voxel gives a small rounded body.

    Raises:
        InputError: The mask is empty.
    """
    count = int(np.count_nonzero(mask))
    if count == 0:
        raise InputError("an empty mask has no surface")
    field = _blurred(mask)
    vertices, faces = marching_cubes(field, _level(field, count))
    placed = geometry.to_world(vertices.astype(np.float64) + (np.array(start) - REACH)).astype(np.float32)
    is_left_handed = np.linalg.det(geometry.affine[:3, :3]) < 0
    return Mesh(placed, np.ascontiguousarray(faces[:, ::-1]) if is_left_handed else faces)


def _blurred(mask: BoolArray) -> FloatArray:
    """``mask`` with ``REACH`` voxels of background around it, smoothed; slice by slice, then along the slices."""
    field = np.pad(mask, REACH).astype(np.float32)
    weights, one = cv2.getGaussianKernel(2 * REACH + 1, BLUR, cv2.CV_32F), np.ones(1, np.float32)
    for plane in field:
        cv2.sepFilter2D(plane, -1, weights, weights, dst=plane, borderType=cv2.BORDER_REPLICATE)
    for row in range(field.shape[1]):
        field[:, row] = cv2.sepFilter2D(np.ascontiguousarray(field[:, row]), -1, one, weights, borderType=cv2.BORDER_REPLICATE)
    return field


def thinned(mesh: Mesh, triangles: int) -> Mesh:
    """``mesh`` with about this many triangles; as it is where it has no more."""
    if len(mesh.faces) <= triangles:
        return mesh
    vertices, faces = fast_simplification.simplify(np.array(mesh.vertices_mm, np.float32), np.array(mesh.faces, np.int32), target_count=triangles)
    return Mesh(vertices, faces)


def _level(field: FloatArray, count: int) -> float:
    """The value that ``count`` voxels of ``field`` exceed, within what a mask's own border may have.

    It is the mean over some of the ranks around that one: on a regular shape many voxels share one value.
    """
    values = field[field > LOWEST_LEVEL]
    reach = int(np.count_nonzero((values > 0.25) & (values < 0.75))) // 4
    low, high = max(0, len(values) - count - reach), len(values) - max(0, count - 1 - reach)
    ranked = np.partition(values, (low, high - 1)) if len(values) >= count else values
    above = float(ranked[low:high].mean()) if len(values) >= count else LOWEST_LEVEL
    return min(max(above, LOWEST_LEVEL), 0.5, HIGHEST_SHARE * float(field.max()))
