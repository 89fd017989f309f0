"""The options of the views."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from diaphane.ops.paint import Colormap


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How results are drawn."""

    colormap: Colormap = "viridis"
    """colours of the structures in overlay pictures and in the scene: viridis and cividis suit every eye, jet is there on request"""
    long_side_px: int = 1024
    """long side of the overlay of a picture with legend"""
    sheet_width_px: int = 1600
    """width of the slices of a volume in overlay.png; there are four side by side"""
    scene_triangles: int = 100_000
    """triangles of all structures in scene.glb together: 100 000 are a file below 2 MB, which a headset without a computer behind it draws smoothly"""

    scene_page: bool = True
    """whether a volume gets a page to walk around it, on a screen or with a headset"""
    page_voxels: int = 4_000_000
    """voxels of the scan in that page, for its cutting plane: 4 000 000 are some 2 MB of file, and a head CT at 1.2 mm"""

    def __post_init__(self) -> None:
        if self.colormap not in get_args(Colormap):
            raise ValueError(f"colormap must be one of {', '.join(get_args(Colormap))}, got '{self.colormap}'")
        if not 64 <= self.long_side_px <= 8192:
            raise ValueError(f"long_side_px must lie between 64 and 8192, got {self.long_side_px}")
        if not 400 <= self.sheet_width_px <= 8192:
            raise ValueError(f"sheet_width_px must lie between 400 and 8192, got {self.sheet_width_px}")
        if not 10_000 <= self.scene_triangles <= 10_000_000:
            raise ValueError(f"scene_triangles must lie between 10000 and 10000000, got {self.scene_triangles}")
        if not 10_000 <= self.page_voxels <= 16_000_000:
            raise ValueError(f"page_voxels must lie between 10000 and 16000000, got {self.page_voxels}")
