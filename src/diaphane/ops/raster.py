"""What a camera sees of a mesh, pixel by pixel, without a graphics card.

Every triangle's box of pixels is laid out flat and tested at once; the nearest triangle of a pixel stays (z-buffer).

Source: Pineda, A Parallel Algorithm for Polygon Rasterization, SIGGRAPH 1988 (edge functions); Heckbert, Moreton, Interpolation for Polygon Texture
Mapping and Shading, 1991 (1/z is linear in the picture).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diaphane.core.arrays import BoolArray, FloatArray, IntArray
from diaphane.core.camera import Camera
from diaphane.errors import InputError
from diaphane.ops.projection import is_in_view, project

NEAR_MM = 1.0
"""Triangles with a corner nearer than this are left out."""
AT_ONCE = 2_000_000
"""Pixels of boxes that are held in memory together."""
EDGE = 1e-6
"""Of a triangle's shares: a pixel on the edge between two belongs to both, so that no gap shows."""


@dataclass(frozen=True, slots=True)
class _Boxes:
    """Triangles and the pixels around each of them."""

    triangle: IntArray
    """(t,)."""
    low: IntArray
    """(t, 2): first column and row."""
    span: IntArray
    """(t, 2): columns and rows, 1 or more."""


@dataclass(frozen=True, slots=True)
class Raster:
    """The nearest surface in each pixel."""

    depth_mm: FloatArray
    """(row, column) float32, along z; inf where there is nothing."""
    triangle: IntArray
    """(row, column) int32, the row of ``faces``; -1 where there is nothing."""
    shares: FloatArray
    """(row, column, 3) float32: how much of each of the triangle's corners lies in the pixel, perspective corrected; 0 where there is nothing."""
    faces: IntArray
    """(m, 3), as given."""

    @property
    def covered(self) -> BoolArray:
        """(row, column): where something is seen."""
        return np.asarray(self.triangle >= 0)

    def of(self, attributes: FloatArray) -> FloatArray:
        """(row, column, c): values (n, c) of the vertices, interpolated; 0 where there is nothing."""
        values = np.asarray(attributes, np.float32)
        out = np.zeros((*self.triangle.shape, values.shape[1]), np.float32)
        at = self.covered
        corners = values[self.faces[self.triangle[at]]]
        out[at] = np.einsum("pk,pkc->pc", self.shares[at], corners)
        return out


def raster(vertices_mm: FloatArray, faces: IntArray, camera: Camera, *, both_sides: bool = False) -> Raster:
    """What ``camera`` sees of a mesh whose vertices (n, 3) are in camera axes (x right, y down, z forward).

    The picture has the camera's own size (``camera.of_size`` gives a smaller one). Triangles run counter-clockwise seen from outside; those seen from
    inside are left out, unless ``both_sides``. Lens distortion moves the corners; edges stay straight. A mesh of nothing gives an empty picture.

    Raises:
        InputError: The arrays have another shape.
    """
    points, triangles = np.asarray(vertices_mm, float), np.asarray(faces, np.int64)
    if points.shape[1:] != (3,) or triangles.shape[1:] != (3,):
        raise InputError(f"a raster needs vertices (n, 3) and faces (m, 3), got {points.shape} and {triangles.shape}")
    size = (camera.height, camera.width)
    depth = np.full(size[0] * size[1], np.inf, np.float32)
    number = np.full(depth.shape, -1, np.int32)
    shares = np.zeros((depth.size, 3), np.float32)
    seen = project(points, camera)
    kept = _kept(points, seen, triangles, camera, both_sides)
    for boxes in _parts(seen, triangles, kept, size):
        pixel, z, near, found = _covered(points[triangles[boxes.triangle], 2], seen[triangles[boxes.triangle]], boxes, size[1])
        np.minimum.at(depth, pixel, z)
        won = depth[pixel] == z
        number[pixel[won]], shares[pixel[won]] = found[won], near[won]
    return Raster(depth.reshape(size), number.reshape(size), shares.reshape(*size, 3), triangles)


def _kept(points: FloatArray, seen: FloatArray, triangles: IntArray, camera: Camera, both_sides: bool) -> IntArray:
    """The triangles that face the camera and lie before it."""
    if not len(triangles):
        return np.zeros(0, np.int64)
    ahead = is_in_view(points, camera, NEAR_MM)[triangles].all(axis=1)
    area = _area(seen, triangles)
    return np.flatnonzero(ahead & ((area != 0) if both_sides else (area < 0)))


def _area(seen: FloatArray, triangles: IntArray) -> FloatArray:
    """Twice the signed area in the picture; negative when the outside is seen, as y points down."""
    a, b, c = (seen[triangles[:, n]] for n in range(3))
    return np.asarray((b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0]))


def _parts(seen: FloatArray, triangles: IntArray, kept: IntArray, size: tuple[int, int]) -> Iterator[_Boxes]:
    """Those of the triangles whose boxes lie in the picture, some at a time."""
    corners = seen[triangles[kept]]
    end = np.array([size[1] - 1, size[0] - 1])
    low = np.clip(np.ceil(corners.min(axis=1)), 0, end + 1).astype(np.int64)
    span = np.clip(np.floor(corners.max(axis=1)), -1, end).astype(np.int64) - low + 1
    inside = (span > 0).all(axis=1)
    kept, low, span = kept[inside], low[inside], span[inside]
    total = np.cumsum(span[:, 0] * span[:, 1])
    begun = 0
    while begun < len(kept):
        before = total[begun - 1] if begun else 0
        stop = max(begun + 1, int(np.searchsorted(total, before + AT_ONCE, side="right")))
        yield _Boxes(kept[begun:stop], low[begun:stop], span[begun:stop])
        begun = stop


def _covered(z: FloatArray, corners: FloatArray, boxes: _Boxes, width: int) -> tuple[IntArray, FloatArray, FloatArray, IntArray]:
    """Of all pixels in triangles: flat index, depth, shares of the corners, and the triangle. ``z`` (t, 3) and ``corners`` (t, 3, 2) are of these triangles."""
    count = boxes.span[:, 0] * boxes.span[:, 1]
    own = np.repeat(np.arange(len(count)), count)
    place = np.arange(len(own)) - np.repeat(np.cumsum(count) - count, count)
    across = boxes.span[own, 0]
    row = place // across
    column, row = place - row * across + boxes.low[own, 0], row + boxes.low[own, 1]
    near = _shares(corners, own, column, row)
    inside = (near >= -EDGE).all(axis=1)
    own, near = own[inside], near[inside]
    weighted = near / z[own]
    inverse = weighted.sum(axis=1)
    pixel, shares = row[inside] * width + column[inside], (weighted / inverse[:, None]).astype(np.float32)
    return pixel, (1 / inverse).astype(np.float32), shares, boxes.triangle[own].astype(np.int32)


def _shares(corners: FloatArray, own: IntArray, column: IntArray, row: IntArray) -> FloatArray:
    """(p, 3): barycentric in the picture; linear in column and row, with three numbers a corner."""
    a, b, c = (corners[:, n] for n in range(3))
    whole = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    out = np.empty((len(own), 3))
    for n, (p, q) in enumerate(((b, c), (c, a))):
        across, down = (p[:, 1] - q[:, 1]) / whole, (q[:, 0] - p[:, 0]) / whole
        out[:, n] = across[own] * (column - p[own, 0]) + down[own] * (row - p[own, 1])
    out[:, 2] = 1 - out[:, 0] - out[:, 1]
    return out
