from __future__ import annotations

import cv2
import numpy as np
import pytest
from tests.phantoms import LESION, coloured, disc, ellipse, lesion_of

from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.core.region import Region
from diaphane.measure import Options, extract

NATIVE = Options(long_side_px=0)
NAMES = ("border_step_mean", "border_step_minimum", "border_sharpness_mean", "abrupt_sectors_share")


def measured(mask: np.ndarray, picture: np.ndarray) -> Region:
    return extract(*lesion_of(mask, picture), NATIVE)[0]


def ramp(width: float, size: int = 200, radius: float = 50) -> tuple[np.ndarray, np.ndarray]:
    """A grey-brown disc whose lightness (CIELAB) rises from 30 to 70 within ``width`` px across its border."""
    away = np.hypot(*(np.mgrid[:size, :size] - (size - 1) / 2)) - radius
    lab = np.dstack([30 + 40 * np.clip(away / width + 0.5, 0, 1), np.full_like(away, 10), np.full_like(away, 15)]).astype(np.float32)
    return away <= 0, np.rint(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB) * 255).astype(np.uint8)


def test_sharp_border_has_the_step_of_its_colours_in_all_sectors() -> None:
    region = measured(*ramp(0.01))
    assert region.value("border_step_mean") == pytest.approx(40, abs=0.5)
    assert region.value("border_step_minimum") == pytest.approx(40, abs=0.5)
    assert region.value("border_sharpness_mean") == pytest.approx(1, abs=0.01)
    assert (region.value("abrupt_sectors"), region.value("abrupt_sectors_share"), region.value("border_sectors_seen")) == (8, 1, 8)
    assert region.value("abcd_border") == 8


@pytest.mark.parametrize("share", [0.18, 0.2])
def test_sharpness_of_a_ramp_is_a_twentieth_of_the_diameter_over_its_width(share: float) -> None:
    region = measured(*ramp(100 * share))
    assert region.value("border_sharpness_mean") == pytest.approx(0.05 / share, rel=0.1)
    assert region.value("abrupt_sectors") == 0


def test_a_blurred_border_is_less_sharp_the_more_it_is_blurred() -> None:
    mask = disc(50, 200)
    found = [measured(mask, cv2.GaussianBlur(coloured(mask), (0, 0), sigma)).value("border_sharpness_mean") for sigma in (0.5, 3, 6, 10)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.9
    assert found[-1] < 0.35


def test_a_border_sharp_on_one_side_is_abrupt_in_half_of_the_sectors() -> None:
    mask, sharp = ramp(0.01)
    _, soft = ramp(30)
    region = measured(mask, np.where(np.arange(200)[:, None, None] < 100, sharp, soft))
    assert region.value("abrupt_sectors") in (3, 4, 5)
    assert region.value("border_step_minimum") < 0.5 * region.value("border_step_mean")


def test_faint_border_is_sharp_but_cuts_nothing_off_and_a_vanishing_one_has_no_sharpness() -> None:
    mask = disc(50, 200)
    faint = measured(mask, coloured(mask, (190, 150, 130), (210, 170, 150)))
    assert faint.value("border_sharpness_mean") > 0.9
    assert faint.value("abrupt_sectors") == 0
    none = measured(mask, coloured(mask, (208, 168, 148), (210, 170, 150)))
    assert none.feature("border_sharpness_mean").nan_reason == "no sector is 5 units darker within the border than without"
    assert none.value("abrupt_sectors") == 0


def test_an_outline_drawn_some_pixels_too_large_does_not_hide_the_step() -> None:
    _, picture = ramp(0.01)
    region = measured(disc(54, 200), picture)
    assert region.value("border_sharpness_mean") > 0.9
    assert region.value("abrupt_sectors") == 8


def test_sectors_that_the_picture_s_edge_cuts_are_not_counted_and_the_score_has_no_value() -> None:
    mask, picture = ramp(0.01)
    region = measured(mask[:, 100:], picture[:, 100:])
    seen = region.value("border_sectors_seen")
    assert 2 <= seen <= 5
    assert region.value("abrupt_sectors_share") == 1
    assert region.feature("abrupt_sectors").nan_reason == f"the picture ends at {8 - seen:.0f} of the border's 8 sectors"
    assert region.feature("abcd_border").nan_reason == region.feature("abrupt_sectors").nan_reason
    whole = measured(np.ones((60, 60), bool), np.full((60, 60, 3), (120, 60, 30), np.uint8))
    assert whole.feature("border_step_mean").nan_reason == "the picture ends at every sector of the border"
    assert whole.value("border_sectors_seen") == 0


def test_a_second_lesion_close_by_is_no_skin() -> None:
    mask, picture = ramp(0.01)
    both = mask | ellipse(200, 200, (99.5, 172), (30, 20))
    picture = np.where((both & ~mask)[..., None], np.array([255, 255, 255]), picture).astype(np.uint8)
    labels = Labels(both[None].astype(np.uint8), LESION, np.where(both, 0.9, 0.1)[None], source="phantom")
    region = extract(Image(picture[None]), labels, NATIVE)[0]
    assert region.value("border_step_mean") == pytest.approx(40, abs=0.5)
    assert region.value("border_step_minimum") == pytest.approx(40, abs=0.5)


def test_steps_are_the_same_on_a_larger_copy_and_of_a_small_region_there_are_none() -> None:
    mask, picture = ramp(10)
    small = measured(mask, picture)
    large = measured(
        *(
            cv2.resize(a, (500, 500), interpolation=cv2.INTER_CUBIC) > 0 if a.dtype == bool else cv2.resize(a, (500, 500))
            for a in (mask.astype(np.uint8), picture)
        )
    )
    for name in NAMES:
        assert large.value(name) == pytest.approx(small.value(name), rel=0.05), name
    tiny = measured(disc(7), coloured(disc(7)))
    assert tiny.feature("border_step_mean").nan_reason == "the region is less than 16 px across on this grid"
