from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from diaphane.ops.resample import Axis, resample_part, resample_volume

lengths = st.integers(1, 90)
SHAPES = [(7, 20, 9), (30, 11, 9), (3, 5, 40), (12, 13, 14), (5, 30, 33), (12, 30, 14), (40, 6, 60), (1, 1, 1)]


def slow_row(source: int, target: int) -> np.ndarray:
    """(target, source): the share of each source voxel in each target voxel where the axis shrinks, linear between middles where it grows."""
    out, edges = np.zeros((target, source)), np.arange(target + 1) * source / target
    for n, (low, high) in enumerate(pairwise(edges)):
        if target < source:
            out[n] = [max(0.0, min(high, m + 1) - max(low, m)) for m in range(source)]
        else:
            middle = min(max((low + high) / 2 - 0.5, 0), source - 1)
            out[n] = [max(0.0, 1 - abs(middle - m)) for m in range(source)]
    return out / out.sum(axis=1, keepdims=True)


@settings(max_examples=60, deadline=None)
@given(lengths, lengths)
def test_places_are_made_from_neighbours_in_order_and_weights_add_up_to_1(source: int, target: int) -> None:
    axis = Axis.between(source, target)
    assert axis.weights.shape == (target, source)
    assert np.allclose(axis.weights.sum(axis=1), 1, atol=1e-5)
    assert (np.diff(axis.first) >= 0).all()
    assert (np.diff(axis.end) >= 0).all()
    for row, first, end in zip(axis.weights, axis.first, axis.end, strict=True):
        assert row[first] > 0
        assert not row[:first].any()
        assert not row[end:].any()
    middles = axis.weights @ (np.arange(source) + 0.5)  # edges are aligned: nothing moves by half a voxel
    assert np.allclose(middles, (np.arange(target) + 0.5) * source / target, atol=0.5)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", [np.float32, np.int16, bool])
def test_a_volume_is_what_its_three_axes_make_of_it_one_after_the_other_to_1e_5_of_the_range(
    shape: tuple[int, int, int], kind: type, rng: np.random.Generator
) -> None:
    array = (1000 * rng.random((12, 13, 14)) - 500).astype(kind)
    slow = np.einsum("abc,ka,jb,ic->kji", array.astype(np.float64), *(slow_row(n, m) for n, m in zip(array.shape, shape, strict=True)))
    found = resample_volume(array, shape)
    assert found.dtype == np.float32
    assert np.abs(found - slow).max() <= 1e-5 * 1000


def test_a_volume_that_grows_is_what_scipy_makes_of_it(rng: np.random.Generator) -> None:
    array, shape = rng.random((9, 10, 11)).astype(np.float32), (14, 25, 16)
    theirs = ndimage.zoom(array, [m / n for n, m in zip(array.shape, shape, strict=True)], order=1, grid_mode=True, mode="nearest")
    assert np.allclose(resample_volume(array, shape), theirs, atol=1e-5)


def test_a_turned_view_is_resampled_as_its_copy_and_stays_as_it_is(rng: np.random.Generator) -> None:
    array = rng.random((12, 13, 14)).astype(np.float32)
    before, view = array.copy(), array.transpose(2, 0, 1)[::-1, :, ::-1]
    for shape in SHAPES:
        assert np.array_equal(resample_volume(view, shape), resample_volume(view.copy(), shape))
    same = resample_volume(array, (12, 13, 14))
    assert np.array_equal(same, array)
    same[:] = 0
    assert np.array_equal(array, before)


@pytest.mark.parametrize("shape", SHAPES[:-1])
@pytest.mark.parametrize("whole_rows", [True, False])
def test_a_part_is_what_the_whole_has_there(shape: tuple[int, int, int], whole_rows: bool, rng: np.random.Generator) -> None:
    array = rng.random((12, 13, 14)).astype(np.float32)
    whole = resample_volume(array, shape)
    axes = [Axis.between(n, m) for n, m in zip(array.shape, shape, strict=True)]
    target = [slice(n // 4, n - n // 5) for n in shape]
    target[2] = slice(0, shape[2]) if whole_rows else target[2]
    source = [slice(int(a.first[t.start]), int(a.end[t.stop - 1])) for a, t in zip(axes, target, strict=True)]
    part = array[tuple(source)]
    before = part.copy()
    assert np.allclose(resample_part(part, axes, source, target), whole[tuple(target)], atol=1e-5)
    assert np.array_equal(part, before)
