"""The surface along which a field has one value, as triangles.

Source: Lorensen, Cline, SIGGRAPH 1987. The table of cases is derived here: on each side of a cube the corners inside are cut off one
by one, so that two cubes agree on the side between them and the surface has no hole (Montani, Scateni, Scopigno, Visual Computer 10, 353 (1994)).
"""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np

from diaphane.core.arrays import Array, FloatArray, IntArray

Edge = tuple[int, int]
"""The corner where it begins, and the axis along which it runs; corner 4k + 2j + i lies at (k, j, i) of its cube."""
Loop = tuple[Edge, ...]
LEAST = 1e-3
"""A vertex keeps so far off the voxels' centres, in voxels: no triangle shrinks to a line."""
BLOCK = 8192
"""Cells at a time."""


def marching_cubes(field: FloatArray, level: float) -> tuple[FloatArray, IntArray]:
    """Vertices (n, 3) float32, as indices [k, j, i], and triangles (m, 3) int32 between what exceeds ``level`` in ``field`` [k, j, i] and what does not.

    Normals point to lower values where the axes k, j, i are right-handed. The surface is closed but where the field ends: there each of
    its edges belongs to one triangle, elsewhere to two.
    """
    cases = _cases(field, level)
    cells = np.flatnonzero((cases - np.uint8(1)) < 254)
    case, index = cases[cells], np.stack(np.unravel_index(cells, field.shape), axis=1)
    number, vertices = _vertices(field, level, cells, index, case)
    place = np.empty(field.size, np.int32)  # of each cell in ``number``; the rest is not read
    place[cells] = np.arange(0, 3 * len(cells), 3, dtype=np.int32)
    whole = (index < np.array(field.shape) - 1).all(axis=1)
    return vertices, number[_edges(place, cells[whole], case[whole], field.shape)]


def _edges(place: IntArray, cells: IntArray, case: Array, shape: tuple[int, ...]) -> IntArray:
    """(m, 3): where in ``number`` the vertices of each triangle stand; some cells at a time, so that what lies between stays in the cache."""
    corners, axes, first, counts = _table()
    away = np.ravel_multi_index(np.unravel_index(np.arange(8), (2, 2, 2)), shape)[corners]
    amount = counts[case]
    end = np.concatenate([[0], np.cumsum(amount)])
    edges = np.empty((end[-1], 3), np.int32)
    for n in range(0, len(cells), BLOCK):
        some = slice(n, n + BLOCK)
        lo, hi = end[n], end[min(n + BLOCK, len(cells))]
        row = np.arange(lo, hi) + np.repeat(first[case[some]] - end[:-1][some], amount[some])
        edges[lo:hi] = place[np.repeat(cells[some], amount[some])[:, None] + away[row]] + axes[row]
    return edges


def _vertices(field: FloatArray, level: float, cells: IntArray, index: IntArray, case: Array) -> tuple[IntArray, FloatArray]:
    """The number of the vertex on each of the three edges that begin at a cell's first corner (flat), and the vertices."""
    corners = case[:, None] >> np.array([4, 2, 1], np.uint8)
    crossed = (corners ^ case[:, None]) & 1
    number = np.cumsum(crossed.ravel(), dtype=np.int32) - 1
    cell, axes = np.divmod(np.flatnonzero(crossed), 3)
    start, flat = cells[cell], field.ravel()
    low, high = flat[start], flat[start + np.array([field.shape[1] * field.shape[2], field.shape[2], 1])[axes]]
    vertices = index[cell].astype(np.float32)
    vertices[np.arange(len(start)), axes] += np.clip((level - low) / (high - low), LEAST, 1 - LEAST)
    return number, vertices


def _cases(field: FloatArray, level: float) -> Array:
    """Which corners of the cube that begins at each voxel exceed ``level``, a bit a corner, flat; where it would leave the field, its last ones count twice."""
    cases = np.empty(field.shape, np.uint8)
    for plane, out in zip(field, cases, strict=True):
        bits = np.pad((plane > level).view(np.uint8), ((0, 1), (0, 1)), mode="edge")
        pairs = bits[:, :-1] | bits[:, 1:] << 1
        np.bitwise_or(pairs[:-1], pairs[1:] << 2, out=out)
    last = cases[-1].copy()
    for n in range(len(cases)):
        cases[n] |= (cases[n + 1] if n + 1 < len(cases) else last) << 4
    return cases.ravel()


@cache
def _table() -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Of all triangles of all cases: corner and axis of the edges (n, 3); of each case: where its triangles begin, and how many they are."""
    cases = [[triangle for loop in loops(case) for triangle in _triangles(loop) or ()] for case in range(256)]
    edges = np.array([triangle for triangles in cases for triangle in triangles])
    counts = np.array([len(triangles) for triangles in cases])
    return edges[..., 0], edges[..., 1], np.cumsum(counts) - counts, counts


def loops(case: int) -> list[Loop]:
    """The edges that the surface crosses, one after the other."""
    after = dict(pair for axis, side in product(range(3), range(2)) for pair in _segments(case, axis, side))
    loops = []
    while after:
        loop = [next(iter(after))]
        while (edge := after.pop(loop[-1])) != loop[0]:
            loop.append(edge)
        loops.append(tuple(loop))
    return loops


def _segments(case: int, axis: int, side: int) -> list[tuple[Edge, Edge]]:
    """Where the surface crosses one side of the cube: from edge to edge, around each run of corners that are inside."""
    across, up = 4 >> (axis + 1) % 3, 4 >> (axis + 2) % 3
    ring = [corner + side * (4 >> axis) for corner in (0, across, across + up, up)][:: 1 if side else -1]  # counter-clockwise from outside
    inside = [case >> corner & 1 for corner in ring]
    begins = [n for n in range(4) if inside[n] and not inside[n - 1]]
    ends = [next(m for m in range(n, n + 4) if not inside[(m + 1) % 4]) for n in begins]
    return [(_edge(ring[n - 1], ring[n]), _edge(ring[m % 4], ring[(m + 1) % 4])) for n, m in zip(begins, ends, strict=True)]


def _edge(one: int, other: int) -> Edge:
    return one & other, 2 - (one ^ other).bit_length() + 1


def _triangles(loop: Loop) -> list[Loop] | None:
    """``loop`` in triangles that have no inner edge on a side of the cube, where the next cube may have the same one; None: there are none."""
    if len(loop) == 3:
        return [loop]
    for n in range(len(loop)):
        before, ear, after = loop[n - 1], loop[n], loop[(n + 1) % len(loop)]
        if not _sides(before) & _sides(after) and (rest := _triangles(tuple(edge for edge in loop if edge != ear))):
            return [(before, ear, after), *rest]
    return None


def _sides(edge: Edge) -> set[tuple[int, int]]:
    """The two sides of the cube, as axis and side, on which an edge lies."""
    corner, along = edge
    return {(axis, corner >> (2 - axis) & 1) for axis in range(3) if axis != along}
