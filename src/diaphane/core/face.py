"""One face in one frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from diaphane.core.arrays import FloatArray, frozen
from diaphane.core.transform import RigidTransform
from diaphane.errors import InputError

State = Literal["detected", "tracked", "predicted"]


@dataclass(frozen=True, slots=True)
class HeadPose(RigidTransform):
    """Face to camera, and how sure it is; camera axes: x right, y down, z forward."""

    turn_sd_deg: float
    """Standard deviation of the rotation."""
    place_sd_mm: float
    """Of the place, without what the camera and the size of the face are wrong by."""
    focal_is_guess: bool
    """Whether nobody measured the camera: the millimetres are wrong by the same share as the guess of its focal length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How well a face can be seen in a frame, each 0-1, 1 is best."""

    sharp: float
    """What a blur would take away of its edges: little of a face that is blurred already."""
    light: float
    """The share of its pixels that are neither nearly black nor nearly white."""
    size: float
    """Its box's shorter side against one that shows skin well; 1 from there on."""
    facing: float | None
    """The cosine of the angle by which it looks past the camera; None without a head pose."""

    @property
    def total(self) -> float:
        """The product of what is known."""
        return self.sharp * self.light * self.size * (1.0 if self.facing is None else self.facing)


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
    pose: HeadPose | None = None
    quality: Quality | None = None
    """None of a face that is only expected, or outside the frame."""

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
