"""Pixels or voxels with their geometry."""

from __future__ import annotations

from dataclasses import dataclass, field

from diaphane.core.arrays import Array, frozen
from diaphane.core.geometry import Geometry
from diaphane.errors import InputError


@dataclass(frozen=True, slots=True)
class Image:
    """An array ``[k, j, i]`` or ``[k, j, i, channel]`` and where it lies. A picture has k = 1.

    Raises:
        InputError: The array has another number of axes, or no element.
    """

    array: Array
    geometry: Geometry = field(default_factory=Geometry)
    name: str = "image"
    """The stem under which its results are filed; never shown as patient identity."""
    source_sha256: str = ""
    """SHA-256 of the file it was read from."""

    def __post_init__(self) -> None:
        if self.array.ndim not in (3, 4) or self.array.size == 0:
            raise InputError(f"an image is [k, j, i] or [k, j, i, channel] with at least one pixel, got {self.array.shape}")
        object.__setattr__(self, "array", frozen(self.array))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Slices, rows, columns."""
        k, j, i = self.array.shape[:3]
        return k, j, i

    @property
    def is_picture(self) -> bool:
        """Whether there is one slice only."""
        return self.shape[0] == 1

    @property
    def channels(self) -> int:
        """1 for grey, 3 for colour (RGB)."""
        return 1 if self.array.ndim == 3 else int(self.array.shape[3])

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of one slice."""
        return self.shape[2], self.shape[1]
