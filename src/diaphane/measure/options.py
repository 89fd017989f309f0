"""The options of measurement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from diaphane.measure.configuration import Configuration

Constancy = Literal["none", "grey_world", "shades_of_grey", "max_rgb"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """On which grid and with how many grey levels features are taken."""

    long_side_px: int = 256
    """colour, intensity and texture are taken with the picture's long side shrunk to this, so that a large and a
    small copy of one picture give the same numbers; 0: the picture as it is"""
    bin_count: int = 32
    """grey levels of the texture matrices, over the region's own range (IBSI: fixed bin number)"""
    ring_share: float = 0.15
    """width of the ring of surrounding skin that colour is compared with, as a share of the equivalent diameter"""
    colour_constancy: Constancy = "none"
    """how the colour of the light is taken out of a picture before colour, intensity and texture are measured: its mean is grey (grey_world),
    its Minkowski mean of power 6 is (shades_of_grey), its brightest is white (max_rgb); a verdict that learnt without it is not valid with it"""

    radiomics: Configuration | None = None
    """the families of the IBSI and how they are taken; none: of a volume shape and intensity statistics, of a picture what its verdict needs"""

    def __post_init__(self) -> None:
        if self.long_side_px < 0 or 0 < self.long_side_px < 32:
            raise ValueError(f"long_side_px must be 0 or at least 32, got {self.long_side_px}")
        if not 2 <= self.bin_count <= 256:
            raise ValueError(f"bin_count must lie between 2 and 256, got {self.bin_count}")
        if self.colour_constancy not in get_args(Constancy):
            raise ValueError(f"colour_constancy must be one of {', '.join(get_args(Constancy))}, got {self.colour_constancy!r}")
        if not 0 < self.ring_share <= 1:
            raise ValueError(f"ring_share must lie above 0 and up to 1, got {self.ring_share}")
