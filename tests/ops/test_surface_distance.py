"""Distances between surfaces: closed forms, and MONAI's values on the same masks."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from diaphane.core.arrays import BoolArray
from diaphane.errors import InputError
from diaphane.ops.surface_distance import surface_distance


def monai(a: BoolArray, b: BoolArray, spacing: tuple[float, ...], tolerance: float) -> tuple[float, float]:
    """HD95 and NSD as MONAI has them; a picture as two axes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MONAI calls what it has deprecated itself
        import torch
        from monai.metrics import compute_hausdorff_distance, compute_surface_dice

        masks = [torch.tensor(m[0] if m.shape[0] == 1 else m)[None, None] for m in (a, b)]
        more = {"include_background": True, "spacing": spacing[1:] if a.shape[0] == 1 else spacing}
        return float(compute_hausdorff_distance(*masks, percentile=95, **more)), float(compute_surface_dice(*masks, [tolerance], **more))


def blobs(rng: np.random.Generator, shape: tuple[int, int, int]) -> tuple[BoolArray, BoolArray]:
    """Two that overlap in part and touch the array's edge."""
    first, second = (gaussian_filter(rng.normal(size=shape), 2) for _ in range(2))
    return first > 0.4 * first.std(), first + 0.5 * second > 0.5 * first.std()


@pytest.mark.parametrize("shape", [(1, 40, 50), (24, 28, 20), (2, 30, 30)])
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.5, 0.7, 0.8), (3.0, 0.1, 0.45)])
def test_hd95_and_nsd_are_those_of_monai(shape: tuple[int, int, int], spacing: tuple[float, float, float], rng: np.random.Generator) -> None:
    for _ in range(4):
        a, b = blobs(rng, shape)
        found = surface_distance(a, b, spacing)
        assert (found.hausdorff(), found.within(1.0)) == pytest.approx(monai(a, b, spacing, 1.0), rel=1e-5)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.1, 0.1, 0.1)])
def test_distance_at_the_tolerance_itself_counts_as_within(spacing: tuple[float, float, float]) -> None:
    a, b = np.zeros((2, 1, 30, 30), bool)
    a[0, 5, 5:8], b[0, 15, 5:8] = True, True
    found = surface_distance(a, b, spacing)
    assert found.within(10 * spacing[0]) == 1.0 == monai(a, b, spacing, 10 * spacing[0])[1]
    assert found.within(9.9 * spacing[0]) == 0.0


def test_a_shifted_cube_is_as_far_as_it_was_shifted() -> None:
    a = np.zeros((20, 20, 30), bool)
    a[5:10, 5:10, 5:10] = True
    found = surface_distance(a, np.roll(a, 8, axis=2), (3.0, 2.0, 0.5))
    assert found.hausdorff(100) == pytest.approx(4.0)
    assert surface_distance(a, a).hausdorff() == 0.0
    assert surface_distance(a, a).within(0.0) == 1.0


def test_a_whole_array_has_its_surface_at_the_edge_and_a_picture_none_above_and_below() -> None:
    assert surface_distance(*[np.ones((4, 5, 6), bool)] * 2).voxels == 2 * (4 * 5 * 6 - 2 * 3 * 4)
    assert surface_distance(*[np.ones((1, 5, 6), bool)] * 2).voxels == 2 * (5 * 6 - 3 * 4)


def test_distance_to_nothing_does_not_exist() -> None:
    nothing, one = np.zeros((2, 3, 8, 8), bool)
    one[1, 4, 4] = True
    for a, b in ((nothing, one), (one, nothing)):
        found = surface_distance(a, b)
        assert math.isnan(found.hausdorff())
        assert found.within(1.0) == 0.0
    both = surface_distance(nothing, nothing)
    assert math.isnan(both.hausdorff())
    assert math.isnan(both.within(1.0))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.permutations([0, 1, 2]))
def test_neither_order_nor_axes_nor_unit_matter(seed: int, axes: list[int]) -> None:
    a, b = blobs(np.random.default_rng(seed), (9, 12, 14))
    spacing = np.array((2.0, 1.0, 0.5))
    found = surface_distance(a, b, tuple(spacing))
    turned = surface_distance(b.transpose(axes)[::-1], a.transpose(axes)[::-1], tuple(10 * spacing[axes]))
    assert turned.hausdorff() == pytest.approx(10 * found.hausdorff(), rel=1e-6)
    assert turned.within(10.0) == pytest.approx(found.within(1.0))


def test_masks_of_different_shapes_and_odd_spacings_are_refused() -> None:
    a = np.ones((2, 3, 4), bool)
    with pytest.raises(InputError, match="one shape"):
        surface_distance(a, a[:1])
    with pytest.raises(InputError, match="three positive numbers"):
        surface_distance(a, a, (1.0, 0.0, 1.0))
