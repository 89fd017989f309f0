from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from tests.phantoms import disc, ellipse, lesion_of

from diaphane.core.region import Region
from diaphane.measure import Options, extract

NATIVE = Options(long_side_px=0)


def measured(mask: np.ndarray) -> Region:
    return extract(*lesion_of(mask), NATIVE)[0]


def flower(radius: float, depth: float, petals: int, size: int = 256, degrees: float = 0) -> np.ndarray:
    """A disc whose radius swings by ``depth`` of it, ``petals`` times."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    return np.hypot(x, y) <= radius * (1 + depth * np.cos(petals * (np.arctan2(y, x) - math.radians(degrees))))


def snowflake(size: int) -> np.ndarray:
    """Koch's, of dimension log 4 / log 3."""
    points, out = [0, 1, 0.5 - 1j * math.sqrt(3) / 2], np.zeros((size, size), np.uint8)
    for _ in range(5):
        sides = zip(points, points[1:] + points[:1], strict=True)
        points = [p for a, b in sides for p in (a, a + (b - a) / 3, a + (b - a) / 3 * (1 + np.exp(1j * math.pi / 3)), a + 2 * (b - a) / 3)]
    xy = np.column_stack([np.real(points), np.imag(points)])
    cv2.fillPoly(out, [np.rint((xy - xy.min(axis=0)) / np.ptp(xy) * 0.7 * size * 16 + 2.4 * size).astype(np.int32)], 1, shift=4)
    return out > 0


def test_ellipses_have_no_irregularity() -> None:
    for mask in (disc(40), ellipse(128, 160, (63.5, 79.5), (25, 60)), ellipse(400, 400, (200, 190), (150, 120))):
        region = measured(mask)
        assert region.value("border_irregularity") < 0.02
        assert region.value("border_irregularity_sector_maximum") < 0.025


def test_irregularity_of_a_flower_is_that_of_its_formula() -> None:
    region = measured(flower(80, 0.15, 12))
    assert region.value("border_irregularity") == pytest.approx(0.15 / math.sqrt(2), rel=0.15)
    assert region.value("border_irregularity_sector_mean") == pytest.approx(0.15 / math.sqrt(2), rel=0.2)
    assert region.value("border_irregularity") > 2 * measured(flower(80, 0.05, 12)).value("border_irregularity")


def test_a_notch_in_one_sector_raises_the_maximum_more_than_the_mean() -> None:
    mask = disc(60, 160)
    notched = measured(mask & ~ellipse(160, 160, (60, 135), (12, 20)))
    assert notched.value("border_irregularity_sector_maximum") > 2 * notched.value("border_irregularity_sector_mean")
    assert notched.value("border_irregularity_sector_maximum") > 3 * measured(mask).value("border_irregularity_sector_maximum")


def test_irregularity_keeps_when_turned_and_when_larger() -> None:
    plain, turned, large = (measured(m) for m in (flower(60, 0.2, 5), flower(60, 0.2, 5, degrees=17), flower(180, 0.2, 5, size=600)))
    for name in ("border_irregularity", "border_irregularity_sector_mean", "border_irregularity_sector_maximum", "fractal_dimension"):
        assert turned.value(name) == pytest.approx(plain.value(name), rel=0.06), name
        assert large.value(name) == pytest.approx(plain.value(name), rel=0.06), name


def test_dimension_is_about_one_for_a_disc_and_that_of_koch_for_his_snowflake() -> None:
    assert measured(disc(240, 600)).value("fractal_dimension") == pytest.approx(1, abs=0.03)
    assert measured(snowflake(1500)).value("fractal_dimension") == pytest.approx(math.log(4) / math.log(3), abs=0.02)
    assert measured(snowflake(250)).value("fractal_dimension") > 1.1 > measured(disc(60, 250)).value("fractal_dimension")


def test_small_region_has_no_irregularity_and_says_why() -> None:
    region = measured(disc(9))
    assert region.feature("border_irregularity").nan_reason == "the region is less than 20 px across"
    assert region.feature("fractal_dimension").nan_reason == "the region is less than 20 px across"


def test_the_picture_s_edge_is_no_border_of_the_region() -> None:
    whole = measured(np.ones((60, 60), bool))
    assert whole.feature("border_irregularity").nan_reason == "nearly all of the border runs along the picture's edge"
    half = disc(60, 256)[:, 128:]
    moved = np.pad(half, ((0, 0), (9, 0)))
    cut, inside = measured(half), measured(moved)
    assert cut.value("border_irregularity") < 0.8 * inside.value("border_irregularity")
    assert cut.value("fractal_dimension") == pytest.approx(
        measured(disc(60, 256)).value("fractal_dimension"), abs=0.08
    )  # both ends of the open line are counted
