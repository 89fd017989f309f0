"""Area and volume of the surface half-way between the voxels of a region and the others, and the points that it reaches furthest at.

Neither needs a mesh: of a mask each of the 256 cubes of marching cubes has one area and one share of the volume, and so cubes are counted.

Source: IBSI reference manual, sections 3.1.1 and 3.1.3. The surface of a cube is that of Lorensen, Cline, SIGGRAPH 1987; how its corners are cut into
triangles changes the numbers in the third digit, and the reference values were made with the table of Bourke, "Polygonising a scalar field" (1994), whose
choices are written here as rules.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from diaphane.core.arrays import Array, BoolArray, FloatArray, IntArray
from diaphane.measure.cube_loops import Edge, Loop, loops

Triangle = tuple[int, int, int]
TURNED = 6
"""In pyradiomics a cube with this corner (k 1, j 1, i 0) inside has the surface of the one with all corners the other way round, inside out.

Where two such cubes meet at a side with two opposite corners inside, their surfaces do not join: its meshes have holes, the IBSI's here have none.
"""
ODD = 54
"""The one cube whose pentagon begins elsewhere in pyradiomics."""
LONG = "L"
"""A step across a whole side of the cube; the others cut a corner off."""


def area_and_volume(mask: BoolArray, matrix: FloatArray, *, turned: bool = False) -> tuple[float, float]:
    """Of the surface around ``mask`` [k, j, i], not empty; ``matrix`` (3, 3) maps its steps to lengths. ``turned``: as pyradiomics 3.0 draws it."""
    case, normal, inner = _table(turned)
    cells, places = _cells(mask)
    amount = np.bincount(cells, minlength=256)
    stretched = normal @ (np.linalg.inv(matrix) * np.linalg.det(matrix))  # a normal goes by the cofactors
    area = amount[case] @ np.linalg.norm(stretched, axis=1) / 2
    moved = np.stack([np.bincount(cells, places[:, n], 256) for n in range(3)], axis=1)
    volume = (amount[case] @ inner + np.einsum("tn,tn->", moved[case], normal)) / 6
    return float(area), abs(float(volume) * float(np.linalg.det(matrix)))


def extremes(mask: BoolArray, matrix: FloatArray) -> FloatArray:
    """(n, 3): the first and last points of the surface along each line of voxels, in lengths; they have its convex hull and its box."""
    points = []
    for axis in range(3):
        lines = np.moveaxis(mask, axis, -1)
        some = np.argwhere(lines.any(axis=-1))
        first = lines.argmax(axis=-1)[tuple(some.T)] - 0.5
        last = mask.shape[axis] - lines[..., ::-1].argmax(axis=-1)[tuple(some.T)] - 0.5
        points += [np.insert(some.astype(np.float64), axis, ends, axis=1) for ends in (first, last)]
    found = np.concatenate(points) @ matrix.T
    return np.asarray(found - found.mean(axis=0))


def surface_points(mask: BoolArray) -> FloatArray:
    """(n, 3): every point of the surface between two voxels, as indices."""
    padded = np.pad(mask, 1)
    points = []
    for axis in range(3):
        crossed = np.argwhere(np.diff(padded, axis=axis)).astype(np.float64) - 1
        crossed[:, axis] += 0.5
        points.append(crossed)
    return np.concatenate(points)


def _cells(mask: BoolArray) -> tuple[IntArray, FloatArray]:
    """Of the cubes that the surface crosses: which corners are inside, a bit a corner, and where they are (n, 3)."""
    bits: Array = np.pad(mask, 1).view(np.uint8)
    for axis in (2, 1, 0):
        low, high = (tuple(slice(a, b) if n == axis else slice(None) for n in range(3)) for a, b in ((None, -1), (1, None)))
        bits = bits[low] | bits[high] << (4 >> axis)
    where = np.nonzero((bits - np.uint8(1)) < 254)
    return bits[where], np.stack(where, axis=1).astype(np.float64)


@cache
def _table(turned: bool) -> tuple[IntArray, FloatArray, FloatArray]:
    """Of all triangles: case (t,), twice the area along the normal (t, 3), and six times the volume to the cube's origin (t,)."""
    cases = [(case, _points(case, turned)) for case in range(1, 255)]
    triangles = np.array([t for _, some in cases for t in some])
    a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
    of = np.array([case for case, some in cases for _ in some])
    return of, np.cross(b - a, c - a), np.einsum("tn,tn->t", a, np.cross(b, c))


def _points(case: int, turned: bool) -> list[list[list[float]]]:
    """The corners of each triangle."""
    if turned and case >> TURNED & 1:
        return [triangle[::-1] for triangle in _points(255 - case, turned)]
    odd = turned and case == ODD
    return [[_middle(loop[n]) for n in triangle] for loop in loops(case) for triangle in _triangles(case, loop, odd)]


def _middle(edge: Edge) -> list[float]:
    corner, axis = edge
    return [(corner >> (2 - n) & 1) + (0.5 if n == axis else 0.0) for n in range(3)]


def _triangles(case: int, loop: Loop, odd: bool) -> list[Triangle]:
    """A polygon in triangles: all from one of its corners, but where two long steps are opposite."""
    size = len(loop)
    steps = "".join(LONG if one[1] == other[1] else "s" for one, other in zip(loop, loop[1:] + loop[:1], strict=True))
    turn = min(range(size), key=lambda n: steps[n:] + steps[:n])
    if steps[turn:] + steps[:turn] == "LssLss":
        ends = [(turn + n) % 6 for n in range(0, 6, 2)]
        return [(n, (n + 1) % 6, (n + 2) % 6) for n in ends] + [(ends[0], ends[1], ends[2])]
    apex = (turn + _apex(case, size, odd)) % size if LONG in steps else _corner(case, loop)
    return [(apex, (apex + n) % size, (apex + n + 1) % size) for n in range(1, size - 1)]


def _apex(case: int, size: int, odd: bool) -> int:
    """Where the triangles meet, in steps from the long one or the first of two."""
    if size == 7:
        return 5
    return 2 if case.bit_count() < 5 and not odd else 0


def _corner(case: int, loop: Loop) -> int:
    """The same of a polygon with short steps only; it is flat unless two corners of one side are outside."""
    if case.bit_count() != 6 or len(loop) != 6:
        return 0
    outside = [n for n in range(8) if not case >> n & 1]
    along = next(n for n in range(3) if not (outside[0] ^ outside[1]) >> (2 - n) & 1)
    corner = next(n for n in outside if n != TURNED)
    return loop.index((corner & ~(4 >> along), along))
