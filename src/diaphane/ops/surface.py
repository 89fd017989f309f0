"""The surface of a structure as a mesh.

Source: marching cubes as by Lewiner, Lopes, Vieira, Tavares, J Graphics Tools 8, 1 (2003); decimation by quadric error
(Garland, Heckbert, SIGGRAPH 1997).
"""

from __future__ import annotations

import fast_simplification
import numpy as np
from scipy import ndimage
from skimage.measure import marching_cubes

from diaphane.core.arrays import BoolArray, FloatArray
from diaphane.core.geometry import Geometry
from diaphane.core.mesh import Mesh
from diaphane.errors import InputError

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
    field = ndimage.gaussian_filter(np.pad(mask, REACH).astype(np.float32), BLUR, truncate=REACH)
    vertices, faces, _, _ = marching_cubes(field, _level(field, count), allow_degenerate=False)
    placed = geometry.to_world(vertices.astype(np.float64) + (np.array(start) - REACH)).astype(np.float32)
    return outward(Mesh(placed, np.asarray(faces, np.int32)))


def outward(mesh: Mesh) -> Mesh:
    """``mesh`` with its faces turned so that they look outward: a left-handed affine turns them in."""
    return mesh if mesh.volume_mm3 >= 0 else Mesh(mesh.vertices_mm, np.ascontiguousarray(mesh.faces[:, ::-1]))


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
    ranked = np.sort(field[field > LOWEST_LEVEL])[::-1]
    reach = int(np.count_nonzero((ranked > 0.25) & (ranked < 0.75))) // 4
    around = ranked[max(0, count - 1 - reach) : count + reach]
    above = float(around.mean()) if len(ranked) >= count else LOWEST_LEVEL
    return min(max(above, LOWEST_LEVEL), 0.5, HIGHEST_SHARE * float(field.max()))
