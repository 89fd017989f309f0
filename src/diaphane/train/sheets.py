"""Contact sheets of results: what was predicted beside what is true, a dozen cases at a glance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from diaphane.core.arrays import Array, IntArray
from diaphane.ops.paint import Colour
from diaphane.ops.picture import png_bytes

MOST = 12
TILE_PX = 300
GAP_PX = 8
LINE_PX = 20
"""Height of a line of text."""
REFERENCE: Colour = (86, 180, 233)
PREDICTED: Colour = (240, 228, 66)
"""Sky blue and yellow of Okabe and Ito's palette: apart in hue and in lightness for people with any colour vision deficiency."""
INK, PAPER = (20, 20, 20), (255, 255, 255)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One case on a sheet."""

    name: str
    image: Array
    """[k, j, i] or [k, j, i, 3]; black where there is none."""
    reference: IntArray | str
    """A label map [k, j, i] on the image's grid, or the class in words."""
    predicted: IntArray | str
    score: float
    """Mean Dice of the labels; of a class the probability of the true one."""
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Of k, j, i: rows and columns are shown in proportion."""


def sheet(cases: Sequence[Shown], title: str, tile_px: int = TILE_PX) -> bytes:
    """A PNG of up to 12 cases, each with a caption: outlines on the slice with most of the reference, or the classes in words."""
    tiles = [tile(case, tile_px) for case in cases[:MOST]]
    columns = min(4, max(1, math.ceil(math.sqrt(len(tiles)))))
    rows = [tiles[n : n + columns] for n in range(0, len(tiles), columns)]
    heights = [max(t.shape[0] for t in row) for row in rows]
    width = max(2 * TILE_PX, columns * (tile_px + GAP_PX)) + GAP_PX
    has_outlines = any(not isinstance(case.reference, str) for case in cases)
    page = Pillow.new("RGB", (width, sum(heights) + (len(rows) + 1) * GAP_PX + (3 if has_outlines else 2) * LINE_PX), PAPER)
    pen = ImageDraw.Draw(page)
    pen.text((GAP_PX, LINE_PX), fitted(title, width - 2 * GAP_PX, 17), font=ImageFont.load_default(17), fill=INK, anchor="lm")
    if has_outlines:
        _legend(pen, 2 * LINE_PX + LINE_PX // 4)
    top = page.height - sum(heights) - len(rows) * GAP_PX
    for row, height in zip(rows, heights, strict=True):
        for n, one in enumerate(row):
            page.paste(Pillow.fromarray(one), (GAP_PX + n * (tile_px + GAP_PX), top))
        top += height + GAP_PX
    return png_bytes(np.asarray(page))


def tile(case: Shown, size_px: int) -> Array:
    """One case, RGB, ``size_px`` wide, its caption below."""
    plane = _plane(case)
    rgb = _in_proportion(_grey_or_rgb(case.image, plane), case.spacing, size_px)
    for labels, colour, line in ((case.reference, REFERENCE, 4), (case.predicted, PREDICTED, 2)):
        if not isinstance(labels, str):
            rgb = _outlined(rgb, labels[plane], colour, line)
    page = Pillow.new("RGB", (size_px, rgb.shape[0] + 2 * LINE_PX), PAPER)
    page.paste(Pillow.fromarray(rgb), ((size_px - rgb.shape[1]) // 2, 0))
    pen = ImageDraw.Draw(page)
    for n, text in enumerate(_caption(case)):
        pen.text((2, rgb.shape[0] + LINE_PX * n + LINE_PX // 2), fitted(text, size_px - 4, 14), font=ImageFont.load_default(14), fill=INK, anchor="lm")
    return np.asarray(page)


def fitted(text: str, width: int, size: int) -> str:
    """``text``, its middle left out where it is too wide."""
    font = ImageFont.load_default(size)
    kept = len(text)
    out = text
    while font.getlength(out) > width and kept > 2:
        kept -= 1
        out = f"{text[: (kept + 1) // 2]}…{text[len(text) - kept // 2 :]}"
    return out


def _legend(pen: ImageDraw.ImageDraw, y: int) -> None:
    x = GAP_PX
    for text, colour, line in (("reference", REFERENCE, 5), ("predicted", PREDICTED, 3)):
        pen.line([x, y, x + 34, y], fill=(0, 0, 0), width=line + 4)
        pen.line([x + 1, y, x + 33, y], fill=colour, width=line)
        pen.text((x + 42, y), text, font=ImageFont.load_default(14), fill=INK, anchor="lm")
        x += 140


def _caption(case: Shown) -> tuple[str, str]:
    if isinstance(case.reference, str) or isinstance(case.predicted, str):
        return case.name, f"truth {case.reference}, predicted {case.predicted}"
    slices = "" if case.image.shape[0] == 1 else f", slice {_plane(case) + 1} of {case.image.shape[0]}"
    return case.name, f"Dice {case.score:.3f}{slices}"


def cut(case: Shown) -> Shown:
    """All that a sheet shows of a volume: one slice, copied, so that the volume is not kept."""
    slices, plane = case.image.shape[0], _plane(case)
    if slices == 1:
        return case

    def one(labels: IntArray | str) -> IntArray | str:
        return labels if isinstance(labels, str) else labels[plane : plane + 1].copy()

    name = f"{case.name}, slice {plane + 1} of {slices}"
    return replace(case, name=name, image=case.image[plane : plane + 1].copy(), reference=one(case.reference), predicted=one(case.predicted))


def _plane(case: Shown) -> int:
    """The slice with most of the reference, else with most that was predicted, else the middle."""
    for labels in (case.reference, case.predicted):
        if not isinstance(labels, str) and labels.any():
            return int(np.count_nonzero(labels, axis=(1, 2)).argmax())
    return int(case.image.shape[0]) // 2


def _grey_or_rgb(image: Array, plane: int) -> Array:
    """A slice as RGB; all but colour pictures from the 0.5 to the 99.5 percentile of the whole."""
    pixels = image[plane]
    if pixels.ndim == 3 and pixels.shape[2] == 3 and image.dtype == np.uint8:
        return np.asarray(pixels)
    known = image[np.isfinite(image)]
    low, high = np.percentile(known, (0.5, 99.5)) if len(known) else (0.0, 1.0)
    scaled = np.clip((pixels.astype(np.float64) - low) / max(high - low, 1e-9), 0, 1)
    grey = np.round(np.nan_to_num(scaled) * 255).astype(np.uint8)
    return grey if grey.ndim == 3 and grey.shape[2] == 3 else np.repeat(grey.reshape(*grey.shape[:2], 1), 3, axis=2)


def _in_proportion(rgb: Array, spacing: tuple[float, float, float], size_px: int) -> Array:
    """As large as a tile, rows and columns to scale."""
    height, width = rgb.shape[0] * spacing[1], rgb.shape[1] * spacing[2]
    factor = size_px / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    grows = size[0] * size[1] > rgb.shape[0] * rgb.shape[1]
    return np.asarray(cv2.resize(np.ascontiguousarray(rgb), size, interpolation=cv2.INTER_CUBIC if grows else cv2.INTER_AREA))


def _outlined(rgb: Array, labels: IntArray, colour: Colour, line: int) -> Array:
    """The outline of each label, with a thin dark edge so that it is seen on any ground."""
    out = np.ascontiguousarray(rgb).copy()
    for value in sorted(set(np.unique(labels).tolist()) - {0}):
        inside = cv2.resize((labels == value).astype(np.float32), (out.shape[1], out.shape[0]), interpolation=cv2.INTER_LINEAR) >= 0.5
        lines, _ = cv2.findContours(inside.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(out, lines, -1, (0, 0, 0), line + 2, cv2.LINE_AA)
        cv2.drawContours(out, lines, -1, colour, line, cv2.LINE_AA)
    return out
