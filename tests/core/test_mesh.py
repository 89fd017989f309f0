from __future__ import annotations

import numpy as np
import pytest

from diaphane.core.mesh import Mesh
from diaphane.errors import InputError

CORNERS = np.array([[0, 0, 0], [3, 0, 0], [0, 4, 0], [0, 0, 5]], np.float32)
OUTWARD = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])


def test_tetrahedron_has_the_volume_and_area_of_its_formula() -> None:
    mesh = Mesh(CORNERS + 100, OUTWARD)
    assert mesh.volume_mm3 == pytest.approx(3 * 4 * 5 / 6)
    assert np.linalg.norm(mesh.face_vectors, axis=1).sum() / 2 == pytest.approx(6 + 7.5 + 10 + np.linalg.norm(np.cross([-3, 4, 0], [-3, 0, 5])) / 2)
    assert Mesh(CORNERS, OUTWARD[:, ::-1]).volume_mm3 == pytest.approx(-10)


def test_vertex_normals_are_unit_vectors_weighted_by_area() -> None:
    mesh = Mesh(CORNERS, OUTWARD)
    at_origin = np.array([-10, -7.5, -6]) * 2
    assert mesh.vertex_normals[0] == pytest.approx(at_origin / np.linalg.norm(at_origin))
    assert np.linalg.norm(mesh.vertex_normals, axis=1) == pytest.approx(1)
    lonely = Mesh(np.vstack([CORNERS, [[9, 9, 9]]]), OUTWARD)
    assert lonely.vertex_normals[4].tolist() == [0, 0, 1]


def test_mesh_is_frozen_and_refuses_what_is_no_mesh() -> None:
    mesh = Mesh(CORNERS, OUTWARD)
    with pytest.raises(ValueError, match="read-only"):
        mesh.vertices_mm[0] = 1
    with pytest.raises(InputError, match="names a vertex that is not there"):
        Mesh(CORNERS[:3], OUTWARD)
    with pytest.raises(InputError, match="vertices \\(n, 3\\) and faces \\(m, 3\\)"):
        Mesh(CORNERS[:, :2], OUTWARD)
    assert Mesh(np.zeros((0, 3)), np.zeros((0, 3), int)).volume_mm3 == 0
