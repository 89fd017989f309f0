"""How sure the segmentation is of a region: the means of its maps inside it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from diaphane.core.labels import Labels
from diaphane.core.region import Feature, Region

FAMILY = "confidence"


def features(region: Region, labels: Labels) -> Iterator[Feature]:
    """Mean probability of any structure, mean uncertainty and mean disagreement, 0-1; none where a person drew the labels, or a map is not there."""
    for name in ("probability", "uncertainty", "disagreement"):
        fraction = getattr(labels, name)
        if fraction is not None:
            mean = float(np.mean(fraction[region.slices][region.mask], dtype=np.float64))
            yield Feature(family=FAMILY, name=f"mean_{name}", value=mean, discretisation="source grid")
