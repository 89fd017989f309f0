"""A picture and one region of it on the grid that colour, intensity and texture are taken on."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np

from diaphane.core.arrays import Array, BoolArray, FloatArray
from diaphane.core.image import Image
from diaphane.core.region import Region
from diaphane.errors import InputError
from diaphane.measure.constancy import corrected
from diaphane.measure.options import Options
from diaphane.ops.picture import full_scale, to_rgb
from diaphane.ops.resample import resample

NEAR = 4 / 3
"""Rings of surrounding skin reach so many of their widths away from the region."""
AROUND = 0.25
"""At least this share of the equivalent diameter is seen on every side of a region, as far as the picture goes."""


@dataclass(frozen=True, slots=True)
class View:
    """Arrays of one size (row, column[, 3]): the region and what lies around it. Where they end sooner than ``margin`` from the region, the picture ends."""

    grey: FloatArray
    """0-255: luma of a colour picture (ITU-R BT.601), the pixels of a grey one."""
    rgb: Array | None
    """uint8; None for a grey picture."""
    mask: BoolArray
    other: BoolArray
    """Pixels that belong to any region: no surrounding skin."""
    grid: str
    """In words, for the column ``discretisation``: ``long side at most 256 px`` or ``source grid``, and what was done to the colours."""
    origin: tuple[int, int] = (0, 0)
    """Row and column of the picture, on this grid, where the arrays begin."""

    @property
    def lab(self) -> FloatArray:
        """CIELAB (D65) of a colour picture, float32. Source: CIE 15:2018; IEC 61966-2-1 (sRGB)."""
        if self.rgb is None:
            raise ValueError("a grey picture has no CIELAB")
        return np.asarray(cv2.cvtColor(self.rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB))


@dataclass(frozen=True, slots=True)
class Sheet:
    """A whole picture on that grid, made once for all its regions."""

    image: Image
    grey: Array
    """0-255, of any type."""
    rgb: Array | None
    other: BoolArray
    grid: str


def sheet_of(image: Image, anything: BoolArray, options: Options) -> Sheet:
    """``image`` shrunk so that the long side has ``long_side_px``, never enlarged, with the colours that ``options`` ask for."""
    rows, columns = image.shape[1:]
    shrink = options.long_side_px / max(rows, columns) if options.long_side_px else 1.0
    pixels = to_rgb(image.array[0]) if image.channels == 3 else image.array[0]
    around = np.asarray(anything)
    grid = f"long side at most {options.long_side_px} px" if options.long_side_px else "source grid"  # alike for small pictures and those that were shrunk
    if shrink < 1:
        size = max(1, round(rows * shrink)), max(1, round(columns * shrink))
        pixels, around = resample(pixels, *size), _shrunk(around, size)
    if image.channels != 3:
        return Sheet(image, pixels.astype(np.float32) * (255 / full_scale(image.array)), None, around, grid)
    rgb = corrected(pixels, options.colour_constancy)
    how = "" if options.colour_constancy == "none" else f", {options.colour_constancy}"
    return Sheet(image, np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)), rgb, around, grid + how)


def view_of(sheet: Sheet, region: Region, options: Options) -> View:
    """The part of ``sheet`` in which ``region`` lies."""
    shape = sheet.grey.shape
    if shape == sheet.image.shape[1:]:
        (top, bottom), (left, right) = region.box[1:]
        cut = _with_margin((top, bottom, left, right), int(region.mask.sum()), shape, options)
        mask = np.zeros((cut[0].stop - cut[0].start, cut[1].stop - cut[1].start), bool)
        mask[top - cut[0].start : bottom - cut[0].start, left - cut[1].start : right - cut[1].start] = region.mask[0]
    else:
        whole = np.zeros(sheet.image.shape, bool)
        whole[region.slices] = region.mask
        small = _shrunk(whole[0], shape)
        rows, columns = np.flatnonzero(small.any(axis=1)), np.flatnonzero(small.any(axis=0))
        box = (int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1) if len(rows) else (0, 1, 0, 1)
        cut = _with_margin(box, int(small.sum()), shape, options)
        mask = small[cut]
    rgb = None if sheet.rgb is None else sheet.rgb[cut]
    return View(np.asarray(sheet.grey[cut], np.float64), rgb, np.asarray(mask), np.asarray(sheet.other[cut]), sheet.grid, (cut[0].start, cut[1].start))


def ring_width(pixels: int, options: Options) -> int:
    """Of the surrounding skin of a region of so many pixels."""
    return max(2, round(options.ring_share * math.sqrt(4 * pixels / math.pi)))


def _with_margin(box: tuple[int, int, int, int], pixels: int, shape: tuple[int, ...], options: Options) -> tuple[slice, slice]:
    """``box`` (top, bottom, left, right) with what is looked at around it."""
    margin = math.ceil(max(NEAR * ring_width(pixels, options), AROUND * math.sqrt(4 * pixels / math.pi))) + 2
    top, bottom, left, right = box
    return slice(max(0, top - margin), min(shape[0], bottom + margin)), slice(max(0, left - margin), min(shape[1], right + margin))


def _shrunk(mask: BoolArray, size: tuple[int, ...]) -> BoolArray:
    """What covers at least half of a coarser pixel."""
    return np.asarray(resample(mask.astype(np.float32), size[0], size[1]) >= 0.5)


def grey(image: Image) -> Image:
    """``image`` itself, or the luma (ITU-R BT.601) of a picture in colour, 0-255.

    Raises:
        InputError: A volume in colour.
    """
    if image.channels == 1:
        return image
    if not image.is_picture:
        raise InputError(f"radiomic families are defined for one intensity a voxel, this volume has {image.channels} channels; take one of them")
    return replace(image, array=np.asarray(cv2.cvtColor(to_rgb(image.array[0]), cv2.COLOR_RGB2GRAY))[None])
