"""Statistics of a region's channels in RGB, HSV and CIELAB, and how they compare with those of the skin around it.

Source: absolute and relative statistics of channels as by Ganster et al., IEEE Trans Med Imaging 20, 233 (2001), and Celebi et al., Comput Med Imaging
Graph 31, 362 (2007); hue is an angle and is weighted by saturation: Hanbury, Circular statistics applied to colour images, CVWW 2003;
circular deviation: Mardia & Jupp, Directional Statistics, 2.3.
"""

from __future__ import annotations

import math

import numpy as np

from diaphane.core.arrays import FloatArray
from diaphane.measure.delta_e import ciede2000
from diaphane.measure.found import Found
from diaphane.measure.patch import CHANNELS, LAB, Patch

ELSEWHERE = {"lightness", "green_red", "blue_yellow"}
"""Whose contrast ``colour`` has."""
HSV = ("saturation", "value")
NAMES = (
    *(f"{c}_{what}" for c in HSV for what in ("mean", "deviation")),
    *(f"{c}_{what}" for c in CHANNELS for what in ("percentile_5", "percentile_95", "variegation_ratio")),
    *(f"{c}_contrast" for c in CHANNELS if c not in ELSEWHERE),
    "hue_mean", "hue_deviation", "hue_contrast", "colour_difference_to_skin",
)  # fmt: skip
NO_HUE = "no hue prevails: all is grey, or hues lie all around"
FAINT = 1e-6
"""Mean length of hues as arrows, below which only rounding gives them a direction."""


def statistics(patch: Patch) -> Found:
    """Every feature of NAMES. Saturation and value are 0-1."""
    means, deviations = patch.inside.mean(axis=1), patch.inside.std(axis=1)
    found: Found = {f"{c}_mean": float(means[CHANNELS.index(c)]) for c in HSV}
    found |= {f"{c}_deviation": float(deviations[CHANNELS.index(c)]) for c in HSV}
    for c, values in zip(CHANNELS, patch.inside, strict=True):
        found[f"{c}_percentile_5"], found[f"{c}_percentile_95"] = (float(v) for v in np.percentile(values, [5, 95]))
    for n, c in enumerate(CHANNELS):
        spread = 0.0 if patch.no_skin else float(patch.skin[n].std())
        found[f"{c}_variegation_ratio"] = patch.no_skin or (float(deviations[n]) / spread if spread else "the surrounding skin is of one value")
        if c not in ELSEWHERE:
            found[f"{c}_contrast"] = patch.no_skin or float(means[n] - patch.skin[n].mean())
    found["colour_difference_to_skin"] = patch.no_skin or float(ciede2000(means[LAB], patch.skin[LAB].mean(axis=1)))
    found |= _hues(patch)
    return {name: found[name] for name in NAMES}


def _hues(patch: Patch) -> Found:
    """In degrees; the contrast from -180 to 180."""
    saturation = CHANNELS.index("saturation")
    here, skin = (mean_hue(hue, of[saturation]) for hue, of in zip(patch.hues, (patch.inside, patch.skin), strict=True))
    if here is None:
        return dict.fromkeys(("hue_mean", "hue_deviation", "hue_contrast"), NO_HUE)
    contrast = "the surrounding skin has no prevailing hue" if skin is None else (here[0] - skin[0] + 180) % 360 - 180
    return {"hue_mean": here[0], "hue_deviation": here[1], "hue_contrast": patch.no_skin or contrast}


def mean_hue(hue: FloatArray, weight: FloatArray) -> tuple[float, float] | None:
    """Mean and circular deviation, in degrees, of hues (n,) in radians, each weighted by its saturation; None where no direction prevails."""
    x, y, total = float(weight @ np.cos(hue)), float(weight @ np.sin(hue)), float(weight.sum())
    length = math.hypot(x, y) / total if total else 0.0
    if length < FAINT:
        return None
    return math.degrees(math.atan2(y, x)) % 360, math.degrees(math.sqrt(max(0.0, -2 * math.log(min(1.0, length)))))
