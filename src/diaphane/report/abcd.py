"""The ABCD rule of dermoscopy in a few plain lines. Source: Nachbar et al., J Am Acad Dermatol 30, 551 (1994)."""

from __future__ import annotations

from dataclasses import dataclass

from diaphane.core.region import Region
from diaphane.report.html import number, percent

MODALITY = "dermoscopy"
"""What the rule was made for."""
FULL = {"A": 2, "B": 8, "C": 6}
NAMES = {"A": "abcd_asymmetry", "B": "abcd_border", "C": "abcd_colours"}
SCORE = "abcd_partial_score"
COLOURS = {"white": "white", "red": "red", "light_brown": "light brown", "dark_brown": "dark brown", "blue_grey": "blue-grey", "black": "black"}


@dataclass(frozen=True, slots=True)
class Rule:
    """What stands in the report."""

    rows: tuple[tuple[str, str, str], ...]
    """Letter, score, what it means."""
    total: str
    """The sum, and what it lacks."""


def rule_of(region: Region, modality: str) -> Rule | None:
    """The rule for a lesion of a dermoscopy picture; None for others, and where it was not measured."""
    if modality != MODALITY or region.feature(SCORE) is None:
        return None
    told = {"A": _asymmetry(region), "B": _border(region), "C": _colours(region)}
    rows = tuple((letter, _score(region, letter), words) for letter, words in told.items())
    return Rule((*rows, ("D", "-", "differential structures (network, dots, globules, streaks): not measured")), _total(region))


def _score(region: Region, letter: str) -> str:
    feature = region.feature(NAMES[letter])
    return "-" if feature is None or feature.nan_reason else f"{feature.value:.0f} of {FULL[letter]}"


def _reason(region: Region, letter: str) -> str:
    feature = region.feature(NAMES[letter])
    return f"no score: {feature.nan_reason}" if feature is not None and feature.nan_reason else ""


def _asymmetry(region: Region) -> str:
    axes = ("alike on both sides of both axes", "unlike on either side of one of its two axes", "unlike on either side of both axes")
    return _reason(region, "A") or f"{axes[int(region.value(NAMES['A']))]}, in outline or colour"


def _border(region: Region) -> str:
    seen, share = region.value("border_sectors_seen"), region.feature("abrupt_sectors_share")
    if reason := _reason(region, "B"):
        return reason if share is None or share.nan_reason else f"{reason}; it ends abruptly in {share.value * seen:.0f} of the {seen:.0f} others"
    return f"ends abruptly in {region.value(NAMES['B']):.0f} of 8 sectors"


def _colours(region: Region) -> str:
    """As many as count, the largest first."""
    if reason := _reason(region, "C"):
        return reason
    shares = sorted(((region.value(f"{key}_share"), name) for key, name in COLOURS.items()), reverse=True)
    return ", ".join(f"{name} {percent(share)}" for share, name in shares[: int(region.value(NAMES["C"]))])


def _total(region: Region) -> str:
    score = region.feature(SCORE)
    if score is None or score.nan_reason:
        return "1.3 A + 0.1 B + 0.5 C needs all three."
    return (
        f"1.3 A + 0.1 B + 0.5 C = {number(score.value)}; D would add 0.5 to 2.5 for the total dermoscopy score. Scored by fixed limits, not by a trained eye."
    )
