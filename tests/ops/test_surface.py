from __future__ import annotations

import math

import numpy as np
import pytest

from diaphane.core.geometry import Geometry
from diaphane.core.mesh import Mesh
from diaphane.errors import InputError
from diaphane.ops.surface import surface, thinned

RIGHT = np.diag([1.0, 1, 1, 1])
LEFT = np.array([[0.1, 0.0, 0.8, 20], [0.3, -0.9, 0.0, 3], [1.5, 0.2, 0.0, -70], [0, 0, 0, 1]])


def ball(radius: float, size: int) -> np.ndarray:
    z, y, x = np.mgrid[:size, :size, :size] - (size - 1) / 2
    return z**2 + y**2 + x**2 <= radius**2


def is_closed(mesh: Mesh) -> bool:
    """Every edge belongs to two faces, once each way."""
    edges = np.concatenate([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]], mesh.faces[:, [2, 0]]])
    there, back = ({tuple(e) for e in side.tolist()} for side in (edges, edges[:, ::-1]))
    return len(there) == len(edges) and there == back


@pytest.mark.parametrize("radius", [10, 14.5, 20])
@pytest.mark.parametrize("affine", [RIGHT, LEFT], ids=["right-handed", "left-handed and sheared"])
def test_ball_keeps_its_volume_is_closed_and_looks_outward(radius: float, affine: np.ndarray) -> None:
    mesh = surface(ball(radius, 45), Geometry(affine, calibrated=True))
    voxel = abs(np.linalg.det(affine[:3, :3]))
    assert mesh.volume_mm3 == pytest.approx(4 / 3 * math.pi * radius**3 * voxel, rel=0.02)
    assert is_closed(mesh)
    centre = Geometry(affine).to_world(np.array([22.0, 22, 22]))
    assert mesh.vertices_mm.mean(axis=0) == pytest.approx(centre, abs=0.1)
    assert (np.einsum("ij,ij->i", mesh.vertex_normals, mesh.vertices_mm - centre) > 0).all()


def test_surface_of_a_ball_is_not_terraced() -> None:
    mesh = surface(ball(20, 45), Geometry(RIGHT))
    away = np.linalg.norm(mesh.vertices_mm - 22, axis=1)
    assert np.abs(away - 20).max() < 0.5
    assert np.linalg.norm(mesh.face_vectors, axis=1).sum() / 2 == pytest.approx(4 * math.pi * 400, rel=0.02)


def test_structure_that_the_border_cuts_is_closed_there() -> None:
    half = ball(14, 33)[16:]
    mesh = surface(half, Geometry(RIGHT))
    assert is_closed(mesh)
    assert mesh.volume_mm3 == pytest.approx(half.sum(), rel=0.02)


def test_box_of_a_larger_volume_lies_where_the_volume_says() -> None:
    mask = ball(6, 15)
    whole = np.zeros((40, 50, 60), bool)
    whole[20:35, 8:23, 30:45] = mask
    geometry = Geometry(LEFT)
    part, all_of_it = surface(mask, geometry, start=(20, 8, 30)), surface(whole, geometry)
    assert part.vertices_mm.min(axis=0) == pytest.approx(all_of_it.vertices_mm.min(axis=0), abs=1e-3)
    assert part.vertices_mm.max(axis=0) == pytest.approx(all_of_it.vertices_mm.max(axis=0), abs=1e-3)


def test_thin_sheets_and_single_voxels_have_a_surface() -> None:
    sheet = np.zeros((30, 30, 9), bool)
    sheet[:, :, 4] = True
    assert surface(sheet, Geometry(RIGHT)).volume_mm3 == pytest.approx(900, rel=0.5)
    one = np.ones((1, 1, 1), bool)
    assert is_closed(surface(one, Geometry(RIGHT)))
    assert 0.1 < surface(one, Geometry(RIGHT)).volume_mm3 < 2
    assert surface(np.ones((2, 2, 2), bool), Geometry(RIGHT)).volume_mm3 == pytest.approx(8, rel=0.5)


def test_thinning_reaches_the_count_and_keeps_the_volume() -> None:
    mesh = surface(ball(20, 45), Geometry(RIGHT))
    small = thinned(mesh, 1000)
    assert 900 <= len(small.faces) <= 1000
    assert small.volume_mm3 == pytest.approx(mesh.volume_mm3, rel=0.01)
    assert thinned(small, 5000) is small


def test_empty_mask_is_refused() -> None:
    with pytest.raises(InputError, match="an empty mask has no surface"):
        surface(np.zeros((4, 4, 4), bool), Geometry(RIGHT))
