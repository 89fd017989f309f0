"""An image on a model's own grid and scale, with the way back."""

from __future__ import annotations

from dataclasses import dataclass

from diaphane.core.arrays import FloatArray, frozen
from diaphane.core.image import Image


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a network is given."""

    array: FloatArray
    """float32: (channel, row, column) of a picture, (1, k, j, i) of a volume turned feet to head, front to back, right to left."""
    image: Image
    """Where it came from: the source grid that results return to."""
    box: tuple[int, ...] = ()
    """Top, left, height, width of the part of the grid that holds a picture; the rest is filling. Empty for a volume: it is all of the grid."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "array", frozen(self.array))
