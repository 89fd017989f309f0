"""The pictures in the report."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diaphane.core.arrays import Array
from diaphane.core.outcome import Outcome
from diaphane.ops.paint import Colormap, colours, heat, numbered, overlay, sized
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


def pictures_of(outcome: Outcome, long_side: int, colormap: Colormap) -> list[Picture]:
    """The picture as it came, outlined, and how probable each place is."""
    shown = [Picture("The picture as it came", sized(to_rgb(outcome.image.array[0]), long_side))]
    if outcome.labels is None:
        return shown
    labels = outcome.labels
    shades = colours(int(labels.array.max(initial=0)), colormap)
    legend = tuple((label.name, _css(shades[label.value - 1])) for label in labels.table if labels.mask(label.value).any())
    drawn = overlay(outcome.image.array[0], labels.array[0], colormap, long_side=long_side)
    shown.append(Picture(f"What {labels.source} outlined", numbered(drawn, _marks(outcome)), legend))
    if labels.probability is not None:
        mapped = heat(np.asarray(sized(labels.probability[0], long_side // 2), np.float32), colormap)
        ramp = ", ".join(_css(tuple(colour)) for colour in heat(np.linspace(0, 1, 5)[None], colormap)[0])
        shown.append(Picture("How probable each place is", mapped, ramp=("background", "structure", f"linear-gradient(90deg, {ramp})")))
    return shown


def _marks(outcome: Outcome) -> list[tuple[str, float, float]]:
    """The number of each finding at the middle of its box, where there are several."""
    findings = outcome.decision.findings
    width, height = outcome.image.size_px
    middles = ((f, f.box_px[0] + f.box_px[2] / 2, f.box_px[1] + f.box_px[3] / 2) for f in findings)
    return [(str(f.id), x / width, y / height) for f, x, y in middles] if len(findings) > 1 else []


def _css(colour: tuple[int, ...]) -> str:
    return f"rgb({colour[0]} {colour[1]} {colour[2]})"
