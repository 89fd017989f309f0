"""Made pictures and volumes that have an upright: what the gates are fitted on in tests."""

from __future__ import annotations

import numpy as np

from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.train.recipe import AugmentTable

UPRIGHT = AugmentTable(
    flip=(False, False, False), rotation_deg=15, rotation_out_deg=0, scale=0.1, shift=0.1, gain=0.1, offset=0.1, gamma=0.1, noise=0.1, blur=0.5
)
GRID = Geometry(np.array([[0, 0, 1.0, 0], [0, 1.0, 0, 0], [1.0, 0, 0, 0], [0, 0, 0, 1]]), calibrated=True)


def film(rng: np.random.Generator, side: int = 48) -> Image:
    """Two dark ellipses side by side, brighter below, and a bright lump right of the middle."""
    rows, columns = np.mgrid[:side, :side] / side + rng.normal(0, 0.02, (2, 1, 1))
    grey = 110 + 70 * rows + rng.normal(0, 6)
    for middle in (0.3, 0.7):
        grey -= 70 * (((rows - 0.42) / 0.3) ** 2 + ((columns - middle) / 0.15) ** 2 < rng.uniform(0.8, 1.2))
    grey += 60 * (((rows - 0.6) / 0.15) ** 2 + ((columns - 0.62) / 0.15) ** 2 < rng.uniform(0.8, 1.2))
    return Image((grey + rng.normal(0, 8, grey.shape)).clip(0, 255).astype(np.uint8)[None])


def block(rng: np.random.Generator) -> Image:
    """A volume of 14 x 22 x 18 mm, brighter to the head and to the back, with a bright lump to the right in front; its unit is arbitrary."""
    k, j, i = (np.mgrid[:14, :22, :18] + 0.5) / np.array([14, 22, 18]).reshape(3, 1, 1, 1)
    lump = (k - 0.6) ** 2 + (j - 0.3) ** 2 + (i - 0.25) ** 2 < rng.uniform(0.03, 0.06)
    values = 3 + 2 * k + 1.5 * j + 2 * lump + rng.normal(0, 0.2, k.shape) + rng.normal(0, 0.05)
    return Image((values * 10 ** rng.uniform(0, 3)).astype(np.float32), GRID)
