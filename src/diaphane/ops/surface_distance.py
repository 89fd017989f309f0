"""How far apart the surfaces of two masks are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from diaphane.core.arrays import BoolArray, FloatArray
from diaphane.errors import InputError
from diaphane.ops.distance import distance

SPARSE = 30
"""A tree of surface voxels takes as long as a map of distances over so many times as many voxels."""


@dataclass(frozen=True, slots=True)
class SurfaceDistance:
    """From each surface voxel of one mask to the nearest of the other, both ways, in the unit of the spacing.

    Both are empty where a mask has no voxel: a distance to nothing does not exist. Equal to MONAI's ``compute_hausdorff_distance``
    and ``compute_surface_dice`` (without subvoxels) on the same masks.
    """

    there: FloatArray
    """float32, in no order."""
    back: FloatArray
    voxels: int
    """Of both surfaces together, also where there are no distances."""

    def hausdorff(self, percentile: float = 95.0) -> float:
        """The larger of the two percentiles of the distances (HD95); NaN where a mask is empty.

        Source: Huttenlocher et al., IEEE TPAMI 15, 850 (1993); the percentile as in the BraTS challenge.
        """
        if not len(self.there):
            return math.nan
        return max(float(np.percentile(distances, percentile)) for distances in (self.there, self.back))

    def within(self, tolerance: float) -> float:
        """Share of both surfaces that lies within ``tolerance`` of the other (NSD), 0-1; 0 where one mask is empty, NaN where both are.

        Source: Nikolov et al., J Med Internet Res 23, e26151 (2021), with surface voxels counted alike.
        """
        if not self.voxels:
            return math.nan
        return sum(int(np.count_nonzero(distances <= tolerance)) for distances in (self.there, self.back)) / self.voxels


def surface_distance(a: BoolArray, b: BoolArray, spacing: Sequence[float] = (1.0, 1.0, 1.0)) -> SurfaceDistance:
    """Distances between the surfaces of two masks [k, j, i] with this ``spacing`` along k, j, i; a picture has k = 1.

    A voxel is on the surface when one of its 6 neighbours (4 in a picture, whose slice has no upper and lower side) is outside
    the mask or outside the array.

    Raises:
        InputError: The masks differ in shape, or the spacing is not three positive numbers.
    """
    if a.shape != b.shape or a.ndim != 3:
        raise InputError(f"two masks must have one shape [k, j, i], got {a.shape} and {b.shape}; bring them onto one grid first")
    if len(spacing) != 3 or not all(math.isfinite(s) and s > 0 for s in spacing):
        raise InputError(f"the spacing must be three positive numbers (k, j, i), got {tuple(spacing)}")
    flat = a.shape[0] == 1
    box = _box(a | b)
    one, other = (_surface(mask[box], flat) for mask in (a, b))
    voxels = int(np.count_nonzero(one)) + int(np.count_nonzero(other))
    if not one.any() or not other.any():
        return SurfaceDistance(np.empty(0, np.float32), np.empty(0, np.float32), voxels)
    return SurfaceDistance(_nearest(one, other, spacing), _nearest(other, one, spacing), voxels)


def _box(mask: BoolArray) -> tuple[slice, ...]:
    """Around what is in ``mask``."""
    ends = []
    for axis in range(3):
        seen = np.flatnonzero(mask.any(axis=tuple(n for n in range(3) if n != axis)))
        ends.append(slice(int(seen[0]), int(seen[-1]) + 1) if len(seen) else slice(0, 0))
    return tuple(ends)


def _surface(mask: BoolArray, flat: bool) -> BoolArray:
    """The voxels with a neighbour outside; of a ``flat`` array along rows and columns only."""
    inner = mask.copy()
    for axis in range(1 if flat else 0, 3):
        along = np.moveaxis(mask, axis, 0)
        left = np.moveaxis(inner, axis, 0)  # a view
        left[1:] &= along[:-1]
        left[:-1] &= along[1:]
        left[:1] = left[-1:] = False
    return mask & ~inner


def _nearest(surface: BoolArray, other: BoolArray, spacing: Sequence[float]) -> FloatArray:
    """From each voxel of ``surface`` to the nearest of ``other``: by a tree of points, or by a map of distances where surfaces fill much of the box."""
    apart = np.argwhere(surface & ~other)
    if SPARSE * len(apart) > surface.size:
        return distance(~other, spacing)[surface]
    distances = np.zeros(int(np.count_nonzero(surface)), np.float32)
    if len(apart):
        tree = cKDTree(np.argwhere(other) * spacing, leafsize=32, balanced_tree=False, compact_nodes=False)
        distances[: len(apart)] = tree.query(apart * spacing)[0]
    return distances
