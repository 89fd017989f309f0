from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from diaphane.errors import InputError
from diaphane.ops.components import numbered
from diaphane.ops.distance import distance


@pytest.mark.parametrize("shape", [(1, 30, 40), (12, 20, 25)])
def test_distance_is_that_of_scipy_to_six_digits(shape: tuple[int, ...], rng: np.random.Generator) -> None:
    mask = rng.random(shape) > 0.02
    spacing = (2.5, 0.7, 1.1)
    assert np.allclose(distance(mask, spacing), ndimage.distance_transform_edt(mask, sampling=spacing), rtol=1e-6)
    turned = mask.transpose(0, 2, 1)[:, ::-1]
    assert np.allclose(distance(turned, (2.5, 1.1, 0.7)), distance(mask, spacing).transpose(0, 2, 1)[:, ::-1], rtol=1e-6)


def test_distance_is_the_smallest_of_all(rng: np.random.Generator) -> None:
    mask = rng.random((4, 5, 6)) > 0.2
    outside = np.argwhere(~mask) * (3, 1, 2)
    found = distance(mask, (3, 1, 2))
    for place in np.ndindex(mask.shape):
        assert found[place] == pytest.approx(np.linalg.norm(outside - np.multiply(place, (3, 1, 2)), axis=1).min(), rel=1e-6)


def test_where_nothing_lies_outside_the_distance_is_infinite() -> None:
    assert np.isinf(distance(np.ones((2, 3, 4), bool))).all()
    assert not distance(np.zeros((2, 3, 4), bool)).any()
    assert distance(np.zeros((0, 3, 4), bool)).shape == (0, 3, 4)


def test_wrong_spacing_and_shape_are_named() -> None:
    with pytest.raises(InputError, match="three positive numbers"):
        distance(np.ones((2, 2, 2), bool), (1, 0, 1))
    with pytest.raises(InputError, match=r"must be \[k, j, i\], got 2 axes"):
        distance(np.ones((2, 2), bool))


@pytest.mark.parametrize("corners", [True, False])
def test_parts_are_numbered_as_scipy_does(corners: bool, rng: np.random.Generator) -> None:
    structure = np.ones((3, 3, 3)) if corners else None
    for mask in (
        rng.random((9, 20, 30)) > 0.75,
        np.asfortranarray(rng.random((9, 20, 30)) > 0.7)[::-1, :, ::2],
        np.zeros((3, 4, 5), bool),
        np.ones((1, 4, 5), bool),
    ):
        found = numbered(mask, corners=corners)
        assert found.dtype == np.int32
        assert np.array_equal(found, ndimage.label(mask, structure)[0])
    assert numbered(np.zeros((0, 4, 5), bool), corners=corners).shape == (0, 4, 5)
