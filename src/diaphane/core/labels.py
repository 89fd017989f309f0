"""What a segmentation gives: a label map on the source grid, how probable, how sure."""

from __future__ import annotations

from dataclasses import dataclass

from diaphane.core.arrays import BoolArray, FloatArray, IntArray, frozen
from diaphane.core.recipe import LabelRecipe
from diaphane.errors import InputError


@dataclass(frozen=True, slots=True)
class Labels:
    """One structure a value, on the grid of the image that it was made from.

    Raises:
        InputError: The arrays differ in shape, or a value has no name in ``table``.
    """

    array: IntArray
    """[k, j, i], uint8; 0 is background."""
    table: tuple[LabelRecipe, ...]
    """The meaning of each value."""
    probability: FloatArray | None = None
    """[k, j, i], 0-1: that the pixel belongs to any structure. None where a person drew the labels."""
    uncertainty: FloatArray | None = None
    """[k, j, i], 0-1: entropy of the class probabilities over its maximum."""
    source: str = ""
    """The bundle that made it, or ``given``."""

    def __post_init__(self) -> None:
        for name in ("array", "probability", "uncertainty"):
            value = getattr(self, name)
            if value is None:
                continue
            if value.shape != self.array.shape:
                raise InputError(f"labels of {self.array.shape} and {name} of {value.shape} must lie on one grid")
            object.__setattr__(self, name, frozen(value))
        if [label.value for label in self.table] != list(range(1, len(self.table) + 1)):
            raise InputError("the table of labels must have the values 1, 2, 3 … in this order")
        largest = int(self.array.max(initial=0))
        if largest > len(self.table):
            raise InputError(f"the label map holds the value {largest}, the table names only 1 to {len(self.table)}")

    def mask(self, value: int) -> BoolArray:
        """Where the structure ``value`` is."""
        out: BoolArray = self.array == value
        return out
