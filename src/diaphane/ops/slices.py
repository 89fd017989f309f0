"""Sheets of slices through a volume with what was segmented: axial, coronal, sagittal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from diaphane.core.arrays import Array, frozen
from diaphane.core.geometry import Geometry
from diaphane.core.outcome import Part
from diaphane.ops.hounsfield import is_hounsfield
from diaphane.ops.orient import tilt_deg, turn, turned, turned_spacing
from diaphane.ops.paint import Colormap, Colour, overlay, palette
from diaphane.ops.picture import to_rgb
from diaphane.ops.resample import resample

Plane = Literal["axial", "coronal", "sagittal"]
COUNTS: dict[Plane, int] = {"axial": 12, "coronal": 4, "sagittal": 4}
LETTERS: dict[Plane, str] = {"axial": "RLAP", "coronal": "RLHF", "sagittal": "APHF"}
"""At the left, right, upper and lower edge: right, left, anterior, posterior, head, foot of the patient."""
COLUMNS = 4
GAP_PX = 2
GAP_GREY = 96
FLATTEST = 0.3
"""A tile is at least this share of its width high, so that its letters do not lie on each other."""
MARGIN_MM = 25.0
LEAST_MM = 150.0
"""Around what was segmented this much is shown, and of the volume never less than this where it has it."""
CT_WINDOW = (-160.0, 240.0)
"""Soft tissue: level 40 HU, width 400 HU."""
BARS_MM = (100, 50, 20, 10, 5)
TINT = 0.2
STRAIGHT_DEG = 1.0
"""Below this tilt the axes of a volume are the patient's."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Slices of one plane, side by side."""

    title: str
    """The plane, what it shows, and where the axes are tilted, how far."""
    rgb: Array
    legend: tuple[tuple[str, Colour], ...]
    """The structures that are in the volume, in the order of the table."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rgb", frozen(self.rgb))


@dataclass(frozen=True, slots=True)
class _Volume:
    """Arrays turned feet to head, front to back, right to left, and what of them is shown."""

    grey: Array
    labels: Array | None
    geometry: Geometry
    """Of the array before it was turned."""
    shades: Mapping[int, Colour]
    spacing: tuple[float, float, float]
    shown: tuple[tuple[int, int], ...]
    """Start and stop along each axis."""
    labelled: tuple[tuple[int, int], ...]
    window: tuple[float, float]


def sheets(part: Part, colormap: Colormap, width_px: int = 1600) -> tuple[Sheet, ...]:
    """Axial, coronal and sagittal sheets of ``width_px``, as radiologists look: the patient's left is at the right of the picture.

    The slices are spread over what was segmented, or over the whole volume. The volume is shown along the array axes,
    each taken for the patient's axis nearest to it. Nothing for a picture.
    """
    if part.image.is_picture or part.image.channels != 1:
        return ()
    table = part.labels.table if part.labels else ()
    present = set() if part.labels is None else {value for plane in part.labels.array for value in np.unique(plane).tolist()}
    shades = palette(table, colormap)
    volume = _volume(part, shades)
    legend = tuple((label.name, shades[label.value]) for label in table if label.value in present)
    tilt = tilt_deg(part.image.geometry)
    note = "" if tilt < STRAIGHT_DEG else f"; the scan's axes are tilted by up to {tilt:.0f} degrees and shown along the nearest axis"
    titles: dict[Plane, str] = {"axial": "from feet to head, seen from the feet", "coronal": "from front to back", "sagittal": "from right to left"}
    return tuple(Sheet(f"{plane.capitalize()} slices {words}{note}", _sheet(volume, plane, width_px), legend) for plane, words in titles.items())


def _volume(part: Part, shades: Mapping[int, Colour]) -> _Volume:
    geometry = part.image.geometry
    grey = turned(part.image.array, geometry)
    labels = None if part.labels is None else turned(part.labels.array, geometry)
    spacing = turned_spacing(geometry)
    labelled = tuple((0, n) for n in grey.shape) if labels is None else _box(labels)
    shown = tuple(_widened(box, n, s) for box, n, s in zip(labelled, grey.shape, spacing, strict=True))
    return _Volume(grey, labels, geometry, shades, spacing, shown, labelled, window(part))


def window(part: Part) -> tuple[float, float]:
    """The grey values shown as black and white: soft tissue for CT, else nearly the whole range of what is not background."""
    if is_hounsfield(part.image):
        return CT_WINDOW
    sample = part.image.array[:: max(1, part.image.shape[0] // 32), ::2, ::2]
    known = sample[np.isfinite(sample)]
    inside = known[known > known.min()] if known.size else known
    low, high = np.percentile(inside, [1, 99.5]) if inside.size else (0.0, 1.0)
    return float(low), float(max(high, low + 1e-6))


def _box(labels: Array) -> tuple[tuple[int, int], ...]:
    """Where ``labels`` are; everything where there are none."""
    some = labels > 0
    found = [np.flatnonzero(some.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    return tuple((int(f[0]), int(f[-1]) + 1) if f.size else (0, n) for f, n in zip(found, labels.shape, strict=True))


def _widened(box: tuple[int, int], size: int, spacing: float) -> tuple[int, int]:
    half = max((box[1] - box[0]) / 2 + MARGIN_MM / spacing, LEAST_MM / spacing / 2)
    middle = (box[0] + box[1]) / 2
    return max(0, int(middle - half)), min(size, int(np.ceil(middle + half)))


def _sheet(volume: _Volume, plane: Plane, width_px: int) -> Array:
    axis = list(COUNTS).index(plane)
    start, stop = volume.labelled[axis]
    count = min(COUNTS[plane], stop - start)
    places = [start + int((n + 0.5) * (stop - start) / count) for n in range(count)]
    tiles = [_tile(volume, plane, place, width_px // COLUMNS - GAP_PX) for place in places]
    framed = [np.pad(tile, ((0, GAP_PX), (0, GAP_PX), (0, 0)), constant_values=GAP_GREY) for tile in tiles]
    blank = [np.full_like(framed[0], GAP_GREY)] * (-count % COLUMNS)
    rows = [np.concatenate([*framed, *blank][n : n + COLUMNS], axis=1) for n in range(0, count, COLUMNS)]
    return np.concatenate(rows, axis=0)


def _tile(volume: _Volume, plane: Plane, place: int, width_px: int) -> Array:
    axis = list(COUNTS).index(plane)
    down, across = (n for n in range(3) if n != axis)
    cut: list[slice | int] = [slice(*side) for side in volume.shown]
    cut[axis] = place
    upright = slice(None, None, 1 if plane == "axial" else -1)
    grey = volume.grey[tuple(cut)][upright]
    scale = width_px / (grey.shape[1] * volume.spacing[across])
    size = max(1, round(grey.shape[0] * volume.spacing[down] * scale)), width_px
    low, high = volume.window
    pixels = resample(np.round(np.nan_to_num(np.clip((grey.astype(np.float32) - low) / (high - low), 0, 1)) * 255).astype(np.uint8), *size)
    rgb = pixels if volume.labels is None else overlay(pixels, np.ascontiguousarray(volume.labels[tuple(cut)][upright]), volume.shades, tint=TINT)
    lacking = max(0, round(FLATTEST * width_px) - size[0])
    padded = np.pad(to_rgb(rgb), ((lacking // 2, lacking - lacking // 2), (0, 0), (0, 0)))
    return _lettered(padded, plane, _position(volume, axis, place), scale)


def _position(volume: _Volume, axis: int, place: int) -> str:
    """Where the slice lies: the LPS coordinate of its middle along the patient's axis."""
    axes, signs = turn(volume.geometry)
    index = np.zeros(3)
    for n, size in enumerate(volume.grey.shape):
        along = place if n == axis else (size - 1) / 2
        index[axes[n]] = along if signs[n] > 0 else size - 1 - along
    return f"{'zyx'[axis]} {volume.geometry.to_world(index)[2 - axis]:+.0f} mm"


def _lettered(rgb: Array, plane: Plane, position: str, scale: float) -> Array:
    """``rgb`` with letters at its edges, its position and a bar of round length."""
    rows, columns = rgb.shape[:2]
    size = max(10, columns // 20)
    page = Pillow.fromarray(rgb)
    pen = ImageDraw.Draw(page)
    font = ImageFont.load_default(size)
    middles = ((size // 3, rows // 2, "lm"), (columns - size // 3, rows // 2, "rm"), (columns // 2, size // 4, "mt"), (columns // 2, rows - size // 4, "mb"))
    for letter, (x, y, anchor) in zip(LETTERS[plane], middles, strict=True):
        pen.text((x, y), letter, font=font, fill="white", anchor=anchor, stroke_width=1, stroke_fill="black")
    pen.text((size // 3, size // 4), position, font=font, fill="white", anchor="lt", stroke_width=1, stroke_fill="black")
    bar = next((mm for mm in BARS_MM if mm * scale <= 0.4 * columns), BARS_MM[-1])
    left, low = size // 3, rows - size // 2
    pen.line([left, low, left + round(bar * scale), low], fill="white", width=max(2, size // 8))
    pen.text((left, low - size // 4), f"{bar} mm", font=font, fill="white", anchor="lb", stroke_width=1, stroke_fill="black")
    return np.asarray(page)
