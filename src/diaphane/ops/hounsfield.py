"""Hounsfield units: air is -1000, water 0."""

from __future__ import annotations

import numpy as np

from diaphane.core.image import Image

UNIT = "[hnsf'U]"
"""UCUM."""
AIR = (-4096, -900)
"""Scanners fill what lies outside their circle with less than air."""
SOFT = (-200, 200)
FEWEST = 0.01
"""Share of the voxels that must lie in each of the two ranges."""


def is_hounsfield(image: Image) -> bool:
    """Whether a volume's values look like CT: a part of it is air, a part soft tissue, in Hounsfield units.

    A CT cut out so tightly that no air is left is not recognised.
    """
    if image.is_picture or image.channels != 1:
        return False
    sample = image.array[:: max(1, image.shape[0] // 16), ::4, ::4]
    shares = [float(np.mean((sample >= low) & (sample <= high))) for low, high in (AIR, SOFT)]
    return min(shares) >= FEWEST
