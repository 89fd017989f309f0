"""Shapes whose measures are known in closed form."""

from __future__ import annotations

import numpy as np

from diaphane.core.arrays import Array, BoolArray
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.core.recipe import LabelRecipe

LESION = (LabelRecipe(value=1, name="skin lesion", role="lesion"),)


def ellipse(rows: int, columns: int, centre: tuple[float, float], radii: tuple[float, float]) -> BoolArray:
    """``centre`` and ``radii`` in (row, column)."""
    y, x = np.mgrid[:rows, :columns]
    return ((y - centre[0]) / radii[0]) ** 2 + ((x - centre[1]) / radii[1]) ** 2 <= 1


def disc(radius: float, size: int = 128) -> BoolArray:
    """A disc in the middle of a square."""
    return ellipse(size, size, ((size - 1) / 2, (size - 1) / 2), (radius, radius))


def coloured(mask: BoolArray, inside: tuple[int, int, int] = (110, 70, 50), outside: tuple[int, int, int] = (215, 170, 150)) -> Array:
    """Two flat colours, RGB."""
    return np.where(mask[..., None], np.array(inside), np.array(outside)).astype(np.uint8)


def lesion_of(mask: BoolArray, picture: Array | None = None) -> tuple[Image, Labels]:
    """A picture of ``mask`` and its labels, probability 0.9 inside."""
    image = Image((coloured(mask) if picture is None else picture)[None], name="phantom", source_sha256="0" * 64)
    labels = Labels(mask[None].astype(np.uint8), LESION, np.where(mask, 0.9, 0.05)[None], np.where(mask, 0.3, 0.1)[None], "phantom")
    return image, labels
