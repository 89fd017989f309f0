"""The smooth surface of a mask: as good as flat where only voxels make steps, and never further from them than half a voxel.

Source: surface nets, Gibson, MICCAI 1998 (a vertex in each cell that the surface crosses, moved freely within it); the filter that takes out the
steps and keeps the volume: Taubin, Zhang, Golub, ECCV 1996.
"""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
from scipy import sparse

from diaphane.core.arrays import Array, BoolArray, FloatArray, IntArray

FINE, COARSE, LARGE = 0.2, 0.1, 5000
"""Of the mesh's frequencies (0-2) those below are kept: of a body with fewer vertices than ``LARGE`` waves longer than some six voxels, of others ten.
Steps are shorter; a small body has nothing longer than itself."""
ORDER = 16
"""Of the polynomial that stands for the ideal filter."""
FREE, REACH = np.float32(0.45), np.float32(0.5)
"""Voxels along each axis from the middle of its cell to where a vertex may go, smoothed and at last: the two sides of a single voxel never meet."""
GROWS = 0.35
"""Voxels that it may grow or shrink by at last."""
TIE = 1e-3
"""Diagonals that differ less are equal: where a body lies in the array changes nothing."""
CORNERS = np.array(list(product(range(2), repeat=3)))
"""Corner 4k + 2j + i of a cell lies at (k, j, i)."""


def surface_nets(mask: BoolArray) -> tuple[FloatArray, IntArray]:
    """Vertices (n, 3) float32, as indices [k, j, i], and triangles (m, 3) int32 around ``mask`` [k, j, i]; normals point outward on right-handed axes.

    The surface is closed, also where the mask reaches the array's end. Bodies that touch at an edge of voxels share its vertices.
    """
    padded = np.pad(mask, 1)
    cells, cases = _crossed(padded)
    number = np.full(padded.size, -1, np.int32)
    number[cells] = np.arange(len(cells), dtype=np.int32)
    steps = np.array([padded.shape[1] * padded.shape[2], padded.shape[2], 1])
    centres, through = _table()
    middles = np.stack(np.unravel_index(cells, padded.shape), axis=1).astype(np.float32) - np.float32(0.5)
    start = middles + centres[cases]
    vertices = _smooth(start, middles, _neighbours(number, cells, cases, through, steps))
    faces = _triangles(vertices, _quads(number, cells, cases, steps))
    grown = _grown(vertices, faces, int(np.count_nonzero(mask)))
    return np.clip(grown, middles - REACH, middles + REACH), faces


def _crossed(padded: BoolArray) -> tuple[IntArray, Array]:
    """The cells whose corners differ, by the flat index of their first corner, and which of the corners are inside, a bit each."""
    cases = padded.astype(np.uint8)
    for axis in (2, 1, 0):
        low, high = np.moveaxis(cases, axis, 0)[:-1], np.moveaxis(cases, axis, 0)[1:].copy()
        low |= high << (4 >> axis)
    flat = cases.ravel()
    cells = np.flatnonzero((flat - np.uint8(1)) < 254)
    return cells, flat[cells]


@cache
def _table() -> tuple[FloatArray, BoolArray]:
    """Of each case: the mean of where the surface crosses the cell's edges, from its middle, and whether it goes on through the far side along each axis."""
    inside = (np.arange(256)[:, None] >> np.arange(8) & 1).astype(bool)
    edges = np.array([(a, b) for a in range(8) for b in range(a) if np.abs(CORNERS[a] - CORNERS[b]).sum() == 1])
    crossed = inside[:, edges[:, 0]] != inside[:, edges[:, 1]]
    middles = CORNERS[edges].mean(axis=1)
    centres = (crossed @ middles) / np.maximum(crossed.sum(axis=1, keepdims=True), 1)
    far = [inside[:, CORNERS[:, axis] == 1] for axis in range(3)]
    through = np.stack([side.any(axis=1) & ~side.all(axis=1) for side in far], axis=1)
    return np.where(crossed.any(axis=1, keepdims=True), centres - 0.5, 0).astype(np.float32), through


def _neighbours(number: IntArray, cells: IntArray, cases: Array, through: BoolArray, steps: IntArray) -> sparse.csr_array:
    """(n, n): a row takes the mean over the vertices with which a vertex shares an edge of the surface."""
    own, axes = np.nonzero(through[cases])
    other = number[cells[own] + steps[axes]]
    n = len(cells)
    counts = np.bincount(own, minlength=n) + np.bincount(other, minlength=n)
    rows, columns = np.concatenate([own, other]), np.concatenate([other, own])
    return sparse.csr_array(((1 / counts[rows]).astype(np.float32), (rows, columns)), shape=(n, n))


def _smooth(places: FloatArray, middles: FloatArray, mean: sparse.csr_array) -> FloatArray:
    """``places`` without their short waves, each still in its cell."""
    weights = _low_pass(FINE if len(places) < LARGE else COARSE)
    before, now = places, (places + mean @ places) / 2
    out = weights[0] * before + weights[1] * now
    for weight in weights[2:]:
        before, now = now, now + mean @ now - before
        out += weight * now
    return np.asarray(np.clip(out, middles - FREE, middles + FREE))


@cache
def _low_pass(passed: float) -> FloatArray:
    """Chebyshev's coefficients of the ideal low pass, under a Hamming window."""
    angle, n = np.arccos(1 - passed / 2), np.arange(1, ORDER + 1)
    weights = np.concatenate([[angle / np.pi], 2 * np.sin(n * angle) / (n * np.pi)])
    weights *= 0.54 + 0.46 * np.cos(np.pi * np.arange(ORDER + 1) / (ORDER + 1))
    return np.asarray(weights / weights.sum(), np.float32)


def _grown(vertices: FloatArray, faces: IntArray, count: int) -> FloatArray:
    """``vertices`` moved along their normals, all as far, so that they enclose ``count`` voxels: round corners enclose fewer than the voxels' own."""
    first = vertices[faces[:, 0]]
    vectors = _crossed_product(vertices[faces[:, 1]] - first, vertices[faces[:, 2]] - first)
    volume = float(np.einsum("ij,ij->", first - vertices.mean(axis=0), vectors, dtype=np.float64)) / 6
    area = float(np.sqrt(np.einsum("ij,ij->i", vectors, vectors)).sum(dtype=np.float64)) / 2
    step = np.clip((count - volume) / max(area, 1e-9), -GROWS, GROWS)
    around = sparse.csr_array((np.ones(faces.size, np.float32), faces.ravel(), np.arange(0, faces.size + 1, 3)), shape=(len(faces), len(vertices)))
    normals = around.T @ vectors
    lengths = np.sqrt(np.einsum("ij,ij->i", normals, normals))[:, None]
    return np.asarray(vertices + np.float32(step) * normals / np.maximum(lengths, np.float32(1e-30)))


def _crossed_product(a: FloatArray, b: FloatArray) -> FloatArray:
    """By column: three times as fast as NumPy's."""
    out = np.empty_like(a)
    for n in range(3):
        p, q = (n + 1) % 3, (n + 2) % 3
        np.subtract(a[:, p] * b[:, q], a[:, q] * b[:, p], out=out[:, n])
    return out


def _quads(number: IntArray, cells: IntArray, cases: Array, steps: IntArray) -> IntArray:
    """(m, 4): the cells around each edge between a voxel inside and one that is not, counter-clockwise from outside."""
    found = []
    first = cases & 1
    for axis in range(3):
        far = cases >> (4 >> axis) & 1
        across, up = steps[(axis + 1) % 3], steps[(axis + 2) % 3]
        for outward, at in ((True, np.flatnonzero(first > far)), (False, np.flatnonzero(first < far))):
            ring = (0, -across, -across - up, -up)
            found.append(np.stack([number[cells[at] + step] for step in (ring if outward else ring[::-1])], axis=1))
    return np.concatenate(found)


def _triangles(vertices: FloatArray, quads: IntArray) -> IntArray:
    """Each quad in two, along its shorter diagonal."""
    a, b, c, d = (vertices[quads[:, n]] for n in range(4))
    along = (np.square(a - c).sum(axis=1) < np.square(b - d).sum(axis=1) + TIE)[:, None]
    first = np.where(along, quads[:, [0, 1, 2]], quads[:, [0, 1, 3]])
    second = np.where(along, quads[:, [0, 2, 3]], quads[:, [1, 2, 3]])
    return np.stack([first, second], axis=1).reshape(-1, 3).astype(np.int32)
