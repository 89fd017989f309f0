"""The options of acquisition."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How inputs are read."""

    spacing_mm: float | None = None
    """side of a pixel in mm, for pictures, which carry no scale; without it, lengths stay in pixels"""
    max_pixels: int = 100_000_000
    """a larger picture or frame is refused before it is decoded: hostile files can claim any size"""
    max_voxels: int = 600_000_000
    """a larger volume is refused before it is decoded; 2000 slices of 512x512 have 524 million voxels"""
    max_frames: int = 100_000
    """a longer clip is refused: about an hour at 30 frames a second"""
    series: int | None = None
    """which of several DICOM series: its place, from 1, in the list that the refusal and `diaphane info` show"""
    allow_gaps: bool = False
    """read a DICOM series with missing or unevenly spaced slices anyway: missing ones are interpolated and the result is doubted"""

    def __post_init__(self) -> None:
        if self.spacing_mm is not None and not 0.0001 < self.spacing_mm < 1000:
            raise ValueError(f"spacing_mm must lie between 0.0001 and 1000, got {self.spacing_mm}")
        if not 1 <= self.max_pixels <= 178_956_970:
            raise ValueError(f"max_pixels must lie between 1 and 178956970, the decoder's own limit, got {self.max_pixels}")
        if not 1 <= self.max_voxels <= 10**10:
            raise ValueError(f"max_voxels must lie between 1 and 10000000000, got {self.max_voxels}")
        if not 1 <= self.max_frames <= 10**7:
            raise ValueError(f"max_frames must lie between 1 and 10000000, got {self.max_frames}")
        if self.series is not None and self.series < 1:
            raise ValueError(f"series counts from 1, got {self.series}")
