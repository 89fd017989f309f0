from __future__ import annotations

import math

import numpy as np
import pytest
from tests.phantoms import coloured, disc, ellipse, lesion_of

from diaphane.core.region import Feature
from diaphane.measure import Options, extract
from diaphane.measure.abcd import features

NATIVE = Options(long_side_px=0)


def known(**values: float | str) -> list[Feature]:
    """A region with nothing remarkable, and ``values``."""
    plain: dict[str, float | str] = {"border_touch": 0.0, "abrupt_sectors": 0.0, "clinical_colours": 1.0}
    plain |= {f"{what}_about_{axis}_axis": 0.0 for what in ("asymmetry", "mirrored_colour_difference") for axis in ("major", "minor")}
    return [
        Feature(family="colour", name=name, value=math.nan if isinstance(v, str) else v, nan_reason=v if isinstance(v, str) else "")
        for name, v in (plain | values).items()
    ]


def scores(**values: float | str) -> dict[str, Feature]:
    return {f.name: f for f in features(known(**values))}


def test_score_is_the_weighted_sum_of_a_b_and_c() -> None:
    found = scores(asymmetry_about_major_axis=0.3, mirrored_colour_difference_about_minor_axis=20.0, abrupt_sectors=5.0, clinical_colours=4.0)
    assert [found[f"abcd_{n}"].value for n in ("asymmetry", "border", "colours")] == [2, 5, 4]
    assert found["abcd_partial_score"].value == pytest.approx(1.3 * 2 + 0.1 * 5 + 0.5 * 4)
    assert scores()["abcd_partial_score"].value == pytest.approx(0.5)


def test_an_axis_counts_once_though_outline_and_colour_both_differ() -> None:
    assert scores(asymmetry_about_major_axis=0.3, mirrored_colour_difference_about_major_axis=20.0)["abcd_asymmetry"].value == 1


@pytest.mark.parametrize("missing", ["abrupt_sectors", "clinical_colours", "asymmetry_about_minor_axis"])
def test_without_a_part_there_is_no_sum_and_the_reason_is_the_part_s(missing: str) -> None:
    found = scores(**{missing: "it is not there"})
    assert found["abcd_partial_score"].nan_reason.endswith(": it is not there")
    assert sum(bool(f.nan_reason) for f in found.values()) == 2


def test_a_region_that_is_cut_off_has_no_asymmetry() -> None:
    assert scores(border_touch=0.01)["abcd_asymmetry"].nan_reason == "the picture's edge may cut the region off"


def test_a_grey_picture_has_no_scores() -> None:
    assert features([f for f in known() if f.name != "clinical_colours"]) == []


def test_plain_mole_scores_low_and_a_ragged_one_of_many_colours_high() -> None:
    mole = extract(*lesion_of(disc(40), coloured(disc(40), (150, 105, 75), (205, 170, 150))), NATIVE)[0]
    ragged = ellipse(160, 160, (80, 70), (35, 45)) | ellipse(160, 160, (55, 110), (20, 25))
    picture = coloured(ragged, (150, 105, 75), (205, 170, 150))
    for box, colour in (((50, 70, 90, 125), (60, 35, 30)), ((80, 100, 30, 60), (25, 18, 16)), ((60, 75, 60, 80), (110, 105, 115))):
        top, bottom, left, right = box
        picture[top:bottom, left:right][ragged[top:bottom, left:right]] = colour
    spotted = extract(*lesion_of(ragged, picture), NATIVE)[0]
    assert mole.value("abcd_asymmetry") == 0
    assert mole.value("abcd_colours") == 1
    assert spotted.value("abcd_asymmetry") == 2
    assert spotted.value("abcd_colours") >= 3
    assert spotted.value("abcd_partial_score") > mole.value("abcd_partial_score") + 2
    assert np.isfinite([mole.value("abcd_partial_score"), spotted.value("abcd_partial_score")]).all()
