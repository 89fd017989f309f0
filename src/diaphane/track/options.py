"""The options of tracking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

TrackerName = Literal["auto", "keypoints", "convnet", "haar", "framework"]
DetectorName = Literal["single_stage", "multi_stage"]
LandmarkSet = Literal["mesh478", "common68"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How faces are found and followed."""

    tracker: TrackerName = "auto"
    """how faces are found and followed; auto: framework where its weights were pulled (diaphane models pull faces), else haar"""
    detector: DetectorName = "single_stage"
    """of the tracker framework: one network in one pass, or a cascade of three, slower"""
    landmarks: LandmarkSet = "mesh478"
    """of the tracker convnet: all points of its mesh, which name the sites of lesions, or the 68 that most face data sets share"""
    long_side_px: int = 320
    """of the tracker haar: frames are shrunk to this long side before faces are looked for, photos to twice of it; boxes are given in the frame's own pixels"""
    smallest_face: float = 0.08
    """smallest face that is looked for, as a share of the frame's shorter side"""
    min_score: float = 0.3
    """detections below this score are dropped, 0-1; what it lets through where there is no face: docs/faces.md"""
    confirm_frames: int = 3
    """in a clip, a face is believed once it was detected in this many frames; a flicker is not"""
    gap_s: float = 1.0
    """a face is expected for so long where it was last seen; after that it must be known again by its looks"""
    carry_s: float = 3.0
    """a face that no detector confirms (turned away, say) is followed by its pixels alone for so long"""
    remember_s: float = 60.0
    """a lost face that comes back within this time and looks the same (hair, face and clothes) keeps its identity; 0: it is another one"""
    key_frames: int = 5
    """frames of a clip in which each face is looked at for lesions, spread over the time in which it was seen"""

    def __post_init__(self) -> None:
        for name, low, high in RANGES:
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} must lie between {low} and {high}, got {getattr(self, name)}")
        if not 0 <= self.min_score < 1:
            raise ValueError(f"min_score must lie from 0 to below 1, got {self.min_score}")
        for name, allowed in (("tracker", TrackerName), ("detector", DetectorName), ("landmarks", LandmarkSet)):
            if getattr(self, name) not in get_args(allowed):
                raise ValueError(f"{name} must be one of {', '.join(get_args(allowed))}, got '{getattr(self, name)}'")


RANGES = (
    ("long_side_px", 64, 4096), ("smallest_face", 0.02, 1), ("confirm_frames", 1, 100), ("gap_s", 0, 60), ("carry_s", 0, 60), ("remember_s", 0, 3600),
    ("key_frames", 1, 100),
)  # fmt: skip
