"""What a segmentation gives: a label map on the source grid, how probable, how sure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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
    """[k, j, i], unsigned integers; 0 is background."""
    table: tuple[LabelRecipe, ...]
    """The meaning of each value, by rising value; values need not follow each other."""
    probability: FloatArray | None = None
    """[k, j, i], 0-1: that the pixel belongs to any structure; of volumes in half precision. None where a person drew the labels."""
    uncertainty: FloatArray | None = None
    """[k, j, i], 0-1: entropy of the class probabilities over its maximum."""
    source: str = ""
    """The bundle that made it, or ``given``."""
    disagreement: FloatArray | None = None
    """[k, j, i], 0-1: the part of ``uncertainty`` that comes from looks (members of an ensemble, mirror images) that say different things. None of one look."""

    def __post_init__(self) -> None:
        for name in ("array", "probability", "uncertainty", "disagreement"):
            value = getattr(self, name)
            if value is None:
                continue
            if value.shape != self.array.shape:
                raise InputError(f"labels of {self.array.shape} and {name} of {value.shape} must lie on one grid")
            object.__setattr__(self, name, frozen(value))
        values = [label.value for label in self.table]
        if values != sorted(set(values)) or (values and values[0] < 1):
            raise InputError("the table of labels must have rising values from 1 on")
        seen = np.zeros(int(self.array.max(initial=0)) + 1, bool)
        for plane in self.array:  # a slice at a time: an index array takes eight bytes a voxel
            seen[plane] = True
        unknown = sorted(set(np.flatnonzero(seen).tolist()) - {0, *values})
        if unknown:
            raise InputError(f"the label map holds the value {unknown[0]}, which the table does not name")

    def mask(self, value: int) -> BoolArray:
        """Where the structure ``value`` is."""
        out: BoolArray = self.array == value
        return out
