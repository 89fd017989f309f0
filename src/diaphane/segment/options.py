"""The options of segmentation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How probabilities become labels."""

    bundle: str | None = None
    """bundle to use, by name or folder; without one, the input gate chooses among skin_lesion, lungs and face_lesion"""
    threshold: float | None = None
    """probability from which a pixel is a structure, 0-1; without one, the bundle's own"""
    smallest_part: float | None = None
    """parts below this share of a structure's largest part are dropped as specks; without one, the bundle's own"""

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0 < self.threshold < 1:
            raise ValueError(f"threshold must lie between 0 and 1, got {self.threshold}")
        if self.smallest_part is not None and not 0 <= self.smallest_part <= 1:
            raise ValueError(f"smallest_part must lie between 0 and 1, got {self.smallest_part}")
