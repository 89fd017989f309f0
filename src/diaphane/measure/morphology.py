"""Shape of a region, and how its intensities lie in it. Source: IBSI reference manual, section 3.1 (arXiv 1612.07003).

Everything is computed through the three steps of the grid, so that oblique or sheared axes (a tilted gantry) are right.
"""

from __future__ import annotations

import math
from itertools import combinations_with_replacement

import numpy as np
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import cdist

from diaphane.core.arrays import Array, BoolArray, FloatArray
from diaphane.measure.aggregate import Aggregated
from diaphane.measure.cubes import area_and_volume, extremes
from diaphane.measure.sample import Sample

CODES = {
    "volume_mesh": "RNU0", "volume_voxel_counting": "YEKZ", "surface_area": "C0JK", "surface_to_volume_ratio": "2PR5", "compactness_1": "SKGS",
    "compactness_2": "BQWJ", "spherical_disproportion": "KRCK", "sphericity": "QCFX", "asphericity": "25C7", "centre_of_mass_shift": "KLMA",
    "maximum_3d_diameter": "L0JK", "major_axis_length": "TDIC", "minor_axis_length": "P9VJ", "least_axis_length": "7J51", "elongation": "Q3CK",
    "flatness": "N17B", "volume_density_axis_aligned_bounding_box": "PBX1", "area_density_axis_aligned_bounding_box": "R59B",
    "volume_density_approximate_enclosing_ellipsoid": "6BDE", "area_density_approximate_enclosing_ellipsoid": "RDD2",
    "volume_density_convex_hull": "R3ER", "area_density_convex_hull": "7T7F", "integrated_intensity": "99N0", "morans_i": "N365", "gearys_c": "NPT7",
}  # fmt: skip
UNITS = {
    "volume_mesh": "{}3", "volume_voxel_counting": "{}3", "surface_area": "{}2", "surface_to_volume_ratio": "{}-1", "centre_of_mass_shift": "{}",
    "maximum_3d_diameter": "{}", "major_axis_length": "{}", "minor_axis_length": "{}", "least_axis_length": "{}",
}  # fmt: skip
"""In lengths; the others are plain numbers."""
CHUNK = 64
"""Points whose distances to all others are held at once."""
TERMS = 20
"""Of the series for the area of an ellipsoid (IBSI: 20 suffice)."""
MOST_NEIGHBOURS = 1 << 18
"""Voxels of a box of which each is compared with each other one, which takes some sixty times its memory."""


def largest_distance(points: FloatArray) -> float:
    """Largest distance between two of ``points`` (n, 2 or 3)."""
    try:
        points = points[ConvexHull(points).vertices]
    except QhullError:  # flat to rounding: all points are few then
        points = np.unique(points, axis=0)
    rows = (points[n : n + CHUNK] for n in range(0, len(points), CHUNK))
    return max(float(cdist(some, points).max()) for some in rows)


def centre_and_axes(mask: BoolArray, matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Index of the centre of mass, and four standard deviations along the principal axes in lengths, longest first.

    The variances are those of a sample (n - 1, as the IBSI's reference values have it); of one voxel they are NaN.
    """
    count = int(np.count_nonzero(mask))
    steps = [np.arange(n, dtype=np.float64) for n in mask.shape]
    middle = np.array([mask.sum(axis=tuple({0, 1, 2} - {axis})) @ steps[axis] / count for axis in range(3)])
    if count == 1:
        return middle, np.full(3, math.nan)
    covariance = np.empty((3, 3))
    for one, other in combinations_with_replacement(range(3), 2):  # through projections: no list of all voxels is made
        plane = mask.sum(axis=({0, 1, 2} - {one, other}).pop()) if one != other else np.diag(mask.sum(axis=tuple({0, 1, 2} - {one})))
        scatter = (steps[one] - middle[one]) @ plane @ (steps[other] - middle[other])
        covariance[one, other] = covariance[other, one] = scatter / (count - 1)
    variances = np.linalg.eigvalsh(matrix @ covariance @ matrix.T)[::-1]
    return middle, 4 * np.sqrt(np.clip(variances, 0, None))


def of_surface(area: float, volume: float) -> dict[str, float]:
    """Size and roundness."""
    ball = (36 * math.pi * volume**2) ** (1 / 3)
    return {
        "volume_mesh": volume,
        "surface_area": area,
        "surface_to_volume_ratio": area / volume,
        "compactness_1": volume / (math.sqrt(math.pi) * area**1.5),
        "compactness_2": 36 * math.pi * volume**2 / area**3,
        "spherical_disproportion": area / ball,
        "sphericity": ball / area,
        "asphericity": area / ball - 1,
    }


def features(sample: Sample, *, turned: bool = False) -> Aggregated:
    """Every feature of CODES; ``turned``: of the surface that pyradiomics draws."""
    if not sample.shape_mask.any():
        return Aggregated("", dict.fromkeys(CODES, math.nan), dict.fromkeys(CODES, sample.no_value))
    area, volume = area_and_volume(sample.shape_mask, sample.matrix, turned=turned)
    points = extremes(sample.shape_mask, sample.matrix)
    centre, axes = centre_and_axes(sample.shape_mask, sample.matrix)
    values = {
        **of_surface(area, volume),
        "maximum_3d_diameter": largest_distance(points),
        "volume_voxel_counting": int(np.count_nonzero(sample.shape_mask)) * abs(float(np.linalg.det(sample.matrix))),
        **dict(zip(("major_axis_length", "minor_axis_length", "least_axis_length"), map(float, axes), strict=True)),
        "elongation": float(axes[1] / axes[0]),
        "flatness": float(axes[2] / axes[0]),
        **_densities(area, volume, points, axes),
    }
    reasons = {name: "one voxel has no axes" for name, value in values.items() if math.isnan(value)}
    reasons |= {name: "a flat region has no enclosing ellipsoid" for name in reasons if "ellipsoid" in name and not math.isnan(axes[0])}
    found, missing = _weighted(sample, centre, volume)
    values |= found
    return Aggregated("", {name: values[name] for name in CODES}, reasons | missing)


def _densities(area: float, volume: float, points: FloatArray, axes: FloatArray) -> dict[str, float]:
    """Volume and area as shares of those of what encloses the surface."""
    sides = np.ptp(points, axis=0)
    a, b, c = (float(axis) / 2 for axis in axes)
    hull = ConvexHull(points)
    solid = 4 / 3 * math.pi * a * b * c
    return {
        "volume_density_axis_aligned_bounding_box": volume / float(sides.prod()),
        "area_density_axis_aligned_bounding_box": area / (2 * float(sides[0] * sides[1] + sides[0] * sides[2] + sides[1] * sides[2])),
        "volume_density_approximate_enclosing_ellipsoid": volume / solid if solid > 0 else math.nan,
        "area_density_approximate_enclosing_ellipsoid": area / _ellipsoid_area(a, b, c) if solid > 0 else math.nan,
        "volume_density_convex_hull": volume / float(hull.volume),
        "area_density_convex_hull": area / float(hull.area),
    }


def _ellipsoid_area(a: float, b: float, c: float) -> float:
    """By Legendre polynomials, a >= b >= c > 0."""
    alpha, beta = math.sqrt(max(0.0, 1 - (b / a) ** 2)), math.sqrt(1 - (c / a) ** 2)
    if alpha * beta == 0:  # two axes or all are equal: closed forms
        return _spheroid_area(a, b, c)
    at, ratio = alpha * beta, (alpha**2 + beta**2) / (2 * alpha * beta)
    terms = np.array([at**n / (1 - 4 * n**2) for n in range(TERMS + 1)])
    return 4 * math.pi * a * b * float(np.polynomial.legendre.legval(ratio, terms))


def _spheroid_area(a: float, b: float, c: float) -> float:
    if a == c:
        return 4 * math.pi * a**2
    e = math.sqrt(1 - (c / a) ** 2)  # a = b: oblate
    return 2 * math.pi * a**2 * (1 + (1 - e**2) / e * math.atanh(e))


def _weighted(sample: Sample, centre: FloatArray, volume: float) -> tuple[dict[str, float], dict[str, str]]:
    """What joins shape and intensity, and why some of it does not exist."""
    names = ("centre_of_mass_shift", "integrated_intensity", "morans_i", "gearys_c")
    if sample.no_value:
        return dict.fromkeys(names, math.nan), dict.fromkeys(names, sample.no_value)
    values = dict.fromkeys(names, math.nan)
    reasons: dict[str, str] = {}
    total, heavy = _moments(sample)
    values["integrated_intensity"] = total / int(np.count_nonzero(sample.mask)) * volume
    if total:
        values["centre_of_mass_shift"] = float(np.linalg.norm(sample.matrix @ (heavy / total - centre)))
    else:
        reasons["centre_of_mass_shift"] = "the intensities add up to 0"
    why = "all grey values are equal" if np.ptp(sample.inside) == 0 else ""
    if sample.mask.size > MOST_NEIGHBOURS:
        why = f"the box of the region has {sample.mask.size} voxels, more than {MOST_NEIGHBOURS}"
    if why:
        return values, reasons | dict.fromkeys(names[2:], why)
    values["morans_i"], values["gearys_c"] = autocorrelation(sample)
    return values, reasons


def _moments(sample: Sample) -> tuple[float, FloatArray]:
    """The sum of the intensities, and (3,) that of the indices weighted by them; a slice at a time."""
    lines = np.zeros((len(sample.mask), 3))
    steps = [np.arange(n, dtype=np.float64) for n in sample.mask.shape]
    for line, plane, some in zip(lines, sample.values, sample.mask, strict=True):
        weights = np.where(some, plane, 0).astype(np.float64)
        line[:] = weights.sum(), weights.sum(axis=1) @ steps[1], weights.sum(axis=0) @ steps[2]
    return float(lines[:, 0].sum()), np.array([lines[:, 0] @ steps[0], lines[:, 1].sum(), lines[:, 2].sum()])


def autocorrelation(sample: Sample) -> tuple[float, float]:
    """Moran's I and Geary's C, each voxel compared with each other one, weighted by one over their distance.

    The sums over pairs are correlations at every distance, which Fourier transforms give at once.
    """
    from scipy import fft

    shape = [fft.next_fast_len(2 * n - 1, real=True) for n in sample.mask.shape]
    k, j, i = np.ix_(*[np.rint(fft.fftfreq(n) * n) for n in shape])
    metric = sample.matrix.T @ sample.matrix
    distance = metric[0, 0] * k**2 + metric[1, 1] * j**2 + metric[2, 2] * i**2 + 2 * (metric[0, 1] * k * j + metric[0, 2] * k * i + metric[1, 2] * j * i)
    distance[0, 0, 0] = math.inf
    weight = fft.rfftn(np.divide(1, np.sqrt(distance, out=distance), dtype=np.float64).astype(np.float32)).real  # even, so its transform is real
    del distance
    weight[..., 1 : (shape[2] + 1) // 2] *= 2  # a real field's transform holds one of each two that mirror each other
    mask = sample.mask.astype(np.float32)
    away = np.where(sample.mask, sample.values - sample.inside.mean(dtype=np.float64), 0).astype(np.float32)
    ones, flat, square = (_transform(field, shape) for field in (mask, away, away * away))
    pairs, product, mixed = (_sum_of_pairs(weight, a, b) / math.prod(shape) for a, b in ((ones, ones), (flat, flat), (ones, square)))
    squares, n = float((away.astype(np.float64) ** 2).sum()), int(np.count_nonzero(sample.mask))
    return n / pairs * product / squares, (n - 1) / pairs * (mixed - product) / squares


def _transform(field: Array, shape: list[int]) -> Array:
    """Of a real field with zeros behind it up to ``shape``: those lines that hold nothing else are not transformed."""
    from scipy import fft

    lines = fft.fft(fft.rfft(field, shape[2], axis=2), shape[1], axis=1)
    return np.asarray(fft.fft(lines, shape[0], axis=0))


def _sum_of_pairs(weight: FloatArray, a: Array, b: Array) -> float:
    """By Parseval's theorem."""
    return float(np.sum(weight * (a.real * b.real + a.imag * b.imag), dtype=np.float64))
