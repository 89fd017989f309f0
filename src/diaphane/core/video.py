"""A clip, or a photo as a clip of one frame: where it is and what it is; frames are decoded when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """Frames of one size; ``acquire.frames`` decodes them in order."""

    path: Path
    name: str
    """The stem under which its results are filed."""
    source_sha256: str
    size_px: tuple[int, int]
    """Width and height, upright."""
    frame_count: int
    """As the file says: a clip that breaks off has fewer. 1: a photo. 0: a camera, which has no end."""
    rate_hz: float | None
    """Frames a second; None for a photo."""

    @property
    def is_photo(self) -> bool:
        """Whether there is one frame only."""
        return self.frame_count == 1
