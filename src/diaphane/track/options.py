"""The options of tracking."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How faces are found and followed."""

    long_side_px: int = 480
    """frames are shrunk to this long side before faces are looked for; boxes are given in the frame's own pixels"""
    smallest_face: float = 0.1
    """smallest face that is looked for, as a share of the frame's shorter side"""
    min_score: float = 0.3
    """detections below this score are dropped, 0-1; what it lets through where there is no face: docs/faces.md"""
    confirm_frames: int = 3
    """in a clip, a face is believed once it was detected in this many frames; a flicker is not"""
    gap_s: float = 1.0
    """a face that is lost for longer comes back as another identity"""
    key_frames: int = 5
    """frames of a clip in which each face is looked at for lesions, spread over the time in which it was seen"""

    def __post_init__(self) -> None:
        if not 64 <= self.long_side_px <= 4096:
            raise ValueError(f"long_side_px must lie between 64 and 4096, got {self.long_side_px}")
        if not 0.02 <= self.smallest_face <= 1:
            raise ValueError(f"smallest_face must lie between 0.02 and 1, got {self.smallest_face}")
        if not 0 <= self.min_score < 1:
            raise ValueError(f"min_score must lie from 0 to below 1, got {self.min_score}")
        if not 1 <= self.confirm_frames <= 100:
            raise ValueError(f"confirm_frames must lie between 1 and 100, got {self.confirm_frames}")
        if not 0 <= self.gap_s <= 60:
            raise ValueError(f"gap_s must lie between 0 and 60, got {self.gap_s}")
        if not 1 <= self.key_frames <= 100:
            raise ValueError(f"key_frames must lie between 1 and 100, got {self.key_frames}")
