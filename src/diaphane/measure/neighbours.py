"""Grey levels in a row of memory in which a step in any direction is one fixed number of places."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from diaphane.core.arrays import IntArray

Step = tuple[int, int, int]
IN_SPACE: tuple[Step, ...] = tuple(d for d in product((0, 1), (-1, 0, 1), (-1, 0, 1)) if d > (0, 0, 0))
"""One of each two opposite directions (k, j, i) to the 26 neighbours of a voxel."""
IN_PLANE: tuple[Step, ...] = tuple(d for d in IN_SPACE if d[0] == 0)


@dataclass(frozen=True, slots=True)
class Row:
    """Levels [k, j, i] in reading order, with a 0 behind each line, a line of 0 behind each slice and a slice of 0 at the end.

    So a step that leaves the box ends at a 0, whichever way it goes.
    """

    levels: IntArray
    """(n,)"""
    line: int
    plane: int

    def offset(self, step: Step) -> int:
        """Places to the neighbour; above 0 for the directions named here."""
        return step[0] * self.plane + step[1] * self.line + step[2]


def row_of(levels: IntArray) -> Row:
    """The row of ``levels`` [k, j, i]."""
    slices, rows, columns = levels.shape
    padded = np.zeros((slices + 2, rows + 1, columns + 1), levels.dtype)
    padded[:slices, :rows, :columns] = levels
    return Row(padded.ravel(), columns + 1, (rows + 1) * (columns + 1))
