"""Crosses, rings and words on a frame that is looked through."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from diaphane.core.arrays import Array, FloatArray
from diaphane.core.camera import Camera
from diaphane.core.registration import Registered
from diaphane.ops.paint import Colour
from diaphane.ops.projection import is_in_view, project

WHITE, BLACK, ORANGE = (255, 255, 255), (0, 0, 0), (255, 176, 64)
STROKE = 1
FEW = 3
"""So many targets have their names beside them; of more the crosses are numbered, and the legend names them."""
MOST_ROWS = 14
"""Of the legend; structures beyond them are counted."""
BARS_MM = (100, 50, 20, 10, 5)
NOTE = "research use only"


@dataclass(frozen=True, slots=True)
class Mark:
    """A target in a frame."""

    name: str
    point_mm: FloatArray
    """(3,), camera axes."""
    deep_mm: float | None = None
    """Below the skin along the line of sight; None where there is no skin before it."""

    def below(self, skin_mm: FloatArray, camera: Camera) -> Mark:
        """With its depth; ``skin_mm`` (row, column) is the skin's z in the pixels of ``camera``."""
        if not is_in_view(self.point_mm, camera):
            return self
        x, y = np.round(project(self.point_mm, camera)).astype(int)
        if not (0 <= x < camera.width and 0 <= y < camera.height and np.isfinite(skin_mm[y, x])):
            return self
        longer = float(np.linalg.norm(self.point_mm) / self.point_mm[2])
        return replace(self, deep_mm=float(self.point_mm[2] - skin_mm[y, x]) * longer)

    @property
    def words(self) -> str:
        """Name and depth."""
        if self.deep_mm is None:
            return self.name
        return f"{self.name}, {self.deep_mm:.0f} mm deep" if self.deep_mm >= 0 else f"{self.name}, before the skin"


def crosses(frame: Array, marks: Sequence[Mark], uncertainty_mm: float, camera: Camera) -> Array:
    """``frame`` with a cross at each mark in view, a ring of ``uncertainty_mm`` around it, and its name and depth or its number."""
    line, arm = max(1, round(max(frame.shape) / 640)), max(4, round(max(frame.shape) / 90))
    page, pen, font = _page(frame)
    shown = [(number, mark) for number, mark in enumerate(marks, start=1) if is_in_view(mark.point_mm, camera)]
    places = [project(mark.point_mm, camera) for _, mark in shown]
    radii = [max(1, round((camera.fx + camera.fy) / 2 * uncertainty_mm / float(mark.point_mm[2]))) for _, mark in shown]
    for (number, mark), (x, y), radius in zip(shown, places, radii, strict=True):
        words = mark.words if len(marks) <= FEW else str(number)
        pen.text((float(x) + max(arm, radius) + 4, float(y)), words, font=font, fill=WHITE, anchor="lm", stroke_width=STROKE, stroke_fill=BLACK)
    out = np.array(page)
    for place, radius in zip(places, radii, strict=True):
        x, y = (round(float(v)) for v in place)
        for shade, width in ((BLACK, line + 2), (WHITE, line)):
            cv2.line(out, (x - arm, y), (x + arm, y), shade, width, cv2.LINE_AA)
            cv2.line(out, (x, y - arm), (x, y + arm), shade, width, cv2.LINE_AA)
            cv2.circle(out, (x, y), radius, shade, width, cv2.LINE_AA)
    return out


def legend(frame: Array, entries: Sequence[tuple[str, Colour]], marks: Sequence[Mark]) -> Array:
    """``frame`` with the names of colours and targets in its upper left corner."""
    page, pen, font = _page(frame)
    size = _size(frame)
    for row, (sign, colour, words) in enumerate(_rows(entries, marks)):
        left, top = size // 2, size // 2 + round(1.4 * size * row)
        if colour is not None:
            pen.rectangle([left, top, left + size, top + size], fill=colour, outline=BLACK)
        pen.text((left + size // 2, top + size // 2), sign, font=font, fill=WHITE, anchor="mm", stroke_width=STROKE, stroke_fill=BLACK)
        pen.text((left + round(1.7 * size), top + size // 2), words, font=font, fill=WHITE, anchor="lm", stroke_width=STROKE, stroke_fill=BLACK)
    return np.array(page)


def _rows(entries: Sequence[tuple[str, Colour]], marks: Sequence[Mark]) -> list[tuple[str, Colour | None, str]]:
    """Sign, colour and words of each line."""
    rows: list[tuple[str, Colour | None, str]] = [("", colour, name) for name, colour in entries]
    if len(rows) > MOST_ROWS:
        rows = [*rows[: MOST_ROWS - 1], ("", None, f"and {len(rows) - MOST_ROWS + 1} structures more")]
    if marks:
        rows.append(("+", None, "target, ring: one standard deviation"))
    if len(marks) > FEW:
        rows += [(str(number), None, mark.words) for number, mark in enumerate(marks, start=1)][:MOST_ROWS]
    return rows


def scale_bar(frame: Array, distance_mm: float, camera: Camera) -> Array:
    """``frame`` with a bar in its lower right corner that is as long as so many millimetres at that distance."""
    page, pen, font = _page(frame)
    size = _size(frame)
    per_mm = (camera.fx + camera.fy) / 2 / distance_mm
    bar = next((mm for mm in BARS_MM if mm * per_mm <= 0.25 * frame.shape[1]), BARS_MM[-1])
    right, low = frame.shape[1] - size, frame.shape[0] - size
    line = [right - round(bar * per_mm), low, right, low]
    pen.line(line, fill=BLACK, width=max(4, size // 3))
    pen.line(line, fill=WHITE, width=max(2, size // 6))
    words = f"{bar} mm at {distance_mm / 10:.0f} cm"
    pen.text((right, low - size // 2), words, font=font, fill=WHITE, anchor="rd", stroke_width=STROKE, stroke_fill=BLACK)
    return np.array(page)


def status(frame: Array, registered: Registered, is_guess: bool) -> Array:
    """``frame`` with what is known of it in its lower left corner: how sure, how late; or that, and why, it is not registered."""
    page, pen, font = _page(frame)
    size = _size(frame)
    late = f"frame {registered.frame}{f', {registered.latency_ms:.0f} ms' if math.isfinite(registered.latency_ms) else ''}; {NOTE}"
    if registered.solved:
        lines = [(f"± {registered.uncertainty_mm:.1f} mm", WHITE), (late, WHITE)]
    else:
        why = f"not registered: {registered.reason}" if registered.reason else "not registered"
        lines = [*((line, ORANGE) for line in textwrap.wrap(why, max(20, round(frame.shape[1] / (0.55 * size))))), (late, WHITE)]
    if is_guess:
        lines.insert(0, ("camera guessed: distances are vague", ORANGE))
    for number, (text, colour) in enumerate(reversed(lines)):
        place = (size // 2, frame.shape[0] - size // 2 - round(1.3 * size * number))
        pen.text(place, text, font=font, fill=colour, anchor="ld", stroke_width=STROKE, stroke_fill=BLACK)
    return np.array(page)


def _page(frame: Array) -> tuple[Pillow.Image, ImageDraw.ImageDraw, ImageFont.ImageFont | ImageFont.FreeTypeFont]:
    page = Pillow.fromarray(frame)
    return page, ImageDraw.Draw(page), ImageFont.load_default(_size(frame))


def _size(frame: Array) -> int:
    width: int = frame.shape[1]
    return max(9, round(width / 50))
