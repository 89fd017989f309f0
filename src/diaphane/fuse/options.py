"""The options of fusion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Method = Literal["auto", "rules", "deep", "ensemble", "svm", "hierarchical"]
LabelFusion = Literal["majority", "soft", "staple"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """When a candidate stands."""

    method: Method = "auto"
    """how candidates on tracked faces are judged: by one of four fitted fusions, or by rules (the segmentation's mean probability on the face's box); auto: the
    fusion that cross-validation preferred, and rules where its bundle is missing"""
    bundle: str | None = None
    """bundle of a fusion, by name or folder; without one, the shipped one of the method"""
    operating: float | None = None
    """fused probability from which a finding on a face stands, 0-1; without one, the bundle's own, which leaves a quarter false finding a picture, held out"""
    label_fusion: LabelFusion = "majority"
    """how one mask comes of those that several networks or folds drew of one thing in one frame"""
    min_probability: float = 0.6
    """mean probability inside a candidate from which it stands as a finding, 0-1; out of fold on 1990 dermoscopy
    pictures 0.6 lost none of 1956 true regions, 0.7 lost one"""
    face_min_probability: float = 0.62
    """the same for a candidate on a tracked face, by rules; in a clip, of its mean over the frames looked at; on the simulation's part
    for tuning 0.62 left 0.63 of the lesions and half a false finding a picture, 0.70 0.53 and a fifth"""

    def __post_init__(self) -> None:
        for name in ("min_probability", "face_min_probability", "operating"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f"{name} must lie between 0 and 1, got {value}")
        for name, allowed in (("method", Method), ("label_fusion", LabelFusion)):
            if getattr(self, name) not in get_args(allowed):
                raise ValueError(f"{name} must be one of {', '.join(get_args(allowed))}, got '{getattr(self, name)}'")
        if self.method == "rules" and self.bundle:
            raise ValueError("rules need no bundle: leave bundle out, or name a method")
