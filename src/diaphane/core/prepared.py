"""An image on a model's own grid and scale, with the way back."""

from __future__ import annotations

from dataclasses import dataclass

from diaphane.core.arrays import FloatArray, frozen
from diaphane.core.image import Image


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a network is given."""

    array: FloatArray
    """(channel, row, column), float32."""
    image: Image
    """Where it came from: the source grid that results return to."""
    box: tuple[int, int, int, int]
    """Top, left, height, width of the part of the grid that holds the image; the rest is filling."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "array", frozen(self.array))
