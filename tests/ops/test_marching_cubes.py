from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree
from skimage.measure import marching_cubes as reference

from diaphane.core.mesh import Mesh
from diaphane.ops.marching_cubes import _triangles, loops, marching_cubes


def is_closed(mesh: Mesh) -> bool:
    """Every edge belongs to two faces, once each way."""
    edges = np.concatenate([mesh.faces[:, [a, b]] for a, b in ((0, 1), (1, 2), (2, 0))]).astype(np.int64)
    there, back = (np.sort(edges[:, a] * len(mesh.vertices_mm) + edges[:, 1 - a]) for a in (0, 1))
    return bool(np.array_equal(there, back) and (np.diff(there) > 0).all())


def test_every_case_has_triangles_whose_inner_edges_lie_inside_the_cube() -> None:
    for case in range(256):
        found = loops(case)
        crossed = {edge for loop in found for edge in loop}
        assert len(crossed) == sum((case >> a & 1) != (case >> b & 1) for a in range(8) for b in range(a) if (a ^ b) in (1, 2, 4))
        assert all(len(_triangles(loop) or ()) == len(loop) - 2 for loop in found)


def test_noise_which_has_every_case_gives_a_closed_surface_without_an_edge_of_four_faces(rng: np.random.Generator) -> None:
    mesh = Mesh(*marching_cubes(np.pad(rng.random((20, 21, 22)).astype(np.float32), 1), 0.5))
    assert is_closed(mesh)
    assert mesh.volume_mm3 > 0


def test_smooth_surface_is_that_of_scikit_image(rng: np.random.Generator) -> None:
    field = np.pad(gaussian_filter(rng.normal(size=(30, 40, 50)), 4).astype(np.float32), 3, constant_values=-1)
    level = 0.011
    ours = Mesh(*marching_cubes(field, level))
    vertices, faces, _, _ = reference(field, level)
    assert len(ours.vertices_mm) == len(vertices)
    assert cKDTree(vertices).query(ours.vertices_mm)[0].max() < 2e-3, "the vertices are the same, but for those that would touch a voxel's centre"
    assert ours.volume_mm3 == pytest.approx(abs(Mesh(vertices, np.ascontiguousarray(faces)).volume_mm3), rel=1e-3)


def test_vertices_lie_where_the_line_between_two_voxels_has_the_level() -> None:
    field = np.zeros((3, 3, 3), np.float32)
    field[1, 1, 1] = 4
    vertices, faces = marching_cubes(field, 1.0)
    assert len(faces) == 8
    assert np.allclose(np.sort(np.linalg.norm(vertices - 1, axis=1)), 0.75)


def test_surface_ends_where_the_field_does_and_a_plain_field_has_none() -> None:
    ramp = np.broadcast_to(np.arange(5, dtype=np.float32)[:, None, None], (5, 6, 7)).copy()
    vertices, faces = marching_cubes(ramp, 2.25)
    assert len(faces) == 2 * 5 * 6
    assert np.allclose(vertices[:, 0], 2.25)
    for plain in (0.0, 5.0):
        vertices, faces = marching_cubes(np.full((3, 4, 5), plain, np.float32), 1.0)
        assert vertices.shape == (0, 3)
        assert faces.shape == (0, 3)


def test_field_that_is_the_level_itself_gives_no_triangle_without_area() -> None:
    field = np.zeros((5, 5, 5), np.float32)
    field[1:4, 1:4, 1:4] = 1
    field[2, 2, 2] = 2
    mesh = Mesh(*marching_cubes(field, 1.0))
    assert is_closed(mesh)
    assert (np.linalg.norm(mesh.face_vectors, axis=1) > 0).all()
