"""The histogram against its definition, intensity by intensity."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from tests.measure.volumes import geometry, labels_of

from diaphane.core.image import Image
from diaphane.core.region import Feature
from diaphane.measure import Configuration, radiomics, regions_of

IVH = Configuration(families=("intensity_volume_histogram",))


def found(image: np.ndarray, c: Configuration) -> dict[str, Feature]:
    """Of the whole image."""
    (region,) = regions_of(labels_of(np.ones(image.shape)))
    return {feature.name: feature for feature in radiomics.features(Image(image, geometry()), region, c, "HU")}


def slow(levels: np.ndarray, looked_at: np.ndarray) -> list[float]:
    """Volumes at 10 and 90 % of the range that is looked at, and intensities that 10 and 90 % reach."""
    share = np.array([(levels >= i).mean() for i in looked_at])
    up = (looked_at - looked_at[0]) / (looked_at[-1] - looked_at[0])
    return [share[up >= x - 1e-12].max() for x in (0.1, 0.9)] + [looked_at[share <= x + 1e-12].min() for x in (0.1, 0.9)]


@pytest.mark.parametrize("ends", [(None, None), (-40, 50), (None, 30), (-20, None)])
def test_whole_numbers_stay_what_they_are(ends: tuple[float | None, float | None], rng: np.random.Generator) -> None:
    image = rng.normal(0, 20, (4, 9, 10)).round().astype(np.int16)
    values = image[(image >= (ends[0] or -999)) & (image <= (ends[1] or 999))]
    wanted = slow(values, np.arange(values.min() if ends[0] is None else ends[0], (values.max() if ends[1] is None else ends[1]) + 1))
    for kind in (np.int16, np.float32):
        features = found(image.astype(kind), replace(IVH, lowest=ends[0], highest=ends[1]))
        assert [f.value for f in features.values()][:4] == pytest.approx(wanted)
        assert features["intensity_at_volume_fraction_10"].unit == "HU"
        assert features["intensity_at_volume_fraction_10"].discretisation.startswith("own intensities, source grid")


def test_levels_of_one_width_are_known_by_their_centres(rng: np.random.Generator) -> None:
    image = rng.gamma(3, 2, (4, 9, 10)).astype(np.float32).clip(0.05, 11.95)
    centres = 0.25 + 0.5 * np.arange(24)
    features = found(image, replace(IVH, lowest=0, highest=12, ivh_bin_width=0.5))
    assert [f.value for f in features.values()][:4] == pytest.approx(slow(centres[np.floor(image.astype(float) / 0.5).astype(int)], centres))
    assert features["intensity_fraction_difference_between_volume_fractions"].discretisation == "FBS 0.5, source grid, 0..12"


@pytest.mark.parametrize("count", [None, 50])
def test_intensities_without_unit_are_numbers_of_levels_over_the_regions_own_range(count: int | None, rng: np.random.Generator) -> None:
    image = rng.gamma(3, 2, (4, 9, 10))
    many = count or 1000
    levels = np.minimum(np.floor(many * (image - image.min()) / np.ptp(image)) + 1, many)
    features = found(image, replace(IVH, lowest=-5, ivh_bin_count=count))
    assert [f.value for f in features.values()][:4] == pytest.approx(slow(levels, np.arange(1, many + 1)))
    difference = features["intensity_fraction_difference_between_volume_fractions"]
    assert (difference.unit, difference.discretisation) == ("1", f"FBN {many}, source grid, -5..")
    assert difference.value == features["intensity_at_volume_fraction_10"].value - features["intensity_at_volume_fraction_90"].value


def test_values_that_do_not_exist_say_why() -> None:
    flat = found(np.full((3, 4, 5), 7, np.int16), IVH)
    assert {f.nan_reason for f in flat.values()} == {"all intensities are in one level"}
    assert {f.nan_reason for f in found(np.full((3, 4, 5), 7.5), IVH).values()} == {"all intensities are in one level"}
    assert found(np.full((3, 4, 5), 7, np.int16), replace(IVH, lowest=0, highest=10))["intensity_at_volume_fraction_10"].value == 8
    two = np.array([[[1] * 4 + [5] * 6]] * 2, np.int16)
    few = found(two, IVH)
    assert few["intensity_at_volume_fraction_10"].nan_reason == "the highest level holds more than 10 % of the region"
    assert few["intensity_at_volume_fraction_90"].value == 2
    assert few["volume_at_intensity_fraction_90"].value == pytest.approx(0.6)
    two[:] = 5
    two[0, 0, 0] = 1
    assert found(two, IVH)["intensity_at_volume_fraction_90"].nan_reason == "the highest level holds more than 90 % of the region"
    nothing = found(np.full((3, 4, 5), math.nan), IVH)
    assert {f.nan_reason for f in nothing.values()} == {"voxels of the region that are not finite numbers: 60"}
