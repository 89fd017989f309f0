from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from diaphane.core.outcome import Outcome
from diaphane.core.region import Feature, Region
from diaphane.report.abcd import rule_of
from diaphane.report.words import FAMILIES, findings_of

PLAIN: dict[str, float | str] = {
    "abcd_asymmetry": 1.0, "abcd_border": 3.0, "abcd_colours": 2.0, "abcd_partial_score": 2.6, "border_sectors_seen": 8.0, "abrupt_sectors_share": 0.375,
    "white_share": 0.0, "red_share": 0.01, "light_brown_share": 0.3, "dark_brown_share": 0.6, "blue_grey_share": 0.0, "black_share": 0.0,
}  # fmt: skip


def region(**values: float | str) -> Region:
    """A lesion with what the rule is told from; a word is the reason why a value does not exist."""
    features = tuple(
        Feature(family="abcd", name=n, value=math.nan if isinstance(v, str) else v, nan_reason=v if isinstance(v, str) else "")
        for n, v in (PLAIN | values).items()
    )
    return Region(index=1, label=1, name="skin lesion", role="lesion", box=((0, 1),) * 3, mask=np.ones((1, 1, 1), bool), features=features)


def test_rule_is_told_in_plain_words_and_never_as_the_full_score() -> None:
    rule = rule_of(region(), "dermoscopy")
    assert rule is not None
    assert rule.rows[0] == ("A", "1 of 2", "unlike on either side of one of its two axes, in outline or colour")
    assert rule.rows[1] == ("B", "3 of 8", "ends abruptly in 3 of 8 sectors")
    assert rule.rows[2] == ("C", "2 of 6", "dark brown 60 %, light brown 30 %")
    assert rule.rows[3][1:] == ("-", "differential structures (network, dots, globules, streaks): not measured")
    assert rule.total.startswith("1.3 A + 0.1 B + 0.5 C = 2.60; D would add 0.5 to 2.5 for the total dermoscopy score.")


def test_what_has_no_score_says_why() -> None:
    rule = rule_of(region(abcd_border="the picture ends at 2 of the border's 8 sectors", border_sectors_seen=6.0, abcd_partial_score="no B"), "dermoscopy")
    assert rule is not None
    assert rule.rows[1] == ("B", "-", "no score: the picture ends at 2 of the border's 8 sectors; it ends abruptly in 2 of the 6 others")
    assert rule.total == "1.3 A + 0.1 B + 0.5 C needs all three."
    alone = rule_of(region(abcd_border="too small", abrupt_sectors_share="too small", abcd_partial_score="too small"), "dermoscopy")
    assert alone is not None
    assert alone.rows[1][2] == "no score: too small"


def test_rule_is_for_dermoscopy_alone_and_for_what_was_measured() -> None:
    assert rule_of(region(), "face photo") is None
    assert rule_of(replace(region(), features=()), "dermoscopy") is None


def test_report_of_a_dermoscopy_lesion_has_the_rule(outcome: Outcome) -> None:
    (told,) = findings_of(outcome, 5)
    assert told.rule is not None
    assert [letter for letter, *_ in told.rule.rows] == ["A", "B", "C", "D"]
    shown = [f.name for f, _ in told.features]
    assert {"border_irregularity", "border_sharpness_mean", "colour_difference_to_skin"} <= set(shown)


@pytest.mark.parametrize(
    ("family", "word"), [("glszm", "texture"), ("ngtdm", "texture"), ("intensity_histogram", "brightness"), ("shape", "shape"), ("firstorder", "brightness")]
)
def test_every_family_has_a_word_for_people(family: str, word: str) -> None:
    assert FAMILIES[family] == word
