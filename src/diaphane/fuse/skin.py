"""The colour of one face's own skin, and how other colours differ from it.

Source: CIE 1976 L*a*b*; medians and median absolute deviations, which eyes, hair and lips in the sample hardly move.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from diaphane.core.arrays import Array, BoolArray, FloatArray

FLOOR = np.array([4.0, 2.0, 2.0])
"""Least deviation of L*, a*, b* that is believed: smoother skin is retouched."""
ALIKE = 3.0
"""Deviations within which a pixel is of the colour of skin."""


def lab_of(rgb: Array) -> FloatArray:
    """L*, a*, b* of (row, column, 3) uint8."""
    return np.asarray(cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB))


@dataclass(frozen=True, slots=True)
class Skin:
    """Middle and spread of a face's skin."""

    median: FloatArray
    """(3,)."""
    deviation: FloatArray
    """(3,)."""

    @classmethod
    def of(cls, lab: FloatArray) -> Skin:
        """From pixels (n, 3), most of which are skin."""
        median = np.median(lab, axis=0)
        return cls(median, np.maximum(1.4826 * np.median(np.abs(lab - median), axis=0), FLOOR))

    def scores(self, lab: FloatArray) -> FloatArray:
        """(…, 3) deviations from the middle."""
        return np.asarray((lab - self.median) / self.deviation)

    def features(self, lab: FloatArray, mask: BoolArray, ring: BoolArray) -> dict[str, float]:
        """How the colour inside ``mask``, and that in the ``ring`` around it, differ from skin."""
        inside = self.scores(np.median(lab[mask], axis=0))
        around = self.scores(lab[ring])
        return {
            "skin_lightness": float(inside[0]),
            "skin_red": float(inside[1]),
            "skin_yellow": float(inside[2]),
            "skin_distance": float(np.linalg.norm(inside)),
            "skin_around": float((np.linalg.norm(around, axis=1) < ALIKE).mean()) if len(around) else np.nan,
            "ring_distance": float(np.linalg.norm(np.median(around, axis=0))) if len(around) else np.nan,
            "ring_spread": float(np.linalg.norm(around.std(axis=0))) if len(around) else np.nan,
            "contrast": self.contrast(lab, mask, ring),
        }

    def contrast(self, lab: FloatArray, mask: BoolArray, ring: BoolArray) -> float:
        """How much darker it is inside than around, in deviations."""
        if not mask.any() or not ring.any():
            return np.nan
        return float((np.median(lab[ring][:, 0]) - np.median(lab[mask][:, 0])) / self.deviation[0])

    def apart(self, one: FloatArray, other: FloatArray) -> float:
        """Between the middles of two sets of pixels (n, 3), in deviations."""
        return float(np.linalg.norm((np.median(one, axis=0) - np.median(other, axis=0)) / self.deviation))
