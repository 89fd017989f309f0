"""The pictures in the report."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from diaphane.core.arrays import Array
from diaphane.core.outcome import Outcome
from diaphane.ops.paint import colours, enlarged, heat, numbered, overlay
from diaphane.ops.picture import to_rgb


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture with its caption and the colours in it."""

    caption: str
    rgb: Array
    legend: tuple[tuple[str, str], ...] = ()
    """Name and CSS colour."""
    ramp: tuple[str, str, str] | None = None
    """Words at both ends of a colour ramp, and its CSS gradient."""


def pictures_of(outcome: Outcome, long_side: int) -> list[Picture]:
    """The picture as it came, outlined, and how probable each place is."""
    pixels = _at_most(to_rgb(outcome.image.array[0]), long_side)
    shown = [Picture("The picture as it came", enlarged(pixels, long_side // 2, smooth=True))]
    if outcome.labels is None:
        return shown
    labels = outcome.labels
    count = int(labels.array.max(initial=0))
    shades = colours(count, "viridis")
    legend = tuple((label.name, _css(shades[label.value - 1])) for label in labels.table if labels.mask(label.value).any())
    drawn = _at_most(overlay(outcome.image.array[0], labels.array[0], "viridis", long_side=long_side), long_side)
    shown.append(Picture(f"What {labels.source} outlined", numbered(drawn, _marks(outcome)), legend))
    if labels.probability is not None:
        mapped = _at_most(enlarged(heat(labels.probability[0], "viridis"), long_side // 2, smooth=True), long_side)
        ramp = ", ".join(_css(c) for c in (tuple(heat(np.array([[v]]), "viridis")[0, 0]) for v in (0, 0.25, 0.5, 0.75, 1)))
        shown.append(Picture("How probable each place is", mapped, ramp=("background", "structure", f"linear-gradient(90deg, {ramp})")))
    return shown


def _marks(outcome: Outcome) -> list[tuple[str, float, float]]:
    """The number of each finding at the middle of its box, where there are several."""
    findings = outcome.decision.findings
    width, height = outcome.image.size_px
    middles = ((f, f.box_px[0] + f.box_px[2] / 2, f.box_px[1] + f.box_px[3] / 2) for f in findings)
    return [(str(f.id), x / width, y / height) for f, x, y in middles] if len(findings) > 1 else []


def _at_most(rgb: Array, long_side: int) -> Array:
    factor = long_side / max(rgb.shape[:2])
    if factor >= 1:
        return rgb
    size = (max(1, round(rgb.shape[1] * factor)), max(1, round(rgb.shape[0] * factor)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))


def _css(colour: tuple[int, ...]) -> str:
    return f"rgb({colour[0]} {colour[1]} {colour[2]})"
