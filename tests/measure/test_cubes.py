from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.measure import marching_cubes

from diaphane.measure.cubes import area_and_volume, extremes, surface_points
from diaphane.measure.morphology import largest_distance

SHEARED = np.array([[0.1, 0.0, 0.8], [0.5, -0.9, 0.0], [2.0, 0.2, 0.0]])


def mesh(mask: np.ndarray, matrix: np.ndarray) -> tuple[float, float]:
    """Area and volume of scikit-image's mesh."""
    vertices, faces, _, _ = marching_cubes(np.pad(mask, 1).astype(np.float32), 0.5)
    a, b, c = ((vertices.astype(float) @ matrix.T)[faces[:, n]] for n in range(3))
    normal = np.cross(b - a, c - a)
    return float(np.linalg.norm(normal, axis=1).sum()) / 2, abs(float((a * normal).sum())) / 6


def test_one_voxel_is_an_octahedron() -> None:
    area, volume = area_and_volume(np.ones((1, 1, 1), bool), np.diag([2.0, 1.0, 1.0]))
    assert volume == pytest.approx(2 / 6)
    assert area == pytest.approx(8 * math.sqrt(0.5**2 * 0.5**2 + 2 * (1 * 0.5) ** 2) / 2)


@pytest.mark.parametrize("matrix", [np.eye(3), SHEARED], ids=["straight", "sheared"])
def test_measures_are_those_of_a_mesh_but_for_how_its_polygons_are_cut(matrix: np.ndarray, rng: np.random.Generator) -> None:
    ball = np.linalg.norm(np.stack(np.meshgrid(*[np.arange(-12, 13)] * 3, indexing="ij")), axis=0) <= 11.3
    for mask, apart in ((ball, 0.001), (gaussian_filter(rng.random((19, 20, 21)), 1.5) < 0.5, 0.01)):
        assert area_and_volume(mask, matrix) == pytest.approx(mesh(mask, matrix), rel=apart)


def test_volume_does_not_depend_on_where_the_region_lies(rng: np.random.Generator) -> None:
    mask = rng.random((6, 7, 8)) < 0.5
    moved = np.pad(mask, ((9, 0), (5, 1), (3, 2)))
    assert area_and_volume(moved, SHEARED) == pytest.approx(area_and_volume(mask, SHEARED), rel=1e-12), "the surface has no hole"


def test_extremes_have_the_box_and_the_diameter_of_all_points(rng: np.random.Generator) -> None:
    mask = rng.random((6, 7, 8)) < 0.2
    points, found = surface_points(mask) @ SHEARED.T, extremes(mask, SHEARED)
    assert np.ptp(found @ np.linalg.inv(SHEARED).T, axis=0) == pytest.approx(np.ptp(surface_points(mask), axis=0))
    assert largest_distance(found) == pytest.approx(np.linalg.norm(points[:, None] - points, axis=2).max())
