"""One face in one frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from diaphane.core.arrays import FloatArray, frozen
from diaphane.core.transform import RigidTransform
from diaphane.errors import InputError

State = Literal["detected", "tracked", "predicted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """A tracker's word on one face.

    Raises:
        InputError: An unknown state, or landmarks that are not (n, 2).
    """

    identity: int
    """The same number for the same face through time."""
    box_px: tuple[float, float, float, float]
    """x, y, width, height: forehead to chin, ear to ear."""
    score: float
    """0-1."""
    state: State
    """Seen by a detector, followed from the frame before, or only expected there."""
    landmarks_px: FloatArray | None = None
    """(n, 2)."""
    landmark_set: str | None = None
    """``mesh478`` and the like."""
    pose: RigidTransform | None = None
    """Face to camera; camera axes: x right, y down, z forward."""

    def __post_init__(self) -> None:
        if self.state not in get_args(State):
            raise InputError(f"a face is {', '.join(get_args(State))}, got '{self.state}'")
        if self.landmarks_px is not None:
            if self.landmarks_px.ndim != 2 or self.landmarks_px.shape[1] != 2:
                raise InputError(f"landmarks are (n, 2) pixels, got {self.landmarks_px.shape}")
            object.__setattr__(self, "landmarks_px", frozen(self.landmarks_px))

    def holds(self, x: float, y: float) -> bool:
        """Whether the point (pixels) lies in the box."""
        left, top, width, height = self.box_px
        return left <= x < left + width and top <= y < top + height
