"""The families against slow, obvious counting, and what must be true of any region."""

from __future__ import annotations

import itertools
import math
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from tests.measure.volumes import by_key, geometry, labels_of, measured

from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.core.recipe import LabelRecipe
from diaphane.errors import InputError
from diaphane.measure import Configuration, Options, extract, intensity, radiomics, regions_of
from diaphane.measure.configuration import FAMILIES
from diaphane.measure.cooccurrence import cooccurrences
from diaphane.measure.gldzm import distances
from diaphane.measure.gldzm import zones as distance_zones
from diaphane.measure.glrlm import runs
from diaphane.measure.glszm import zones
from diaphane.measure.neighbours import IN_PLANE, IN_SPACE, row_of
from diaphane.measure.ngldm import dependences
from diaphane.measure.ngtdm import tones

ALL = Configuration(dimensions=("2d", "2.5d", "3d"), bin_count=8)
LEVELS = 5


@pytest.fixture
def levels(rng: np.random.Generator) -> np.ndarray:
    """Grey levels from 1 to LEVELS with holes."""
    return np.where(rng.random((4, 6, 5)) < 0.8, rng.integers(1, LEVELS + 1, (4, 6, 5)), 0).astype(np.uint8)


def at(levels: np.ndarray, place: tuple[int, ...]) -> int:
    """The level at a place; 0 beyond the box."""
    return int(levels[place]) if all(0 <= p < n for p, n in zip(place, levels.shape, strict=True)) else 0


def test_each_direction_has_one_of_two_opposites() -> None:
    assert (len(IN_SPACE), len(IN_PLANE)) == (13, 4)
    assert len({d for s in IN_SPACE for d in (s, tuple(-n for n in s))}) == 26


def test_pairs_in_space_are_those_that_counting_finds(levels: np.ndarray) -> None:
    row = row_of(levels)
    found = cooccurrences(row, 0, row.levels.size - 2 * row.plane, IN_SPACE, LEVELS)
    for matrix, step in zip(found, IN_SPACE, strict=True):
        wanted = np.zeros((LEVELS, LEVELS))
        for place in np.ndindex(*levels.shape):
            a, b = at(levels, place), at(levels, tuple(p + s for p, s in zip(place, step, strict=True)))
            if a and b:
                wanted[a - 1, b - 1] += 1
                wanted[b - 1, a - 1] += 1
        assert np.array_equal(matrix, wanted), step


@pytest.mark.parametrize("step", IN_SPACE)
def test_runs_are_those_that_walking_finds(levels: np.ndarray, step: tuple[int, int, int]) -> None:
    table = runs(row_of(levels), 0, len(levels), step)
    wanted: dict[tuple[int, int], int] = {}
    for place in np.ndindex(*levels.shape):
        level = at(levels, place)
        if level and at(levels, tuple(p - s for p, s in zip(place, step, strict=True))) != level:
            length = next(n for n in itertools.count(1) if at(levels, tuple(p + n * s for p, s in zip(place, step, strict=True))) != level)
            wanted[level, length] = wanted.get((level, length), 0) + 1
    assert dict(zip(zip(table.level.tolist(), table.size.tolist(), strict=True), table.count.tolist(), strict=True)) == wanted
    assert table.voxels == np.count_nonzero(levels)


def test_zones_are_the_parts_of_each_level(levels: np.ndarray) -> None:
    for part in (levels, levels[1]):
        found = zones(part)
        wanted = []
        for level in range(1, LEVELS + 1):
            numbers, count = ndimage.label(part == level, np.ones((3,) * part.ndim))
            wanted += [(level, int(size)) for size in np.bincount(numbers.ravel(), minlength=count + 1)[1:]]
        assert sorted(np.repeat(np.stack([found.level, found.size], axis=1), found.count.astype(int), axis=0).tolist()) == sorted(map(list, wanted))


@pytest.mark.parametrize("shape", [(9, 17, 14), (1, 6, 7), (4, 1, 5), (3, 520, 530)])
@pytest.mark.parametrize("in_space", [False, True])
def test_distances_are_steps_along_the_axes_to_what_is_out_of_the_region(shape: tuple[int, int, int], in_space: bool, rng: np.random.Generator) -> None:
    mask = rng.random(shape) < (1 - 40 / np.prod(shape))
    if in_space:
        wanted = ndimage.distance_transform_cdt(np.pad(mask, 1), "taxicab")[1:-1, 1:-1, 1:-1]
    else:
        wanted = np.stack([ndimage.distance_transform_cdt(np.pad(plane, 1), "taxicab")[1:-1, 1:-1] for plane in mask])
    assert np.array_equal(distances(mask, in_space=in_space), wanted)


def test_middle_of_a_wide_plane_is_far_from_its_border() -> None:
    assert distances(np.ones((1, 901, 703), bool), in_space=False)[0, 450, 351] == 352


def test_zones_have_the_distance_of_their_voxel_nearest_to_the_border(levels: np.ndarray) -> None:
    away = distances(levels > 1, in_space=True)
    found = distance_zones(levels, away)
    wanted: dict[tuple[int, int], int] = {}
    for level in range(1, LEVELS + 1):
        numbers, count = ndimage.label(levels == level, np.ones((3, 3, 3)))
        for n in range(1, count + 1):
            key = level, int(away[numbers == n].min())
            wanted[key] = wanted.get(key, 0) + 1
    assert dict(zip(zip(found.level.tolist(), found.size.tolist(), strict=True), found.count.tolist(), strict=True)) == wanted
    assert found.voxels == np.count_nonzero(levels)


def test_distances_are_those_from_the_border_before_re_segmentation() -> None:
    image = np.full((7, 7, 7), 10, np.int16)
    image[3, 3, 3], image[1:6, 1:6, 1] = 30, 99
    c = Configuration(families=("gldzm",), bin_width=10, lowest=0, highest=50)
    (region,) = measured(image, np.ones(image.shape), c)
    assert region.value("large_distance_emphasis") == pytest.approx((1 + 16) / 2), "one zone at the border, and one four steps in"


@pytest.mark.parametrize("in_space", [False, True])
def test_dependences_are_the_neighbours_of_equal_level_and_the_voxel_itself(levels: np.ndarray, in_space: bool) -> None:
    row = row_of(levels)
    found = np.asarray(dependences(row, in_space=in_space)).reshape(6, 7, 6)[:4, :6, :5]
    steps = [s for s in itertools.product((-1, 0, 1), repeat=3) if any(s) and (in_space or s[0] == 0)]
    for place in np.argwhere(levels):
        assert found[tuple(place)] == 1 + sum(at(levels, tuple(place + s)) == levels[tuple(place)] for s in steps)


@pytest.mark.parametrize("in_space", [False, True])
def test_tone_differences_are_those_from_the_mean_of_the_neighbours(levels: np.ndarray, in_space: bool) -> None:
    counts, differences = tones(levels, LEVELS, in_space=in_space)
    wanted, number = np.zeros((4, LEVELS)), np.zeros((4, LEVELS))
    steps = [s for s in itertools.product((-1, 0, 1), repeat=3) if any(s) and (in_space or s[0] == 0)]
    for place in np.ndindex(*levels.shape):
        around = [n for n in (at(levels, tuple(p + s for p, s in zip(place, step, strict=True))) for step in steps) if n]
        if levels[place] and around:
            number[place[0], levels[place] - 1] += 1
            wanted[place[0], levels[place] - 1] += abs(levels[place] - np.mean(around))
    assert np.array_equal(counts, number)
    assert differences == pytest.approx(wanted)


def test_autocorrelation_is_that_of_all_pairs(rng: np.random.Generator) -> None:
    image, mask = rng.normal(100, 20, (4, 5, 6)).astype(np.float32), rng.random((4, 5, 6)) < 0.6
    (region,) = measured(image, mask, Configuration(families=("morphology",)), (3, 1, 1.5))
    places, values = np.argwhere(mask) * (3, 1, 1.5), image[mask].astype(float)
    away = np.linalg.norm(places[:, None] - places, axis=2)
    weight = np.divide(1, away, where=away > 0, out=np.zeros_like(away))
    apart, n = values - values.mean(), len(values)
    assert region.value("morans_i") == pytest.approx(n / weight.sum() * (weight * np.outer(apart, apart)).sum() / (apart**2).sum(), rel=1e-6)
    geary = (n - 1) / (2 * weight.sum()) * (weight * (values[:, None] - values) ** 2).sum() / (apart**2).sum()
    assert region.value("gearys_c") == pytest.approx(geary, rel=1e-6)


def test_texture_in_space_is_unchanged_by_flips_and_turns(rng: np.random.Generator) -> None:
    image, mask = rng.integers(0, 99, (5, 6, 7)).astype(np.int16), rng.random((5, 6, 7)) < 0.7
    c = Configuration(families=FAMILIES[1:], bin_count=8)
    plain = by_key(measured(image, mask, c)[0])
    turned = by_key(measured(image.transpose(2, 0, 1)[:, ::-1], mask.transpose(2, 0, 1)[:, ::-1], c)[0])
    for key, feature in plain.items():
        if key[0] in c.families:
            assert turned[key].value == pytest.approx(feature.value, rel=1e-9), key


def test_every_label_has_the_features_that_it_has_alone_wherever_it_touches(rng: np.random.Generator) -> None:
    image, labels = rng.integers(-100, 200, (6, 14, 15)).astype(np.int16), rng.integers(0, 4, (6, 14, 15))
    c = replace(ALL, resample_mm=1.5, interpolation="cubic")
    together = measured(image, labels, c, (2, 1, 1))
    for region in together:
        (alone,) = measured(image, (labels == region.label).astype(np.uint8), c, (2, 1, 1))
        for one, other in zip(region.features, alone.features, strict=True):
            assert one.value == other.value or (math.isnan(one.value) and one.nan_reason == other.nan_reason), one.name


def test_region_at_the_border_is_measured_as_one_within(rng: np.random.Generator) -> None:
    image, mask = rng.integers(0, 99, (4, 6, 7)).astype(np.int16), rng.random((4, 6, 7)) < 0.7
    inner = measured(np.pad(image, 3), np.pad(mask, 3), ALL)[0]
    for key, feature in by_key(measured(image, mask, ALL)[0]).items():
        if key[0] != "local_intensity" and key[1] not in ("border_touch", "centre_of_mass_x", "centre_of_mass_y", "centre_of_mass_z"):
            assert by_key(inner)[key].value == pytest.approx(feature.value, rel=1e-9), key


def test_one_voxel_has_a_reason_for_every_value_that_does_not_exist() -> None:
    mask = np.zeros((3, 3, 3), bool)
    mask[1, 1, 1] = True
    found = by_key(measured(np.full((3, 3, 3), 7, np.int16), mask, ALL)[0])
    assert all(math.isfinite(f.value) or f.nan_reason for f in found.values())
    assert found["morphology", "volume_mesh", ""].value == pytest.approx(1 / 6), "an octahedron"
    assert found["morphology", "surface_area", ""].value == pytest.approx(math.sqrt(3))
    assert found["morphology", "flatness", ""].nan_reason == "one voxel has no axes"
    assert found["glcm", "contrast", "3D, merged"].nan_reason == "the region has no two neighbouring voxels"
    assert found["ngtdm", "coarseness", "2D"].nan_reason == "the region has no two neighbouring voxels"
    assert found["glrlm", "run_entropy", "3D, averaged"].value == 0
    assert found["ngldm", "low_dependence_emphasis", "2.5D"].value == found["gldzm", "small_distance_emphasis", "3D"].value == 1
    assert found["local_intensity", "local_peak", ""].value == 7


def test_two_voxels_have_nothing_between_their_percentiles() -> None:
    image = np.array([[[3, 9]]] * 2, np.int16)
    mask = np.array([[[1, 1]], [[0, 0]]])
    found = by_key(measured(image, mask, ALL)[0])
    assert found["intensity", "robust_mean_absolute_deviation", ""].nan_reason == "no value lies between the 10th and the 90th percentile"
    assert found["intensity", "mean_absolute_deviation", ""].value == 3


def test_scattered_voxels_have_runs_of_one_and_no_pairs(rng: np.random.Generator) -> None:
    mask = np.zeros((5, 9, 9), bool)
    mask[::2, ::2, ::2] = True
    found = by_key(measured(rng.integers(0, 50, mask.shape).astype(np.int16), mask, ALL)[0])
    assert found["glrlm", "short_runs_emphasis", "3D, merged"].value == 1
    assert math.isnan(found["glcm", "contrast", "2.5D, merged"].value)


def test_constant_region_has_no_correlation_and_no_contrast_of_tones() -> None:
    found = by_key(measured(np.full((4, 5, 6), -30, np.int16), np.ones((4, 5, 6)), ALL)[0])
    assert found["glcm", "correlation", "3D, merged"].nan_reason == "all grey levels are equal"
    assert found["glcm", "joint_entropy", "3D, merged"].value == 0
    assert found["ngtdm", "coarseness", "3D"].nan_reason == "no voxel differs from its neighbours"
    assert found["morphology", "morans_i", ""].nan_reason == "all grey values are equal"
    assert found["intensity_histogram", "maximum_gradient", ""].nan_reason == "all grey levels are equal"


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_voxels_that_are_no_numbers_leave_shape_alone(wrong: float, rng: np.random.Generator) -> None:
    image = rng.random((4, 5, 6)).astype(np.float32)
    image[1, 2, 3] = wrong
    found = by_key(measured(image, np.ones(image.shape), ALL)[0])
    assert found["intensity", "mean", ""].nan_reason == "voxels of the region that are not finite numbers: 1"
    assert found["glcm", "contrast", "2D, averaged"].nan_reason == "voxels of the region that are not finite numbers: 1"
    assert found["morphology", "integrated_intensity", ""].nan_reason == "voxels of the region that are not finite numbers: 1"
    assert math.isfinite(found["morphology", "sphericity", ""].value)


def test_region_of_which_nothing_is_left_says_why(rng: np.random.Generator) -> None:
    image, mask = rng.integers(0, 50, (4, 5, 6)).astype(np.int16), np.ones((4, 5, 6))
    found = by_key(measured(image, mask, replace(ALL, lowest=100))[0])
    assert found["intensity", "mean", ""].nan_reason == "no voxel is left after re-segmentation"
    assert math.isfinite(found["morphology", "volume_mesh", ""].value)
    speck = np.zeros((20, 20, 20))
    speck[4, 4, 4] = 1
    found = by_key(measured(np.ones(speck.shape, np.int16), speck, replace(ALL, resample_mm=4))[0])
    assert found["morphology", "volume_mesh", ""].nan_reason == "the region vanishes on this grid"
    assert found["glszm", "zone_percentage", "3D"].nan_reason == "the region vanishes on this grid"


def test_too_many_grey_levels_are_a_reason_not_a_crash() -> None:
    image = np.arange(60, dtype=np.int16).reshape(3, 4, 5) * 100
    found = by_key(measured(image, np.ones(image.shape), replace(ALL, bin_width=1.0))[0])
    assert found["glcm", "contrast", "3D, merged"].nan_reason == "5901 grey levels, more than 1024: take wider ones"
    assert found["intensity", "mean", ""].value == pytest.approx(2950)


def test_families_come_after_what_a_region_has_anyway_and_in_place_of_it(rng: np.random.Generator) -> None:
    image, mask = rng.integers(0, 50, (4, 5, 6)).astype(np.int16), np.ones((4, 5, 6))
    (region,) = measured(image, mask, ALL)
    names = [(f.family, f.name, f.aggregation) for f in region.features]
    assert len(names) == len(set(names))
    assert region.features[0].name == "volume"
    (light,) = extract(Image(image, geometry()), labels_of(mask), Options())
    assert {(f.family, f.name, "") for f in light.features} <= set(names)
    assert light.value("sphericity") == region.value("sphericity")


def test_colour_picture_is_measured_by_its_luma_and_a_colour_volume_refused(rng: np.random.Generator) -> None:
    picture = rng.integers(0, 255, (1, 20, 22, 3)).astype(np.uint8)
    c = replace(ALL, dimensions=("2d",))
    found = by_key(extract(Image(picture), labels_of(np.ones((1, 20, 22))), Options(long_side_px=0, radiomics=c))[0])
    assert found["intensity", "mean", ""].value == pytest.approx(float((picture @ [0.299, 0.587, 0.114]).mean()), abs=0.5)
    assert ("glrlm", "run_entropy", "2D, averaged") in found
    with pytest.raises(InputError, match="one intensity a voxel, this volume has 3 channels"):
        extract(Image(np.zeros((3, 4, 5, 3), np.uint8), geometry()), labels_of(np.ones((3, 4, 5))), Options(radiomics=c))


def test_peak_memory_stays_below_three_times_the_box_in_single_precision(rng: np.random.Generator) -> None:
    image = (ndimage.gaussian_filter(rng.normal(size=(60, 90, 90)), 1.5) * 3000).astype(np.int16)
    k, j, i = np.meshgrid(*[np.linspace(-1, 1, n) for n in image.shape], indexing="ij")
    (region,) = regions_of(labels_of(k**2 + j**2 + i**2 < 1))
    list(radiomics.features(Image(image[:8, :9, :9], geometry()), regions_of(labels_of(np.ones((8, 9, 9))))[0], ALL, "1"))
    tracemalloc.start()
    list(radiomics.features(Image(image, geometry()), region, Configuration(bin_width=25), "1"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * 4 * image.size


def test_statistics_of_a_float_region_take_less_than_three_times_its_box(rng: np.random.Generator) -> None:
    values = rng.normal(size=500_000).astype(np.float32)
    intensity.of_values(values[:1000], "source grid")
    tracemalloc.start()
    found = {f.name: f.value for f in intensity.of_values(values, "source grid")}
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2.5 * values.nbytes  # and what is handed in is as large as it
    exact = values.astype(np.float64)
    assert [found["percentile_10"], found["median"], found["percentile_90"]] == pytest.approx(list(np.percentile(exact, [10, 50, 90])), rel=1e-12)
    middle = exact[(exact >= found["percentile_10"]) & (exact <= found["percentile_90"])]
    assert found["robust_mean_absolute_deviation"] == pytest.approx(np.abs(middle - middle.mean()).mean(), rel=1e-12)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"bin_width": 0.0}, "bin_width must be above 0"),
        ({"bin_count": 1}, "bin_count must lie between 2 and 1024"),
        ({"ivh_bin_width": -1.0}, "ivh_bin_width must be above 0"),
        ({"ivh_bin_count": 1}, "ivh_bin_count be at least 2"),
        ({"ivh_bin_count": 10, "ivh_bin_width": 2.0}, "give one of them"),
        ({"lowest": 5.0, "highest": 5.0}, "lowest must lie below highest"),
        ({"resample_mm": -1.0}, "at least 0"),
        ({"dimensions": ()}, "must not be empty"),
        ({"names": "pyradiomics", "dimensions": ("2d",)}, "2.5d or 3d alone"),
    ],
)
def test_settings_out_of_range_are_named(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Configuration(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("resample_mm", [10.0, 500.0])
def test_region_between_two_voxels_of_the_new_grid_vanishes_and_no_other_does(resample_mm: float) -> None:
    values = np.random.default_rng(0).integers(0, 90, (20, 20, 20)).astype(np.int16)
    mask = np.zeros((20, 20, 20), np.uint8)
    mask[3, 4, 4] = 1
    mask[5:18, 5:18, 5:18] = 2
    table = tuple(LabelRecipe(value=v, name=f"organ {v}", role="anatomy") for v in (1, 2))
    image = Image(values, Geometry(np.diag([1.0, 1, 1, 1])[[2, 1, 0, 3]], calibrated=True))
    small, large = extract(image, Labels(mask, table), Options(radiomics=Configuration(resample_mm=resample_mm)))
    assert {f.nan_reason for f in small.features if f.family == "glcm"} == {"the region vanishes on this grid"}
    assert len(large.features) == len(small.features)


def test_picture_without_scale_is_not_resampled_to_millimetres() -> None:
    mask = np.zeros((1, 20, 20), np.uint8)
    mask[0, 5:15, 5:15] = 1
    picture = Image(np.random.default_rng(0).integers(0, 90, (1, 20, 20)).astype(np.uint8), Geometry.of_picture())
    labels = Labels(mask, (LabelRecipe(value=1, name="mole", role="lesion"),))
    (region,) = extract(picture, labels, Options(radiomics=Configuration(resample_mm=2.0, families=("glcm", "morphology"))))
    told = [f for f in region.features if f.name in ("joint_average", "volume_mesh")]
    assert {f.nan_reason for f in told if "2 mm" in f.discretisation or f.name == "volume_mesh"} == {"the size of a pixel in mm is not known"}
