from __future__ import annotations

import numpy as np
import pytest
from tests.measure.volumes import geometry, labels_of

from diaphane.core.image import Image
from diaphane.measure import Configuration, onto, regions_of
from diaphane.measure.grid import axis_of, resampled
from diaphane.measure.sample import discretised, sample_of


def test_both_grids_have_one_centre_and_the_new_one_is_rounded_up() -> None:
    axis = axis_of(10, 3.0, 2.0, (0, 10), centred=True)
    assert (axis.first, axis.count) == (0, 15)
    assert axis.places.mean() == pytest.approx(4.5)
    assert axis_of(10, 3.0, 4.0, (0, 10), centred=True).count == 8, "7.5 voxels, rounded up"
    corner = axis_of(10, 3.0, 2.0, (0, 10), centred=False)
    assert corner.places[0] == pytest.approx((2 / 3 - 1) / 2)


@pytest.mark.parametrize(("order", "apart"), [(1, 1e-4), (3, 1e-4)])
def test_ramp_is_a_ramp_on_any_grid(order: int, apart: float) -> None:
    k, j, i = np.meshgrid(*map(np.arange, (40, 42, 44)), indexing="ij")
    box = ((15, 25), (16, 26), (17, 27))
    axes = tuple(axis_of(n, s, 1.3, span, centred=True) for n, s, span in zip(k.shape, (2.0, 1.0, 0.7), box, strict=True))
    found = resampled((3 * k - 2 * j + i).astype(np.int16), box, axes, order)
    a, b, c = np.meshgrid(*[axis.places for axis in axes], indexing="ij")
    assert found == pytest.approx(3 * a - 2 * b + c, abs=apart)


def test_half_a_voxel_of_mask_stays() -> None:
    mask = np.zeros((4, 4, 4), np.uint8)
    mask[1:3, 1:3, 1:3] = 1
    (region,) = regions_of(labels_of(mask))
    sample = sample_of(Image(np.ones((4, 4, 4), np.int16), geometry()), region, Configuration(resample_mm=0.5))
    assert sample.mask.shape == (4, 4, 4), "eight half voxels of each side lie within, and those at exactly a half"
    assert sample.matrix == pytest.approx(np.array([[0, 0, 0.5], [0, 0.5, 0], [0.5, 0, 0]]))


def test_in_the_plane_slices_stay_as_they_are(rng: np.random.Generator) -> None:
    image = rng.random((5, 20, 20)).astype(np.float32)
    (region,) = regions_of(labels_of(np.ones(image.shape)))
    for interpolation in ("linear", "cubic"):
        c = Configuration(dimensions=("2d",), resample_mm=2, interpolation=interpolation)  # type: ignore[arg-type]
        assert sample_of(Image(image, geometry((5, 1, 1))), region, c).values.shape == (5, 10, 10)


def test_grey_levels_are_those_of_the_standards_formulas() -> None:
    values, mask = np.array([[[-10.0, 0, 4.9, 5, 10, 99]]]), np.array([[[True] * 5 + [False]]])
    levels, count = discretised(values, mask, Configuration(bin_count=4))
    assert (levels.ravel().tolist(), count) == ([1, 3, 3, 4, 4, 0], 4)
    levels, count = discretised(values, mask, Configuration(bin_width=5))
    assert (levels.ravel().tolist(), count) == ([1, 3, 3, 4, 5, 0], 5)
    levels, count = discretised(values, mask, Configuration(bin_width=4, bin_origin="zero"))
    assert (levels.ravel().tolist(), count) == ([1, 4, 5, 5, 6, 0], 6)
    levels, count = discretised(values, mask, Configuration(bin_width=5, lowest=-20))
    assert (levels.ravel().tolist(), count) == ([3, 5, 5, 6, 7, 0], 7)


def test_outliers_are_those_beyond_sigmas_of_what_the_range_leaves() -> None:
    image = np.zeros((1, 10, 10), np.int16)
    image[0, 0, :4] = 1, -1, 50, 1000
    (region,) = regions_of(labels_of(np.ones(image.shape)))
    kept = sample_of(Image(image, geometry()), region, Configuration(highest=900, outlier_sigma=3)).mask
    assert kept[0, 0, :4].tolist() == [True, True, False, False]
    assert sample_of(Image(image, geometry()), region, Configuration(outlier_sigma=3)).mask[0, 0, :4].tolist() == [True, True, True, False]


def test_labels_are_taken_onto_another_grid_by_the_nearest() -> None:
    labels = np.zeros((4, 6, 6))
    labels[1:3, 2:4, 2:4] = 3
    target = Image(np.zeros((8, 12, 12), np.int16), geometry((0.5, 0.5, 0.5)))
    found = onto(Image(labels, geometry()), labels_of(labels), target)
    assert np.array_equal(found.array[::2, ::2, ::2], labels)
