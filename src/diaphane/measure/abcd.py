"""The ABCD rule of dermoscopy as far as it can be measured: A, B and C. D, the differential structures, is not.

Source: Nachbar et al., J Am Acad Dermatol 30, 551 (1994): total dermoscopy score = 1.3 A + 0.1 B + 0.5 C + 0.5 D, with A 0-2, B 0-8, C 1-6, D 1-5.
There a person scores. Here the axes are the principal ones, and limits stand for the eye's judgement.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from diaphane.core.region import Feature
from diaphane.measure.found import Found, features_of

FAMILY = "abcd"
LIMITS = {"asymmetry_about_{}_axis": 0.1, "mirrored_colour_difference_about_{}_axis": 10.0}
"""From which a region is asymmetric about an axis: in outline, or in colour (CIELAB units)."""
WEIGHTS = {"abcd_asymmetry": 1.3, "abcd_border": 0.1, "abcd_colours": 0.5}
SCORE = "abcd_partial_score"


def features(measured: Sequence[Feature]) -> list[Feature]:
    """The scores from what was ``measured`` of a region, and their weighted sum, to which D would add 0.5 to 2.5; none for a grey picture."""
    known = {f.name: f for f in measured if f.family in ("morphology", "colour")}
    if "clinical_colours" not in known:
        return []
    scores: Found = {"abcd_asymmetry": _asymmetry(known), "abcd_border": _value(known["abrupt_sectors"]), "abcd_colours": _value(known["clinical_colours"])}
    missing = [f"{name}: {value}" for name, value in scores.items() if isinstance(value, str)]
    total = sum(weight * value for name, weight in WEIGHTS.items() if not isinstance(value := scores[name], str))
    return features_of(scores | {SCORE: "; ".join(missing) or total}, FAMILY, known["clinical_colours"].discretisation)


def _asymmetry(known: Mapping[str, Feature]) -> float | str:
    """About how many of the two axes."""
    if known["border_touch"].value > 0:
        return "the picture's edge may cut the region off"
    axes = [[(known[name.format(axis)], limit) for name, limit in LIMITS.items()] for axis in ("major", "minor")]
    reasons = [f.nan_reason for pairs in axes for f, _ in pairs if f.nan_reason]
    return reasons[0] if reasons else float(sum(any(f.value > limit for f, limit in pairs) for pairs in axes))


def _value(feature: Feature) -> float | str:
    return feature.nan_reason if math.isnan(feature.value) else feature.value
