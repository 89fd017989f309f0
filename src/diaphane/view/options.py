"""The options of the views."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from diaphane.ops.paint import Colormap


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How results are drawn."""

    colormap: Colormap = "viridis"
    """colours of the structures in overlay pictures: viridis and cividis suit every eye, jet is there on request"""
    long_side_px: int = 1024
    """long side of the overlay with legend"""

    def __post_init__(self) -> None:
        if self.colormap not in get_args(Colormap):
            raise ValueError(f"colormap must be one of {', '.join(get_args(Colormap))}, got '{self.colormap}'")
        if not 64 <= self.long_side_px <= 8192:
            raise ValueError(f"long_side_px must lie between 64 and 8192, got {self.long_side_px}")
