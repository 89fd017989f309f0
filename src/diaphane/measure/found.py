"""Values by name, and features made of them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from diaphane.core.region import Feature

Found = dict[str, float | str]
"""Names of features with their values, or with the reason why there is none."""


def features_of(found: Found, family: str, grid: str = "", units: Mapping[str, str] | None = None) -> list[Feature]:
    """A feature for each name; plain numbers but for those that have a unit."""
    units = units or {}
    return [
        Feature(
            family=family, name=name, value=math.nan if isinstance(value, str) else value, unit=units.get(name, "1"), discretisation=grid,
            nan_reason=value if isinstance(value, str) else "",
        )
        for name, value in found.items()
    ]  # fmt: skip
