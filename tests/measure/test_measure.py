from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from tests.phantoms import coloured, disc, ellipse, lesion_of

from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.core.recipe import LabelRecipe
from diaphane.errors import InputError
from diaphane.measure import Options, extract, glcm, intensity
from diaphane.measure.shape import perimeter

NATIVE = Options(long_side_px=0)


def test_disc_has_the_area_perimeter_and_diameter_of_its_formula() -> None:
    (region,) = extract(*lesion_of(disc(40)), NATIVE)
    assert region.value("area") == pytest.approx(math.pi * 40**2, rel=0.005)
    assert region.value("perimeter") == pytest.approx(2 * math.pi * 40, rel=0.02)
    assert region.value("maximum_diameter") == pytest.approx(81, rel=0.02)
    assert region.value("circularity") == pytest.approx(1, abs=0.04)
    assert region.value("elongation") == pytest.approx(1, abs=0.01)
    assert region.value("asymmetry") == pytest.approx(0, abs=0.02)
    assert region.value("solidity") == pytest.approx(1, abs=0.03)
    assert region.value("border_touch") == 0


def test_ellipse_has_the_axes_of_its_formula() -> None:
    (region,) = extract(*lesion_of(ellipse(128, 128, (63.5, 63.5), (20, 45))), NATIVE)
    assert region.value("major_axis_length") == pytest.approx(90, rel=0.01)
    assert region.value("minor_axis_length") == pytest.approx(40, rel=0.01)
    assert region.value("elongation") == pytest.approx(20 / 45, rel=0.01)


def test_square_perimeter_is_within_ten_percent_and_independent_of_place() -> None:
    mask = np.zeros((60, 60), bool)
    mask[10:40, 10:40] = True
    moved = np.roll(mask, (5, 9), (0, 1))
    assert perimeter(mask) == pytest.approx(120, rel=0.1)
    assert perimeter(mask) == perimeter(moved)


def test_half_a_disc_is_less_symmetric_than_a_disc_and_touches_the_edge() -> None:
    mask = disc(40, 128)[:, 63:]
    (region,) = extract(*lesion_of(mask), NATIVE)
    assert region.value("asymmetry") > 0.05
    assert region.value("border_touch") == pytest.approx(80 / (2 * (128 + 65)), rel=0.05)


def test_measures_in_millimetres_scale_with_the_spacing() -> None:
    image, labels = lesion_of(disc(30))
    plain = extract(image, labels, NATIVE)[0]
    scaled = extract(Image(image.array, Geometry.of_picture(0.2), image.name), labels, NATIVE)[0]
    assert scaled.value("area") == pytest.approx(plain.value("area") * 0.04)
    assert scaled.value("perimeter") == pytest.approx(plain.value("perimeter") * 0.2)
    assert (plain.feature("area").unit, scaled.feature("area").unit) == ("px2", "mm2")
    assert scaled.value("circularity") == pytest.approx(plain.value("circularity"))


@pytest.mark.parametrize("axis", [0, 1])
def test_features_are_unchanged_by_flips(axis: int, rng: np.random.Generator) -> None:
    mask = ellipse(64, 80, (30, 41), (14, 25)) & ~ellipse(64, 80, (22, 50), (6, 9))
    picture = np.clip(coloured(mask) + rng.integers(-30, 30, (64, 80, 3)), 0, 255).astype(np.uint8)
    plain = extract(*lesion_of(mask, picture), NATIVE)[0]
    flipped = extract(*lesion_of(np.flip(mask, axis), np.flip(picture, axis)), NATIVE)[0]
    for a, b in zip(plain.features, flipped.features, strict=True):
        assert b.value == pytest.approx(a.value, rel=1e-6, abs=1e-6), a.name


def test_flat_colours_have_the_contrast_of_their_colours() -> None:
    (region,) = extract(*lesion_of(disc(30)), NATIVE)
    assert region.value("red_mean") == 110
    assert region.value("red_deviation") == 0
    assert region.value("lightness_contrast") < -30
    assert region.value("variegation") == 0
    assert region.value("colour_asymmetry") == pytest.approx(0, abs=1e-6)


def test_half_dark_lesion_is_variegated_and_asymmetric_in_colour() -> None:
    mask = disc(30)
    picture = coloured(mask)
    picture[:, :64][mask[:, :64]] = (40, 20, 20)
    (region,) = extract(*lesion_of(mask, picture), NATIVE)
    assert region.value("variegation") > 5
    assert region.value("colour_asymmetry") > 5


def test_colour_features_are_the_same_on_a_larger_copy(rng: np.random.Generator) -> None:
    mask = disc(50, 256)
    picture = np.clip(coloured(mask) + rng.integers(-20, 20, (256, 256, 3)), 0, 255).astype(np.uint8)
    small = extract(*lesion_of(mask, picture), Options())[0]
    large = extract(*lesion_of(np.kron(mask, np.ones((3, 3))) > 0, np.kron(picture, np.ones((3, 3, 1), np.uint8))), Options())[0]
    for a, b in zip(small.features, large.features, strict=True):
        if a.family in ("colour", "glcm", "intensity"):
            assert b.value == pytest.approx(a.value, rel=1e-6, abs=1e-6), a.name
    assert small.feature("contrast").discretisation == "FBN 32, long side at most 256 px"
    assert large.feature("contrast").discretisation == "FBN 32, long side at most 256 px"


def test_one_pixel_has_an_area_and_a_reason_for_every_value_that_does_not_exist() -> None:
    mask = np.zeros((20, 20), bool)
    mask[7, 8] = True
    (region,) = extract(*lesion_of(mask), NATIVE)
    assert region.value("area") == 1
    assert region.feature("contrast").nan_reason == "the region has no two neighbouring pixels"
    assert region.feature("skewness").nan_reason == "all grey values are equal"
    assert all(math.isfinite(f.value) or f.nan_reason for f in region.features)


def test_region_that_vanishes_on_the_working_grid_says_so() -> None:
    mask = np.zeros((2000, 2000), bool)
    mask[1000, 1000:1002] = True
    (region,) = extract(*lesion_of(mask), Options())
    assert region.value("area") == 2
    assert region.feature("red_mean").nan_reason == "the region vanishes on this grid"
    assert region.feature("mean").nan_reason == "the region vanishes on this grid"


def test_lesion_that_fills_the_picture_has_no_skin_to_compare_with() -> None:
    (region,) = extract(*lesion_of(np.ones((40, 40), bool)), NATIVE)
    assert "surrounding skin" in region.feature("lightness_contrast").nan_reason
    assert math.isfinite(region.value("red_mean"))


def test_empty_mask_has_no_region() -> None:
    assert extract(*lesion_of(np.zeros((30, 30), bool)), NATIVE) == ()


def test_two_lesions_are_two_regions_largest_first_and_an_organ_is_one() -> None:
    mask = ellipse(60, 120, (30, 30), (9, 9)) | ellipse(60, 120, (30, 90), (15, 15))
    image, labels = lesion_of(mask)
    first, second = extract(image, labels, NATIVE)
    assert first.value("area") > second.value("area")
    organ = Labels(labels.array, (LabelRecipe(value=1, name="left lung", role="anatomy"),))
    assert len(extract(image, organ, NATIVE)) == 1


def test_left_and_right_organs_carry_the_ratio_of_their_areas() -> None:
    array = np.zeros((1, 40, 40), np.uint8)
    array[0, 10:30, 5:15], array[0, 10:30, 20:25] = 1, 2
    table = (LabelRecipe(value=1, name="left lung", role="anatomy"), LabelRecipe(value=2, name="right lung", role="anatomy"))
    left, right = extract(Image(np.zeros((1, 40, 40), np.uint8)), Labels(array, table), NATIVE)
    assert left.value("area_ratio_to_opposite_side") == 2
    assert right.value("area_ratio_to_opposite_side") == 0.5
    array = np.where(array == 2, 0, array)
    (left,) = extract(Image(np.zeros((1, 40, 40), np.uint8)), Labels(array, table), NATIVE)
    assert left.feature("area_ratio_to_opposite_side").nan_reason == "no right lung was segmented"


def test_mask_of_another_shape_is_refused() -> None:
    image, _ = lesion_of(disc(10, 40))
    _, labels = lesion_of(disc(10, 44))
    with pytest.raises(InputError, match="must lie on one grid"):
        extract(image, labels, NATIVE)


def test_cooccurrence_equals_counting_pairs(rng: np.random.Generator) -> None:
    levels, mask = rng.integers(1, 5, (9, 11)), rng.random((9, 11)) < 0.7
    expected = np.zeros((4, 4))
    for y in range(9):
        for x in range(11):
            for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
                if y + dy < 9 and 0 <= x + dx < 11 and mask[y, x] and mask[y + dy, x + dx]:
                    a, b = levels[y, x] - 1, levels[y + dy, x + dx] - 1
                    expected[a, b] += 1
                    expected[b, a] += 1
    assert np.array_equal(glcm.cooccurrence(levels, mask, 4), expected)


def ibsi(data: Path, family: str, aggregation: str) -> dict[str, tuple[float, float]]:
    """Code to value and half a unit of its last digit, of the digital phantom."""
    import csv

    with (data / "ibsi/ibsi1_reference_values.csv").open() as file:
        rows = [r for r in csv.DictReader(file) if r["data"] == "dig. phantom" and r["family"] == family and r["aggregation"] == aggregation]
    return {r["ibsi_code"]: (float(r["value"]), 0.5001 * 10.0 ** -len(r["value"].partition(".")[2])) for r in rows}


def phantom(data: Path) -> tuple[np.ndarray, np.ndarray]:
    """Grey levels and mask of the digital phantom, [k, j, i]; read without a library."""
    import gzip

    arrays = []
    for name in ("image/phantom.nii.gz", "mask/mask.nii.gz"):
        raw = (data / "ibsi/digital_phantom/nifti" / name).read_bytes()
        raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
        shape = np.frombuffer(raw, "<i2", 8, 40)[1:4]
        kind = {2: "u1", 4: "<i2", 8: "<i4", 16: "<f4", 64: "<f8", 512: "<u2"}[int(np.frombuffer(raw, "<i2", 1, 70)[0])]
        start = int(np.frombuffer(raw, "<f4", 1, 108)[0])
        arrays.append(np.frombuffer(raw, kind, int(np.prod(shape)), start).reshape(shape[::-1]))
    return arrays[0], arrays[1] > 0


@pytest.mark.data
def test_intensity_statistics_are_the_ibsi_values_of_the_digital_phantom(data: Path) -> None:
    image, mask = phantom(data)
    found = intensity.statistics(image[mask].astype(float))
    wanted = ibsi(data, "stat", "")
    for name, code in intensity.CODES.items():
        value, tolerance = wanted[code]
        assert found[name] == pytest.approx(value, abs=tolerance), name


@pytest.mark.data
def test_cooccurrence_features_are_the_ibsi_values_of_the_digital_phantom(data: Path) -> None:
    image, mask = phantom(data)
    matrices = [glcm.cooccurrence(np.maximum(i, 1).astype(int), m, 6) for i, m in zip(image, mask, strict=True)]
    slices = [glcm.statistics(matrix) for matrix in matrices if matrix.sum()]
    wanted = ibsi(data, "cm", glcm.AGGREGATION)
    for name, code in glcm.CODES.items():
        value, tolerance = wanted[code]
        assert np.mean([s[name] for s in slices]) == pytest.approx(value, abs=tolerance), name
