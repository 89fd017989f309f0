"""The options of segmentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a bundle looks, and how probabilities become labels."""

    bundle: str | None = None
    """bundle to use, by name or folder; without one, the input gate chooses among skin_lesion, lungs and face_lesion"""
    threshold: float | None = None
    """probability from which a pixel is a structure, 0-1; without one, the bundle's own"""
    smallest_part: float | None = None
    """parts below this share of a structure's largest part are dropped as specks; without one, the bundle's own"""
    overlap: float = 0.5
    """share of a window that its neighbour sees too, 0-0.9; less is faster, and coarser at the windows' edges"""
    mirror: bool = False
    """also look at mirror images, along the axes that the bundle declares safe; each axis doubles the time"""
    members: Literal["all", "first"] = "all"
    """networks of an ensemble that are asked: all for the best result and the disagreement between them, the first alone for a fast one"""

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0 < self.threshold < 1:
            raise ValueError(f"threshold must lie between 0 and 1, got {self.threshold}")
        if self.smallest_part is not None and not 0 <= self.smallest_part <= 1:
            raise ValueError(f"smallest_part must lie between 0 and 1, got {self.smallest_part}")
        if not 0 <= self.overlap <= 0.9:
            raise ValueError(f"overlap must lie between 0 and 0.9, got {self.overlap}")
