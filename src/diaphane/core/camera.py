"""A pinhole camera with lens distortion: where a point in front of it falls in the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from diaphane.core.arrays import FloatArray
from diaphane.errors import UsageError

GUESSED_FIELD_DEG = 65.0
"""Across the frame's longer side, of a camera that nobody measured: laptops and phones (video) lie between 55 and 75."""

LARGEST, LARGEST_PX = 1e6, 100_000
"""What no camera has more of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """Intrinsics, in pixels of frames of that size; axes: x right, y down, z forward.

    Raises:
        UsageError: A size or focal length that is not positive, or a number that is not finite.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    distortion: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)
    """OpenCV's five: k1, k2, p1, p2, k3."""
    is_guess: bool = False
    """Whether nobody measured it: millimetres from it are wrong by the same share as its focal length."""

    def __post_init__(self) -> None:
        numbers = (self.fx, self.fy, self.cx, self.cy, *self.distortion)
        if not all(map(math.isfinite, numbers)) or len(self.distortion) != 5 or max(map(abs, numbers)) > LARGEST:
            raise UsageError(f"a camera needs finite fx, fy, cx and cy and five distortion coefficients, none beyond {LARGEST:g}")
        if not (1 <= self.width <= LARGEST_PX and 1 <= self.height <= LARGEST_PX and min(self.fx, self.fy) >= 1):
            raise UsageError(f"a camera needs a width and height from 1 to {LARGEST_PX} pixels, and fx and fy of 1 or more")

    @classmethod
    def guessed(cls, width: int, height: int) -> Camera:
        """That of frames whose camera is not known."""
        focal = max(width, height) / 2 / math.tan(math.radians(GUESSED_FIELD_DEG) / 2)
        return cls(width=width, height=height, fx=focal, fy=focal, cx=(width - 1) / 2, cy=(height - 1) / 2, is_guess=True)

    @property
    def matrix(self) -> FloatArray:
        """3x3."""
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1.0]])

    @property
    def coefficients(self) -> FloatArray:
        """(5,): the distortion as OpenCV takes it."""
        return np.array(self.distortion)

    def of_size(self, width: int, height: int) -> Camera:
        """The same camera when its frames are scaled to that size.

        Raises:
            UsageError: They have another shape: cut, or turned, and how is not known.
        """
        if (width, height) == (self.width, self.height):
            return self
        across, down = width / self.width, height / self.height
        if abs(across / down - 1) > 0.01:
            raise UsageError(
                f"the camera file is of frames of {self.width}x{self.height}, these have {width}x{height}: another shape, so they were cut or turned; "
                "calibrate with frames like these"
            )
        cx, cy = (self.cx + 0.5) * across - 0.5, (self.cy + 0.5) * down - 0.5
        return replace(self, width=width, height=height, fx=self.fx * across, fy=self.fy * down, cx=cx, cy=cy)
