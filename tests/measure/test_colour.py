from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.color import deltaE_ciede2000
from tests.phantoms import coloured, disc, ellipse, lesion_of

from diaphane.cli.main import main
from diaphane.core.region import Region
from diaphane.errors import UsageError
from diaphane.measure import Options, extract
from diaphane.measure.channels import mean_hue
from diaphane.measure.clinical_colours import PALETTE, SKIN
from diaphane.measure.constancy import corrected, illuminant
from diaphane.measure.delta_e import ciede2000
from diaphane.ops.picture import write_png
from diaphane.plan import read_plan

NATIVE = Options(long_side_px=0)
NEUTRAL_SKIN = tuple(int(n) for n in SKIN)


def rgb_of(lab: tuple[float, float, float]) -> tuple[int, int, int]:
    """The nearest sRGB colour of a CIELAB one."""
    red, green, blue = cv2.cvtColor(np.array([[lab]], np.float32), cv2.COLOR_LAB2RGB)[0, 0] * 255
    return round(float(red)), round(float(green)), round(float(blue))


def lab_of(*rgb: int) -> np.ndarray:
    return cv2.cvtColor(np.array([[rgb]], np.float32) / 255, cv2.COLOR_RGB2LAB)[0, 0].astype(float)


def measured(mask: np.ndarray, picture: np.ndarray, options: Options = NATIVE) -> Region:
    return extract(*lesion_of(mask, picture), options)[0]


def striped(mask: np.ndarray, *colours: tuple[int, int, int]) -> np.ndarray:
    """Stripes of equal width from the first column of ``mask`` to its last."""
    picture = coloured(mask, outside=NEUTRAL_SKIN)
    columns = np.flatnonzero(mask.any(axis=0))
    for part, colour in zip(np.array_split(columns, len(colours)), colours, strict=True):
        picture[mask & np.isin(np.arange(mask.shape[1]), part)] = colour
    return picture


def test_ciede2000_agrees_with_scikit_image_and_with_the_standards_own_pairs(rng: np.random.Generator) -> None:
    one, other = (rng.uniform([0, -80, -80], [100, 80, 80], (2000, 3)) for _ in range(2))
    one[:50, 1:] = 0
    assert ciede2000(one, other) == pytest.approx(deltaE_ciede2000(one, other), abs=1e-9)
    pairs = [((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425), ((50, 0, 0), (50, -1, 2), 2.3669), ((50, 2.5, 0), (73, 25, -18), 27.1492)]
    for first, second, known in pairs:  # Sharma, Wu, Dalal 2005, table 1
        assert float(ciede2000(np.array(first, float), np.array(second, float))) == pytest.approx(known, abs=5e-5)


def test_flat_colours_have_the_statistics_of_their_colours() -> None:
    region = measured(disc(30), coloured(disc(30), (120, 60, 30), (200, 180, 160)))
    assert region.value("red_contrast") == -80
    assert region.value("hue_mean") == pytest.approx(20)
    assert region.value("hue_contrast") == pytest.approx(20 - 30, abs=1e-3)
    assert region.value("hue_deviation") == pytest.approx(0, abs=1e-3)
    assert (region.value("saturation_mean"), region.value("value_mean")) == pytest.approx((0.75, 120 / 255))
    assert region.value("saturation_contrast") == pytest.approx(0.75 - 0.2)
    assert region.value("green_percentile_5") == region.value("green_percentile_95") == 60
    assert region.value("colour_difference_to_skin") == pytest.approx(float(ciede2000(lab_of(120, 60, 30), lab_of(200, 180, 160))), abs=1e-4)
    assert region.feature("red_variegation_ratio").nan_reason == "the surrounding skin is of one value"


def test_statistics_are_those_of_the_pixels_inside_and_in_the_ring(rng: np.random.Generator) -> None:
    mask = disc(30)
    picture = np.clip(coloured(mask) + rng.normal(0, [[[20, 10, 5]]], (128, 128, 3)), 0, 255).astype(np.uint8)
    region = measured(mask, picture)
    away = np.hypot(*(np.mgrid[:128, :128] - 63.5)) - 30
    ring = (away > 4) & (away < 11)
    for n, channel in enumerate(("red", "green", "blue")):
        inside = picture[..., n][mask].astype(float)
        assert region.value(f"{channel}_percentile_95") == pytest.approx(np.percentile(inside, 95))
        assert region.value(f"{channel}_variegation_ratio") == pytest.approx(inside.std() / picture[..., n][ring].std(), rel=0.1)


def test_hue_is_an_angle() -> None:
    found = mean_hue(np.radians([350.0, 20.0]), np.ones(2))
    assert found is not None
    assert found[0] == pytest.approx(5)
    assert found[1] == pytest.approx(math.degrees(math.sqrt(-2 * math.log(math.cos(math.radians(15))))))
    assert mean_hue(np.radians([0.0, 180.0]), np.ones(2)) is None
    assert mean_hue(np.radians([10.0, 300.0]), np.array([1.0, 0.0])) == pytest.approx((10.0, 0.0), abs=1e-5)


def test_grey_lesion_has_no_hue_and_says_so() -> None:
    region = measured(disc(20), coloured(disc(20), (90, 90, 90)))
    assert region.feature("hue_mean").nan_reason.startswith("no hue prevails")
    assert region.value("saturation_mean") == 0
    on_grey = measured(disc(20), coloured(disc(20), outside=(180, 180, 180)))
    assert on_grey.feature("hue_contrast").nan_reason == "the surrounding skin has no prevailing hue"
    assert math.isfinite(on_grey.value("hue_mean"))


@pytest.mark.parametrize("name", PALETTE)
def test_a_colour_of_the_palette_is_counted_as_what_it_is_called(name: str) -> None:
    region = measured(disc(40), coloured(disc(40), rgb_of(PALETTE[name][0]), NEUTRAL_SKIN))
    assert region.value(f"{name}_share") == 1
    assert region.value("clinical_colours") == 1


def test_stripes_have_equal_shares_and_each_colour_counts() -> None:
    mask = np.zeros((120, 160), bool)
    mask[30:90, 20:140] = True
    region = measured(mask, striped(mask, *(rgb_of(colours[0]) for colours in PALETTE.values())))
    assert [region.value(f"{name}_share") for name in PALETTE] == pytest.approx([1 / 6] * 6)
    assert region.value("clinical_colours") == 6
    assert region.value("skin_share") == 0


def test_what_looks_like_the_skin_around_is_skin_and_white_must_be_lighter_than_it() -> None:
    mask = np.zeros((120, 160), bool)
    mask[30:90, 20:140] = True
    picture = striped(mask, NEUTRAL_SKIN, rgb_of(PALETTE["dark_brown"][0]))
    region = measured(mask, picture)
    assert (region.value("skin_share"), region.value("dark_brown_share")) == (0.5, 0.5)
    assert region.value("clinical_colours") == 1
    pale = np.where(mask[..., None], 230, 250).astype(np.uint8) + np.array([4, 2, 0], np.uint8)
    assert measured(mask, pale).value("white_share") == 0


@pytest.mark.parametrize("light", [(1.0, 0.8, 0.85), (0.75, 0.9, 1.0)])
def test_counts_survive_a_cast_of_the_light(light: tuple[float, float, float]) -> None:
    mask = np.zeros((120, 160), bool)
    mask[30:90, 20:140] = True
    picture = striped(mask, *(rgb_of(PALETTE[name][-2]) for name in ("light_brown", "dark_brown", "black")))
    cast = np.rint(picture * np.array(light)).astype(np.uint8)
    region = measured(mask, cast)
    assert region.value("clinical_colours") == 3
    assert region.value("dark_brown_share") == pytest.approx(1 / 3, abs=0.02)


def test_too_little_skin_leaves_the_counts_without_value_but_not_the_statistics() -> None:
    region = measured(np.ones((40, 40), bool), np.full((40, 40, 3), (120, 60, 30), np.uint8))
    for name in ("clinical_colours", "black_share", "red_contrast", "red_variegation_ratio", "colour_difference_to_skin", "hue_contrast", "abcd_colours"):
        assert "surrounding skin" in region.feature(name).nan_reason, name
    assert region.value("hue_mean") == pytest.approx(20)


@pytest.mark.parametrize("how", ["grey_world", "shades_of_grey", "max_rgb"])
def test_colour_constancy_takes_a_cast_out(how: str, rng: np.random.Generator) -> None:
    balanced = np.repeat(rng.integers(20, 180, (60, 60, 1)), 3, axis=2)
    linear = (balanced / 255) ** 2.2 * np.array([1.0, 0.7, 0.5])
    cast = np.rint(255 * linear ** (1 / 2.2)).astype(np.uint8)
    seen = corrected(cast, how).astype(int)  # type: ignore[arg-type]
    assert np.ptp(seen, axis=2).mean() < 2 < np.ptp(cast.astype(int), axis=2).mean()
    assert illuminant(corrected(cast, how), 1.0) == pytest.approx(np.ones(3), abs=0.02)  # type: ignore[arg-type]


def test_illuminants_are_the_minkowski_means_of_light() -> None:
    picture = np.zeros((1, 2, 3), np.uint8)
    picture[0] = [(255, 255, 0), (255, 0, 0)]
    assert illuminant(picture, 1.0) == pytest.approx(np.sqrt(3) * np.array([1, 0.5, 0]) / math.hypot(1, 0.5))
    assert illuminant(picture, math.inf) == pytest.approx(np.sqrt(3) * np.array([1, 1, 0]) / math.hypot(1, 1))
    assert illuminant(np.zeros((2, 2, 3), np.uint8), 6.0) == pytest.approx(np.ones(3))


def test_colour_constancy_reaches_the_features_and_is_said_beside_them() -> None:
    mask = disc(30)
    picture = coloured(mask, (110, 70, 50), (215, 170, 150))
    plain, balanced = measured(mask, picture), measured(mask, picture, Options(long_side_px=0, colour_constancy="grey_world"))
    assert balanced.value("saturation_mean") < plain.value("saturation_mean")
    assert balanced.feature("red_mean").discretisation == "source grid, grey_world"
    assert balanced.feature("mean").discretisation == "source grid, grey_world"
    assert plain.feature("red_mean").discretisation == "source grid"
    with pytest.raises(ValueError, match="colour_constancy must be one of none, grey_world"):
        Options(colour_constancy="gray")  # type: ignore[arg-type]


def test_grey_picture_has_no_colour_and_no_score() -> None:
    region = measured(disc(20), np.full((128, 128), 90, np.uint8))
    assert {f.family for f in region.features} == {"morphology", "intensity", "glcm"} | {f.family for f in region.features if f.family == "confidence"}


def test_every_value_that_does_not_exist_has_its_reason_and_no_name_comes_twice() -> None:
    masks = [disc(n, 64) for n in (0.8, 2, 5, 20)] + [ellipse(64, 64, (2, 30), (1, 30)), np.eye(64, dtype=bool), np.ones((64, 64), bool)]
    for mask in masks:
        for region in extract(*lesion_of(mask), NATIVE):
            names = [f.name for f in region.features]
            assert len(names) == len(set(names))
            assert all(math.isfinite(f.value) != bool(f.nan_reason) for f in region.features)


def test_colour_constancy_is_a_flag_and_a_key_of_the_plan(tmp_path: Path) -> None:
    picture, mask, out, plan = (tmp_path / name for name in ("lesion.png", "mask.png", "features.csv", "plan.toml"))
    write_png(picture, coloured(disc(30)))
    write_png(mask, disc(30).astype(np.uint8))
    assert main(["measure", str(picture), str(mask), "--out", str(out), "--colour-constancy", "grey_world"]) == 0
    assert 'red_mean,,,"long side at most 256 px, grey_world"' in out.read_text()
    plan.write_text('[measure]\ncolour_constancy = "shades_of_grey"\n')
    assert read_plan(plan).measure.colour_constancy == "shades_of_grey"
    plan.write_text('[measure]\ncolour_constancy = "gray_world"\n')
    with pytest.raises(UsageError, match="colour_constancy"):
        read_plan(plan)
