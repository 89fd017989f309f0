from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diaphane.core.mesh import Mesh
from diaphane.ops.surface_nets import surface_nets


def blobs(seed: int, size: int = 14) -> np.ndarray:
    """Noise in lumps: thin parts, holes, specks, bodies that touch at an edge."""
    noise = np.random.default_rng(seed).normal(size=(size, size, size))
    for axis in range(3):
        noise = noise + np.roll(noise, 1, axis)
    return noise > 1.5


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_each_vertex_lies_in_a_cell_that_the_mask_s_border_crosses_and_each_such_cell_has_one(seed: int) -> None:
    padded = np.pad(blobs(seed), 1)
    corners = np.stack([padded[k : k - 1 or None, j : j - 1 or None, i : i - 1 or None] for k in (0, 1) for j in (0, 1) for i in (0, 1)])
    crossed = corners.any(axis=0) & ~corners.all(axis=0)
    vertices, _ = surface_nets(blobs(seed))
    cells = np.argwhere(crossed) - 1 + 0.5
    assert len(vertices) == len(cells)
    assert np.abs(vertices - cells).max() <= 0.5 + 1e-5


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_surface_is_closed_each_edge_as_often_one_way_as_the_other(seed: int) -> None:
    _, faces = surface_nets(blobs(seed))
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    forth, back = (np.unique(side, axis=0, return_counts=True) for side in (edges, edges[:, ::-1]))
    assert np.array_equal(forth[0], back[0])
    assert np.array_equal(forth[1], back[1])


def test_steps_of_a_slope_are_as_good_as_flat() -> None:
    k, j, _ = np.mgrid[:40, :60, :60]
    vertices, _ = surface_nets(k < 20 + (j - 30) / 9)
    inner = vertices[(np.abs(vertices - [20, 30, 30]) < [15, 20, 20]).all(axis=1)]
    assert np.std(inner[:, 0] - (inner[:, 1] - 30) / 9) < 0.15, "voxels alone would give 0.29"


@pytest.mark.parametrize("radius", [3, 6, 20])
def test_ball_of_any_size_has_its_voxels_volume(radius: int) -> None:
    z, y, x = np.mgrid[:45, :45, :45] - 22.0
    ball = z**2 + y**2 + x**2 <= radius**2
    vertices, faces = surface_nets(ball)
    assert Mesh(vertices, faces).volume_mm3 == pytest.approx(ball.sum(), rel=0.02)
    assert np.abs(np.linalg.norm(vertices - 22, axis=1) - radius).max() < 0.4
