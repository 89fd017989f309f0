"""Left against right."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from diaphane.core.recipe import LabelRecipe
from diaphane.core.region import Feature, Region
from diaphane.measure.shape import FAMILY

SIDE = re.compile(r"(?<![a-z])(left|right|l|r)(?![a-z])", re.IGNORECASE)
OTHER = {"left": "right", "right": "left", "l": "r", "r": "l"}


def opposite(name: str) -> str:
    """The name of the structure on the other side: ``kidney left`` of ``kidney right``; the name itself where it has no side."""
    return SIDE.sub(lambda found: _cased(OTHER[found[0].lower()], found[0]), name)


def with_side_ratios(regions: tuple[Region, ...], table: Sequence[LabelRecipe], quantity: str) -> tuple[Region, ...]:
    """Regions of structures that have a side with the ratio of their ``quantity`` (area, volume) to the other side's."""
    sizes = Counter({label.name: 0 for label in table})
    for region in regions:
        sizes[region.name] += int(region.mask.sum())
    return tuple(_with_ratio(region, sizes, quantity) for region in regions)


def _with_ratio(region: Region, sizes: Counter[str], quantity: str) -> Region:
    other = opposite(region.name)
    if other == region.name or other not in sizes:
        return region
    value = sizes[region.name] / sizes[other] if sizes[other] else math.nan
    reason = "" if sizes[other] else f"no {other} was segmented"
    ratio = Feature(family=FAMILY, name=f"{quantity}_ratio_to_opposite_side", value=value, nan_reason=reason)
    return replace(region, features=(*region.features, ratio))


def _cased(word: str, like: str) -> str:
    return word.upper() if like.isupper() else word.capitalize() if like[0].isupper() else word
