"""The options of measurement."""

from __future__ import annotations

from dataclasses import dataclass


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

    def __post_init__(self) -> None:
        if self.long_side_px < 0 or 0 < self.long_side_px < 32:
            raise ValueError(f"long_side_px must be 0 or at least 32, got {self.long_side_px}")
        if not 2 <= self.bin_count <= 256:
            raise ValueError(f"bin_count must lie between 2 and 256, got {self.bin_count}")
        if not 0 < self.ring_share <= 1:
            raise ValueError(f"ring_share must lie above 0 and up to 1, got {self.ring_share}")
