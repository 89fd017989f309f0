"""What every family of trackers is to the rest."""

from __future__ import annotations

from typing import Protocol

from diaphane.core.arrays import Array
from diaphane.core.face import Face


class Tracker(Protocol):
    """Follows faces; keeps what it needs of the frames before, and no more of it as they grow in number."""

    def update(self, frame: Array, time_s: float) -> tuple[Face, ...]:
        """The faces in the next frame (row, column, 3) RGB uint8, ``time_s`` from the first; times rise, frames may be missing or change their size."""
