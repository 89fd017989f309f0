"""Shape of a region of a volume. Source: IBSI reference manual, section 3.1 (arXiv 1612.07003).

Everything is computed through the affine, so that volumes with oblique or sheared axes (a tilted gantry) are right.
"""

from __future__ import annotations

import math
from itertools import combinations_with_replacement

import numpy as np
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import cdist
from skimage.measure import marching_cubes

from diaphane.core.arrays import BoolArray, FloatArray
from diaphane.core.geometry import Geometry
from diaphane.core.region import Feature, Region
from diaphane.measure.shape import FAMILY

CODES = {
    "volume_mesh": "RNU0", "volume_voxel_counting": "YEKZ", "surface_area": "C0JK", "surface_to_volume_ratio": "2PR5", "sphericity": "QCFX",
    "maximum_3d_diameter": "L0JK", "major_axis_length": "TDIC", "minor_axis_length": "P9VJ", "least_axis_length": "7J51",
    "elongation": "Q3CK", "flatness": "N17B",
}  # fmt: skip
CHUNK = 512
"""Points whose distances to all others are held at once."""


def features(region: Region, geometry: Geometry, shape: tuple[int, int, int]) -> list[Feature]:
    """Volume, surface, diameters, axes, centre; in mm where the volume has a scale, else in px. ``shape`` is the image's.

    One voxel has a volume and a surface; it has no axes (NaN).
    """
    unit = "mm" if geometry.calibrated else "px"
    matrix = geometry.affine[:3, :3]
    volume = int(np.count_nonzero(region.mask)) * abs(float(np.linalg.det(matrix)))
    area, enclosed, diameter = mesh_measures(region.mask, matrix)
    centre, axes = centre_and_axes(region, geometry)
    major, minor, least = (float(a) for a in axes)
    values: list[tuple[str, float, str]] = [
        ("volume", volume / 1000 if geometry.calibrated else volume, "mL" if geometry.calibrated else "px3"),
        ("volume_mesh", enclosed, f"{unit}3"),
        ("volume_voxel_counting", volume, f"{unit}3"),
        ("surface_area", area, f"{unit}2"),
        ("surface_to_volume_ratio", area / enclosed, f"{unit}-1"),
        ("sphericity", (36 * math.pi * enclosed**2) ** (1 / 3) / area, "1"),
        ("maximum_3d_diameter", diameter, unit),
        ("major_axis_length", major, unit),
        ("minor_axis_length", minor, unit),
        ("least_axis_length", least, unit),
        ("elongation", minor / major, "1"),
        ("flatness", least / major, "1"),
        *((f"centre_of_mass_{axis}", float(value), unit) for axis, value in zip("xyz", centre, strict=True)),
        ("border_touch", border_touch(region, shape), "1"),
    ]
    return [
        Feature(
            family=FAMILY, name=name, value=value, unit=unit, ibsi_code=CODES.get(name, ""),
            nan_reason="one voxel has no axes" if math.isnan(value) else "",
        )
        for name, value, unit in values
    ]  # fmt: skip


def mesh_measures(mask: BoolArray, matrix: FloatArray) -> tuple[float, float, float]:
    """Area, enclosed volume and largest distance between two points of the mesh at 0.5 of ``mask`` (IBSI: marching cubes).

    ``matrix`` (3x3) maps voxel steps to lengths.
    """
    vertices, faces, _, _ = marching_cubes(np.pad(mask, 1).astype(np.float32), 0.5, allow_degenerate=False)
    placed = vertices.astype(np.float64) @ matrix.T
    placed -= placed.mean(axis=0)
    a, b, c = (placed[faces[:, n]] for n in range(3))
    normal = np.cross(b - a, c - a)
    area = float(np.linalg.norm(normal, axis=1).sum()) / 2
    enclosed = abs(float(np.einsum("ij,ij->", a, normal))) / 6
    return area, enclosed, _largest_distance(placed)


def _largest_distance(points: FloatArray) -> float:
    """Largest distance between two of ``points`` (n, 3)."""
    try:
        points = points[ConvexHull(points).vertices]
    except QhullError:  # flat to rounding: all points are few then
        points = np.unique(points, axis=0)
    rows = (points[n : n + CHUNK] for n in range(0, len(points), CHUNK))
    return max(float(cdist(some, points).max()) for some in rows)


def centre_and_axes(region: Region, geometry: Geometry) -> tuple[FloatArray, FloatArray]:
    """World position of the centre of mass, and four standard deviations along the principal axes, longest first.

    The variances are those of a sample (n - 1, as the IBSI's reference values have it); of one voxel they are NaN.
    """
    mask = region.mask
    count = int(np.count_nonzero(mask))
    steps = [np.arange(n, dtype=np.float64) for n in mask.shape]
    middle = np.array([mask.sum(axis=tuple({0, 1, 2} - {axis})) @ steps[axis] / count for axis in range(3)])
    covariance = np.empty((3, 3))
    for one, other in combinations_with_replacement(range(3), 2):  # through projections: no list of all voxels is made
        plane = mask.sum(axis=({0, 1, 2} - {one, other}).pop()) if one != other else np.diag(mask.sum(axis=tuple({0, 1, 2} - {one})))
        scatter = (steps[one] - middle[one]) @ plane @ (steps[other] - middle[other])
        covariance[one, other] = covariance[other, one] = scatter / (count - 1) if count > 1 else math.nan
    centre = geometry.to_world(middle + [start for start, _ in region.box])
    if count == 1:
        return centre, np.full(3, math.nan)
    matrix = geometry.affine[:3, :3]
    variances = np.linalg.eigvalsh(matrix @ covariance @ matrix.T)[::-1]
    return centre, 4 * np.sqrt(np.clip(variances, 0, None))


def border_touch(region: Region, shape: tuple[int, int, int]) -> float:
    """Share of the volume's six sides, in voxels, that the region lies on: above 0, the region may be cut off."""
    touching = 0
    for axis, ((start, stop), n) in enumerate(zip(region.box, shape, strict=True)):
        touching += int(region.mask.take(0, axis).sum()) * (start == 0) + int(region.mask.take(-1, axis).sum()) * (stop == n)
    k, j, i = shape
    return touching / (2 * (k * j + k * i + j * i))
