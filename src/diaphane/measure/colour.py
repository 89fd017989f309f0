"""Colour of a region and its contrast to the skin around it, in RGB and CIELAB (D65).

Source: the C of the ABCD rule (Nachbar et al. 1994); relative colour against the surrounding skin as by Ganster
et al., IEEE Trans Med Imaging 20, 233 (2001). The IBSI does not define colour features.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from diaphane.core.region import Feature
from diaphane.measure import channels, clinical_colours, cut_off, fold
from diaphane.measure.found import Found, features_of
from diaphane.measure.options import Options
from diaphane.measure.patch import CHANNELS, LAB, Patch, patch_of
from diaphane.measure.view import View

BASIC = {
    "red": ("mean", "deviation"), "green": ("mean", "deviation"), "blue": ("mean", "deviation"),
    "lightness": ("mean", "deviation", "contrast"), "green_red": ("mean", "deviation", "contrast"), "blue_yellow": ("mean", "deviation", "contrast"),
}  # fmt: skip
NAMES = (*(f"{channel}_{what}" for channel, known in BASIC.items() for what in known), "variegation")
UNITS = {name: "deg" for name in channels.NAMES if name.startswith("hue_")}
VANISHED = "the region vanishes on this grid"


def features(view: View, options: Options) -> list[Feature]:
    """Colour statistics; none for a grey picture."""
    if view.rgb is None:
        return []
    patch = patch_of(view, view.rgb, options) if view.mask.any() else None
    found: Found = {}
    for names, values in PARTS:
        found |= dict.fromkeys(names, VANISHED) if patch is None else values(patch)
    return features_of(found, "colour", view.grid, UNITS)


def statistics(patch: Patch) -> Found:
    """Every feature of NAMES."""
    found: Found = {}
    for channel, known in BASIC.items():
        n = CHANNELS.index(channel)
        mean = float(patch.inside[n].mean())
        found[f"{channel}_mean"] = mean
        found[f"{channel}_deviation"] = float(patch.inside[n].std())
        if "contrast" in known:
            found[f"{channel}_contrast"] = patch.no_skin or mean - float(patch.skin[n].mean())
    found["variegation"] = math.sqrt(float(patch.inside[LAB].var(axis=1).sum()))
    return found


PARTS: tuple[tuple[tuple[str, ...], Callable[[Patch], Found]], ...] = (
    (NAMES, statistics),
    (fold.NAMES, fold.differences),
    (channels.NAMES, channels.statistics),
    (clinical_colours.NAMES, clinical_colours.shares),
    (cut_off.NAMES, cut_off.steps),
)
"""What is measured of colour, with its names."""
