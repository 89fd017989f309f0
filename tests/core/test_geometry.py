from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diaphane.core.geometry import Geometry
from diaphane.errors import InputError

number = st.floats(-50, 50, allow_nan=False)


@given(st.lists(number, min_size=9, max_size=9), st.lists(number, min_size=3, max_size=3), st.lists(number, min_size=3, max_size=3))
def test_index_to_world_and_back_is_the_identity(linear: list[float], origin: list[float], index: list[float]) -> None:
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(linear, (3, 3))
    affine[:3, 3] = origin
    if np.linalg.cond(affine[:3, :3]) > 1e4 or abs(np.linalg.det(affine[:3, :3])) < 1e-3:
        return
    geometry = Geometry(affine, calibrated=True)
    assert np.allclose(geometry.to_index(geometry.to_world(np.array(index))), index, atol=1e-6)


def test_picture_columns_run_along_x_and_rows_along_y() -> None:
    geometry = Geometry.of_picture(0.5)
    assert geometry.to_world(np.array([0.0, 2.0, 4.0])).tolist() == [2.0, 1.0, 0.0]
    assert geometry.spacing == (0.5, 0.5, 0.5)
    assert geometry.origin == (0.0, 0.0, 0.0)
    assert np.allclose(geometry.direction @ geometry.direction.T, np.eye(3))


def test_picture_without_scale_is_not_calibrated() -> None:
    assert not Geometry.of_picture().calibrated
    assert Geometry.of_picture(0.1).calibrated


def test_affine_is_a_frozen_view_and_the_callers_array_stays_writable() -> None:
    mine = np.eye(4)
    geometry = Geometry(mine)
    mine[0, 0] = 2
    with pytest.raises(ValueError, match="read-only"):
        geometry.affine[0, 0] = 3


@pytest.mark.parametrize(("affine", "says"), [(np.eye(3), "4x4"), (np.full((4, 4), np.nan), "finite"), (np.diag([1, 0, 1, 1.0]), "inverse")])
def test_bad_affine_is_refused(affine: np.ndarray, says: str) -> None:
    with pytest.raises(InputError, match=says):
        Geometry(affine)


@pytest.mark.parametrize("spacing", [0, -1, float("nan"), float("inf")])
def test_bad_spacing_is_refused(spacing: float) -> None:
    with pytest.raises(InputError, match="positive number of millimetres"):
        Geometry.of_picture(spacing)
