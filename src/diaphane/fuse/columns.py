"""What learnt fusion looks at: numbers of a candidate, in three groups that can be left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from diaphane.core.arrays import FloatArray
from diaphane.core.candidate import Candidate

GROUPS: Mapping[str, tuple[str, ...]] = {
    "segmentation": ("probability_logit", "segmentation_highest", "segmentation_fall", "mean_uncertainty"),
    "measure": (
        "elongation", "circularity", "solidity", "asymmetry", "lightness_mean", "lightness_deviation", "lightness_contrast", "green_red_contrast",
        "blue_yellow_contrast", "green_red_deviation", "blue_yellow_deviation", "variegation", "saturation_mean", "saturation_contrast",
        "colour_difference_to_skin", "coefficient_of_variation", "joint_entropy", "correlation",
    ),
    "face": (
        "face_inside", "face_aside", "face_v", "face_size", "face_width_px", "face_sharp", "face_light", "face_skin_lightness", "face_skin_red",
        "face_skin_yellow", "face_skin_distance", "face_skin_around", "face_ring_distance", "face_ring_spread", "face_contrast", "face_mesh", "face_facing",
        "face_aside_mm", "face_y_mm", "face_z_mm", "face_to_eyes", "face_to_brows", "face_to_nose_base", "face_to_lips", "face_to_edge", "face_turn",
        "face_mirror_difference", "face_mirror_contrast",
    ),
}  # fmt: skip
"""``probability_logit`` and ``face_aside`` are worked out here, the others are features of candidates.jsonl."""
OF_LANDMARKS = (
    "face_mesh", "face_facing", "face_aside_mm", "face_y_mm", "face_z_mm", "face_to_eyes", "face_to_brows", "face_to_nose_base", "face_to_lips", "face_to_edge",
    "face_turn", "face_mirror_difference", "face_mirror_contrast",
)  # fmt: skip
"""Unknown where the tracker gives boxes alone; ``face_mesh`` is then 0."""
LOGIT, ASIDE = "probability_logit", "face_aside"
LEAST = 1e-3
"""Probabilities nearer to 0 or 1 are not told apart."""


def names() -> tuple[str, ...]:
    """All columns, group by group."""
    return tuple(name for group in GROUPS.values() for name in group)


def values(candidates: Sequence[Candidate], columns: Sequence[str]) -> FloatArray:
    """(candidate, column); NaN where a candidate lacks it."""
    out = np.array([[c.features.get(name, np.nan) for name in columns] for c in candidates], float).reshape(len(candidates), len(columns))
    if LOGIT in columns:
        certain = np.clip([1.0 if c.probability is None else c.probability for c in candidates], LEAST, 1 - LEAST)
        out[:, columns.index(LOGIT)] = np.log(certain / (1 - certain))
    if ASIDE in columns:
        out[:, columns.index(ASIDE)] = np.abs(np.array([c.features.get("face_u", np.nan) for c in candidates], float) - 0.5)
    return out
