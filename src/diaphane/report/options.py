"""The options of the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from diaphane.ops.paint import Colormap


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the report shows."""

    picture_px: int = 900
    """long side of the pictures in the page"""
    colormap: Colormap = "viridis"
    """colours of structures and of the probability map in the page"""
    contributions: int = 6
    """how many single features are listed, below the sums, that spoke for or against a class"""

    def __post_init__(self) -> None:
        if not 128 <= self.picture_px <= 4096:
            raise ValueError(f"picture_px must lie between 128 and 4096, got {self.picture_px}")
        if self.colormap not in get_args(Colormap):
            raise ValueError(f"colormap must be one of {', '.join(get_args(Colormap))}, got '{self.colormap}'")
        if not 0 <= self.contributions <= 100:
            raise ValueError(f"contributions must lie between 0 and 100, got {self.contributions}")
