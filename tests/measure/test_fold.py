from __future__ import annotations

import numpy as np
import pytest
from tests.phantoms import coloured, disc, ellipse, lesion_of

from diaphane.core.region import Region
from diaphane.measure import Options, extract
from diaphane.measure.axes import principal_axes

NATIVE = Options(long_side_px=0)
BLACK_AND_GREY = 50.0
"""CIELAB units between the two greys below."""


def measured(mask: np.ndarray, picture: np.ndarray | None = None) -> Region:
    return extract(*lesion_of(mask, picture), NATIVE)[0]


def halves(mask: np.ndarray, *, left: bool) -> np.ndarray:
    """The left or the upper half of the picture darker inside ``mask``; lightness 27 and 77."""
    picture = coloured(mask, (189, 190, 193), (230, 200, 190))
    rows, columns = mask.shape
    half = np.zeros(mask.shape, bool)
    half[:, : columns // 2] = left
    half[: rows // 2] |= not left
    picture[half & mask] = (62, 64, 67)
    return picture


def turned(mask: np.ndarray, degrees: float) -> np.ndarray:
    """An ellipse with a bite, by formula: no pixels are moved."""
    y, x = np.mgrid[:200, :200] - 99.5
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    u, v = c * x + s * y, c * y - s * x
    return ((u / 70) ** 2 + (v / 40) ** 2 <= 1) & ~((u - 50) ** 2 + (v - 30) ** 2 <= 20**2)


def test_ellipse_lies_on_its_mirror_image_about_both_axes() -> None:
    region = measured(ellipse(128, 160, (63.5, 79.5), (30, 60)))
    for axis in ("major", "minor"):
        assert region.value(f"asymmetry_about_{axis}_axis") == pytest.approx(0, abs=0.01)
        assert region.value(f"mirrored_colour_difference_about_{axis}_axis") == pytest.approx(0, abs=1e-4)
        assert region.value(f"colour_asymmetry_about_{axis}_axis") == pytest.approx(0, abs=1e-4)


def test_drop_is_symmetric_about_its_long_axis_only() -> None:
    mask = ellipse(128, 200, (63.5, 60), (30, 30))
    y, x = np.mgrid[:128, :200]
    mask |= (x >= 60) & (x <= 170) & (np.abs(y - 63.5) <= 30 * (170 - x) / 110)
    region = measured(mask)
    assert region.value("asymmetry_about_major_axis") < 0.02
    assert region.value("asymmetry_about_minor_axis") > 0.15
    both = region.value("asymmetry_about_major_axis"), region.value("asymmetry_about_minor_axis")
    assert region.value("asymmetry") == pytest.approx(np.mean(both))


@pytest.mark.parametrize(("left", "across", "along"), [(True, "minor", "major"), (False, "major", "minor")])
def test_half_dark_ellipse_is_asymmetric_about_the_axis_between_the_halves(left: bool, across: str, along: str) -> None:
    mask = ellipse(128, 160, (63.5, 79.5), (30, 60))
    region = measured(mask, halves(mask, left=left))
    assert region.value(f"colour_asymmetry_about_{across}_axis") == pytest.approx(BLACK_AND_GREY, abs=0.5)
    assert region.value(f"colour_asymmetry_about_{along}_axis") == pytest.approx(0, abs=0.1)
    assert 0.8 * BLACK_AND_GREY < region.value(f"mirrored_colour_difference_about_{across}_axis") < BLACK_AND_GREY
    assert region.value(f"mirrored_colour_difference_about_{along}_axis") == pytest.approx(0, abs=0.1)
    assert region.value("abcd_asymmetry") == 1


def test_patch_in_a_quarter_is_seen_about_both_axes_though_halves_may_hide_it() -> None:
    mask = ellipse(128, 160, (63.5, 79.5), (30, 60))
    picture = coloured(mask, (189, 190, 193))
    checker = (np.arange(160) < 80) ^ (np.arange(128)[:, None] < 64)
    picture[mask & checker] = (62, 64, 67)
    region = measured(mask, picture)
    for axis in ("major", "minor"):
        assert region.value(f"colour_asymmetry_about_{axis}_axis") < 1
        assert region.value(f"mirrored_colour_difference_about_{axis}_axis") > 0.7 * BLACK_AND_GREY
    assert region.value("abcd_asymmetry") == 2


def test_noise_finer_than_the_smoothing_is_no_asymmetry(rng: np.random.Generator) -> None:
    mask = disc(50)
    noisy = np.clip(coloured(mask) + rng.normal(0, 12, (128, 128, 1)), 0, 255).astype(np.uint8)
    assert measured(mask, noisy).value("mirrored_colour_difference_about_major_axis") < 1.5


def test_asymmetry_hardly_changes_when_the_region_is_turned() -> None:
    found = np.array([[measured(turned(disc(1), a)).value(f"asymmetry_about_{axis}_axis") for axis in ("major", "minor")] for a in (0, 20, 45, 77)])
    assert np.ptp(found, axis=0).max() < 0.015
    assert found.min() > 0.05


def test_folding_equals_looking_up_each_mirrored_pixel(rng: np.random.Generator) -> None:
    mask = ellipse(30, 40, (14, 18), (9, 14)) & (rng.random((30, 40)) < 0.9)
    axes = principal_axes(mask)
    for n in (0, 1):
        hit, place = axes.folded(mask, n)
        expected = []
        for y, x in zip(*np.nonzero(mask), strict=True):
            away = np.array([x, y]) - axes.centre
            u, v = np.rint(axes.centre + away - 2 * (away @ axes.vectors[:, n]) * axes.vectors[:, n]).astype(int)
            expected.append(v * 40 + u if 0 <= u < 40 and 0 <= v < 30 and mask[v, u] else -1)
        assert np.array_equal(hit, np.array(expected) >= 0)
        assert np.array_equal(place, [e for e in expected if e >= 0])


def test_one_pixel_and_a_line_have_no_halves() -> None:
    mask = np.zeros((20, 20), bool)
    mask[7, 8] = True
    region = measured(mask)
    assert region.feature("mirrored_colour_difference_about_major_axis").nan_reason == "one pixel has no axes"
    assert region.value("colour_asymmetry") == 0
    mask[7, 8:12] = True
    region = measured(mask)
    assert region.feature("colour_asymmetry_about_major_axis").nan_reason == "all pixels lie on the axis"
    assert region.value("colour_asymmetry_about_minor_axis") == 0
