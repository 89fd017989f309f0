"""The principal axes of a mask, and what lies across them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diaphane.core.arrays import BoolArray, FloatArray, IntArray

SECTORS = 8
ABOUT = ("minor", "major")
"""The axis that a fold along the n-th vector turns about: the other one."""


@dataclass(frozen=True, slots=True)
class Axes:
    """Of a mask (row, column) with at least one pixel; px."""

    rows: IntArray
    """(n,) of its pixels, in reading order."""
    columns: IntArray
    centre: FloatArray
    """x, y."""
    variances: FloatArray
    """Along the axes, large first. A pixel is a unit square: 1/12 is added to each, so that none is 0."""
    vectors: FloatArray
    """The axes as columns (x, y)."""
    offsets: FloatArray
    """(n, 2) x, y of the pixels from the centre."""

    def folded(self, mask: BoolArray, n: int) -> tuple[BoolArray, IntArray]:
        """Each pixel's mirror image, folded along the ``n``-th axis: whether it lies in ``mask``, and the places, in reading order, of those that do."""
        across = 2 * (self.offsets @ self.vectors[:, n])
        x, y = (np.rint(self.offsets[:, k] - across * self.vectors[k, n] + self.centre[k]).astype(np.int64) for k in (0, 1))
        inside = (x >= 0) & (y >= 0) & (x < mask.shape[1]) & (y < mask.shape[0])
        place = y * mask.shape[1] + x
        hit = inside & mask.ravel()[np.where(inside, place, 0)]
        return np.asarray(hit), place.compress(hit)


def principal_axes(mask: BoolArray, origin: tuple[int, int] = (0, 0)) -> Axes:
    """The axes of the ellipse with the second moments of ``mask``, which begins at ``origin`` (row, column) of a picture.

    Of a disc any two are; the place in the picture then decides by rounding.
    """
    rows, columns = np.nonzero(mask)
    points = np.stack([columns + origin[1], rows + origin[0]], axis=1).astype(np.float64)
    centre = points.mean(axis=0)
    away = points - centre
    variances, vectors = np.linalg.eigh(away.T @ away / len(points) + np.eye(2) / 12)
    return Axes(rows, columns, centre - origin[::-1], variances[::-1], vectors[:, ::-1], away)


def sector_of(offsets: FloatArray, vectors: FloatArray) -> IntArray:
    """(n,) 0 to 7: the eighth of the circle, counted from the major axis, in which offsets (n, 2) from the centre lie."""
    along, across = (offsets @ vectors).T
    return np.asarray(np.floor(np.arctan2(across, along) / (2 * np.pi / SECTORS)), np.int64) % SECTORS
