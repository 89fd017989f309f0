"""The z-buffer against a ray caster that is slow and plain, and against closed forms."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest

from diaphane.core.camera import Camera
from diaphane.errors import InputError
from diaphane.ops.projection import is_in_view, project, slopes
from diaphane.ops.raster import raster

CAMERA = Camera(width=48, height=36, fx=60, fy=62, cx=23.2, cy=17.9)
BENT = Camera(width=640, height=480, fx=600, fy=590, cx=322, cy=238, distortion=(-0.04, 0.02, 0.001, -0.002, 0.0))


def ball(rings: int, centre: tuple[float, float, float], radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Triangles counter-clockwise from outside."""
    from scipy.spatial import ConvexHull

    n = np.arange(rings * rings) + 0.5
    up, around = np.arccos(1 - 2 * n / len(n)), np.pi * (1 + 5**0.5) * n
    unit = np.stack([np.cos(around) * np.sin(up), np.sin(around) * np.sin(up), np.cos(up)], axis=1)
    faces = ConvexHull(unit).simplices
    a, b, c = (unit[faces[:, k]] for k in range(3))
    turned = np.einsum("ij,ij->i", np.cross(b - a, c - a), a) < 0
    faces[turned] = faces[turned][:, ::-1]
    return unit * radius + centre, faces


def cast(vertices: np.ndarray, faces: np.ndarray, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Depth and triangle by intersecting each pixel's ray with each triangle."""
    depth, number = np.full((camera.height, camera.width), np.inf), np.full((camera.height, camera.width), -1)
    for row in range(camera.height):
        for column in range(camera.width):
            ray = np.array([(column - camera.cx) / camera.fx, (row - camera.cy) / camera.fy, 1.0])
            a, b, c = (vertices[faces[:, k]] for k in range(3))
            normal = np.cross(b - a, c - a)
            along = normal @ ray
            with np.errstate(divide="ignore", invalid="ignore"):
                z = np.einsum("ij,ij->i", normal, a) / along
            at = z[:, None] * ray
            sides = [np.einsum("ij,ij->i", np.cross(q - p, at - p), normal) for p, q in ((a, b), (b, c), (c, a))]
            hit = np.flatnonzero((along < 0) & (np.min(sides, axis=0) >= 0) & (z > 0))
            if len(hit):
                number[row, column] = hit[z[hit].argmin()]
                depth[row, column] = z[hit].min()
    return depth, number


def test_depth_and_triangle_are_those_of_a_ray_caster() -> None:
    first, second = ball(9, (-10, 0, 200), 45), ball(7, (35, 10, 150), 20)
    vertices, faces = np.concatenate([first[0], second[0]]), np.concatenate([first[1], second[1] + len(first[0])])
    made = raster(vertices, faces, CAMERA)
    depth, number = cast(vertices, faces, CAMERA)
    both = made.covered & (number >= 0)
    assert (made.covered != (number >= 0)).mean() < 0.002  # pixels on an edge to within rounding
    assert both.sum() > 300
    assert np.allclose(made.depth_mm[both], depth[both], rtol=1e-5)
    assert (made.triangle[both] == number[both]).mean() > 0.995
    assert np.isinf(made.depth_mm[~made.covered]).all()


def test_attributes_are_interpolated_in_perspective() -> None:
    vertices, faces = ball(12, (5, -3, 180), 60)
    made = raster(vertices, faces, CAMERA)
    places = made.of(vertices)
    row, column = np.nonzero(made.covered)
    assert np.allclose(project(places[row, column], CAMERA), np.stack([column, row], axis=1), atol=1e-3)
    assert np.allclose(places[..., 2][made.covered], made.depth_mm[made.covered], rtol=1e-5)
    assert not places[~made.covered].any()


def test_a_sphere_has_its_closed_form_depth() -> None:
    camera = Camera(width=120, height=90, fx=150, fy=150, cx=59.5, cy=44.5)
    vertices, faces = ball(60, (0, 0, 300), 50)
    made = raster(vertices, faces, camera)
    row, column = np.nonzero(made.covered)
    ray = np.stack([(column - camera.cx) / 150, (row - camera.cy) / 150, np.ones(len(row))], axis=1)
    square, half = (ray**2).sum(axis=1), 300.0
    root = half**2 - square * (300.0**2 - 50.0**2)
    true = (half - np.sqrt(np.maximum(root, 0))) / square
    inner = root > 500
    assert np.abs(made.depth_mm[row, column] - true)[inner].max() < 0.5


def test_what_lies_behind_or_shows_its_inside_is_not_drawn() -> None:
    vertices, faces = ball(6, (0, 0, 100), 20)
    assert not raster(vertices * (1, 1, -1), faces, CAMERA).covered.any()
    inside = raster(vertices - (0, 0, 100), faces, CAMERA)
    assert not inside.covered.any()
    turned = raster(vertices, faces[:, ::-1], CAMERA)
    assert turned.depth_mm[18, 23] == pytest.approx(120, abs=2)
    assert raster(vertices, faces[:, ::-1], CAMERA, both_sides=True).depth_mm[18, 23] == pytest.approx(80, abs=2)


def test_nothing_gives_an_empty_picture_and_other_shapes_a_message() -> None:
    none = raster(np.zeros((0, 3)), np.zeros((0, 3), int), CAMERA)
    assert none.depth_mm.shape == (36, 48) and not none.covered.any()
    with pytest.raises(InputError, match=r"vertices \(n, 3\) and faces \(m, 3\)"):
        raster(np.zeros((4, 2)), np.zeros((0, 3), int), CAMERA)


def test_projection_is_that_of_opencv() -> None:
    points = np.random.default_rng(1).uniform((-150, -120, 300), (150, 120, 700), (50, 3))
    theirs, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), BENT.matrix, BENT.coefficients)
    assert np.allclose(project(points, BENT), theirs[:, 0], atol=1e-6)
    assert np.isnan(project(np.array([[0, 0, -5.0]]), BENT)).all()


def test_slopes_are_those_of_small_steps() -> None:
    from dataclasses import replace

    camera = replace(BENT, distortion=(-0.04, 0.02, 0.0, 0.0, 0.0))
    points = np.random.default_rng(2).uniform((-150, -120, 300), (150, 120, 700), (20, 3))
    of_point, of_camera = slopes(points, camera)
    for axis in range(3):
        step = np.eye(3)[axis] * 1e-3
        assert np.allclose(of_point[:, :, axis], (project(points + step, camera) - project(points - step, camera)) / 2e-3, atol=1e-5)
    wider = replace(camera, fx=camera.fx * np.exp(1e-5), fy=camera.fy * np.exp(1e-5))
    assert np.allclose(of_camera[:, :, 0], (project(points, wider) - project(points, camera)) / 1e-5, atol=5e-2)
    rounder = replace(camera, distortion=(-0.04 + 1e-5, 0.02, 0.0, 0.0, 0.0))
    assert np.allclose(of_camera[:, :, 1], (project(points, rounder) - project(points, camera)) / 1e-5, atol=1e-3)


def test_points_where_the_lens_model_folds_back_are_not_in_view() -> None:
    camera = Camera(width=64, height=48, fx=50, fy=50, cx=32, cy=24, distortion=(-0.3, 0, 0, 0, 0))
    assert is_in_view(np.array([[0, 0, 10.0], [20, 0, 10.0], [0, 0, -1.0]]), camera).tolist() == [True, False, False]


def test_ten_thousand_triangles_take_some_tens_of_milliseconds() -> None:
    vertices, faces = ball(71, (0, 0, 250), 100)
    camera = Camera(width=320, height=240, fx=300, fy=300, cx=159.5, cy=119.5)
    begun = time.process_time()
    raster(vertices, faces, camera)
    assert time.process_time() - begun < 0.5
