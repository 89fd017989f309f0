"""The options of acquisition."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How inputs are read."""

    spacing_mm: float | None = None
    """side of a pixel in mm, for pictures, which carry no scale; without it, lengths stay in pixels"""
    max_pixels: int = 100_000_000
    """a larger picture is refused before it is decoded: hostile files can claim any size"""

    def __post_init__(self) -> None:
        if self.spacing_mm is not None and not 0.0001 < self.spacing_mm < 1000:
            raise ValueError(f"spacing_mm must lie between 0.0001 and 1000, got {self.spacing_mm}")
        if not 1 <= self.max_pixels <= 178_956_970:
            raise ValueError(f"max_pixels must lie between 1 and 178956970, the decoder's own limit, got {self.max_pixels}")
