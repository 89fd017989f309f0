"""Results drawn on pictures, for eyes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from diaphane.core.arrays import Array, BoolArray, FloatArray, IntArray
from diaphane.core.recipe import LabelRecipe
from diaphane.ops.picture import to_rgb
from diaphane.ops.resample import resample

Colormap = Literal["viridis", "cividis", "magma", "jet"]
COLORMAPS: dict[str, int] = {
    "viridis": cv2.COLORMAP_VIRIDIS, "cividis": cv2.COLORMAP_CIVIDIS, "magma": cv2.COLORMAP_MAGMA, "jet": cv2.COLORMAP_JET,
}  # fmt: skip
"""viridis and cividis can be told apart by people with a colour vision deficiency; jet cannot and is there on request."""
Colour = tuple[int, int, int]


MANY = 6
"""Of more colours than this, neighbours on the map cannot be told apart: they are dealt out in leaps, and in three shades."""


def palette(table: Sequence[LabelRecipe], colormap: Colormap) -> dict[int, Colour]:
    """The colour of each value in ``table``: the same in every picture and scene of a case."""
    return dict(zip((label.value for label in table), colours(len(table), colormap), strict=True))


def colours(count: int, colormap: Colormap) -> list[Colour]:
    """``count`` colours (RGB) far apart on a colour map; its dark end, which vanishes on X-rays, is left out."""
    if count == 0:
        return []
    places = np.round(np.linspace(255, 110, max(count, 2))[:count]).astype(np.uint8)
    if count > MANY:
        places = places[np.argsort(np.arange(count) * (5**0.5 - 1) / 2 % 1)]  # golden section: each is far from those before it
    bgr = cv2.applyColorMap(places[:, None], COLORMAPS[colormap])[:, 0]
    if count > MANY:
        bgr[1::3] = (0.45 * bgr[1::3] + 0.55 * 255).astype(np.uint8)
        bgr[2::3] = (0.6 * bgr[2::3]).astype(np.uint8)
    return [(int(r), int(g), int(b)) for b, g, r in bgr]


def sized(array: Array, long_side: int) -> Array:
    """A picture (row, column[, 3]) with this long side: smooth when it grows, averaged when it shrinks."""
    factor = long_side / max(array.shape[:2])
    size = (max(1, round(array.shape[0] * factor)), max(1, round(array.shape[1] * factor)))
    if factor <= 1:
        return resample(array, *size)
    return np.asarray(cv2.resize(np.ascontiguousarray(array), (size[1], size[0]), interpolation=cv2.INTER_CUBIC))


def overlay(pixels: Array, labels: IntArray, shades: Mapping[int, Colour], *, long_side: int = 0, tint: float = 0.12) -> Array:
    """``pixels`` with the outline of each label (row, column) that ``shades`` has a colour for, and a light tint in it; RGB.

    With ``long_side`` the picture is brought to that size first, so that an outline is thin and smooth; else it keeps its own.
    """
    rgb = np.array(sized(to_rgb(pixels), long_side) if long_side else to_rgb(pixels))
    line = max(1, round(max(rgb.shape) / 400))
    for value in sorted(set(np.unique(labels).tolist()) & set(shades)):
        inside, outlines = _outlines(labels == value, rgb)
        rgb[inside] = np.round((1 - tint) * rgb[inside] + tint * np.array(shades[value])).astype(np.uint8)
        cv2.drawContours(rgb, outlines, -1, (0, 0, 0), line + 2, cv2.LINE_AA)
        cv2.drawContours(rgb, outlines, -1, shades[value], line, cv2.LINE_AA)
    return rgb


def _outlines(mask: BoolArray, rgb: Array) -> tuple[BoolArray, Sequence[Array]]:
    """``mask`` on the grid of ``rgb``, and its outlines there."""
    inside = resample(mask.astype(np.float32), *rgb.shape[:2]) >= 0.5
    lines, _ = cv2.findContours(inside.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    return inside, lines


def outlined(rgb: Array, mask: IntArray, colour: Colour) -> Array:
    """``rgb`` with the outline of ``mask`` (any size, same shape) in one colour."""
    out = rgb.copy()
    cv2.drawContours(out, _outlines(mask > 0, out)[1], -1, colour, max(1, round(max(out.shape) / 400)), cv2.LINE_AA)
    return out


def numbered(rgb: Array, marks: Sequence[tuple[str, float, float]]) -> Array:
    """``rgb`` with short texts at places given as shares (x, y) of its width and height."""
    size = max(14, round(max(rgb.shape[:2]) / 28))
    page = Pillow.fromarray(rgb)
    pen = ImageDraw.Draw(page)
    for text, x, y in marks:
        place = (x * rgb.shape[1], y * rgb.shape[0])
        pen.text(place, text, font=ImageFont.load_default(size), fill="white", anchor="mm", stroke_width=max(1, size // 8), stroke_fill="black")
    return np.asarray(page)


def heat(values: FloatArray, colormap: Colormap) -> Array:
    """Values 0-1 (row, column) in colour; RGB."""
    coloured = cv2.applyColorMap(np.round(np.clip(values, 0, 1) * 255).astype(np.uint8), COLORMAPS[colormap])
    return np.asarray(coloured[..., ::-1])


def with_legend(rgb: Array, entries: Sequence[tuple[str, Colour]], note: str) -> Array:
    """``rgb`` above a white strip that names each colour, and the scale (``note``)."""
    size = max(11, round(rgb.shape[1] / 48))
    font = ImageFont.load_default(size)
    lines = -(-len(entries) // 3) + 1 if entries else 1
    page = Pillow.new("RGB", (rgb.shape[1], rgb.shape[0] + round(1.7 * size * lines) + size // 2), "white")
    page.paste(Pillow.fromarray(rgb), (0, 0))
    pen = ImageDraw.Draw(page)
    for n, (name, colour) in enumerate(entries):
        x, y = size // 2 + (n % 3) * rgb.shape[1] // 3, rgb.shape[0] + size // 2 + round(1.7 * size * (n // 3))
        pen.rectangle([x, y, x + size, y + size], fill=colour, outline="black")
        pen.text((x + round(1.5 * size), y + size // 2), name, font=font, fill="black", anchor="lm")
    pen.text((size // 2, page.height - size), note, font=font, fill="#555555", anchor="lm")
    return np.asarray(page)
