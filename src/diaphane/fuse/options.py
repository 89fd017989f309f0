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


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareOptions:
    """When two lesions are one, and when its size has changed; figures: ``benchmarks/compare.py``, part for tuning."""

    reach_mm: float = 6.0
    """on the average face, how far apart the same lesion may lie at two visits; on the simulation's part for tuning 59 of 62 lay nearer"""
    reach_deviations: float = 3.0
    """how far apart its colours may be, in deviations of the face's own skin: all 62 were nearer; a pair at one place and further apart in colour is unsure"""
    repeatability: float = 0.18
    """by how much the natural logarithm of the diameter of an unchanged lesion differs between two visits at most, in 95 of 100 (of 49, 47); within it a
    lesion is the same"""
    turned: float = 0.13
    """logarithm of the ratio of the cosines between skin and camera beyond which the head is said to be turned otherwise: the most in what was measured"""
    search_mm: float = 3.0
    """how far from where a lesion should be bare skin is asked for before it is called new or gone; half of the lesions lay within 1 mm"""
    least_facing: float = 0.3
    """cosine between skin and camera from which a place counts as looked at, and a size as known; 0.3 is a turn of 73 degrees"""
    smallest_px: float = 4.0
    """diameter in the other visit's picture below which a lesion is too small to be missed"""
    bare: float = 0.38
    """contrast against the skin around, as a share of the lesion's own, up to which a place counts as bare skin; 15 truly absent ones had 0.35 at most, 12 that
    were missed 0.42 at least"""
    skin: float = 0.9
    """share of a place that must have the colour of the face's skin for it to count as bare, not covered; at 16 where a lesion was truly absent it was 0.99 at
    least"""

    def __post_init__(self) -> None:
        most = {"repeatability": 3.0, "turned": 3.0, "least_facing": 1.0, "bare": 1.0, "skin": 1.0}
        for name in ("reach_mm", "reach_deviations", "repeatability", "turned", "search_mm", "least_facing", "smallest_px", "bare", "skin"):
            value, limit = getattr(self, name), most.get(name, 1000.0)
            if not 0 < value <= limit:
                raise ValueError(f"{name} must lie above 0 and be at most {limit:g}, got {value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterOptions:
    """How a scan is laid on a filmed face."""

    look_ahead: int = 100
    """frames of the clip that are read before the first answer: key frames are chosen among them; of a live camera they come unsolved"""
    key_frames: int = 8
    """frames that are explained together; more say more about the focal length, and take longer"""
    focal_sd: float = 0.012
    """standard deviation of the camera file's focal length, as a share of it; a camera that is a guess has 0.15"""
    deformation_mm: float = 2.0
    """root mean square by which the face differs from its scan: other weight, other posture, another expression"""
    correlation_mm: float = 25.0
    """length over which it differs alike"""
    max_uncertainty_mm: float = 11.0
    """a frame whose uncertainty is larger is not solved"""
