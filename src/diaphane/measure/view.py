"""A picture and one region of it on the grid that colour, intensity and texture are taken on."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from diaphane.core.arrays import Array, BoolArray, FloatArray
from diaphane.core.image import Image
from diaphane.core.region import Region
from diaphane.ops.picture import full_scale, to_rgb
from diaphane.ops.resample import resample


@dataclass(frozen=True, slots=True)
class View:
    """Arrays of one size (row, column[, 3])."""

    grey: FloatArray
    """0-255: luma of a colour picture (ITU-R BT.601), the pixels of a grey one."""
    rgb: Array | None
    """uint8; None for a grey picture."""
    mask: BoolArray
    other: BoolArray
    """Pixels that belong to any region: no surrounding skin."""
    grid: str
    """In words, for the column ``discretisation``: ``long side 256 px`` or ``source grid``."""


def view_of(image: Image, region: Region, anything: BoolArray, long_side_px: int) -> View:
    """``image`` with ``region``, shrunk so that the long side has ``long_side_px``; never enlarged, 0 leaves it."""
    mask = np.zeros(image.shape, bool)
    mask[region.slices] = region.mask
    rows, columns = image.shape[1:]
    shrink = long_side_px / max(rows, columns) if long_side_px else 1.0
    pixels = image.array[0]
    grid = "source grid"
    inside, around = mask[0], np.asarray(anything)
    if shrink < 1:
        size = max(1, round(rows * shrink)), max(1, round(columns * shrink))
        pixels = resample(pixels, *size)
        inside, around = (resample(m.astype(np.float32), *size) >= 0.5 for m in (inside, around))
        grid = f"long side {long_side_px} px"
    rgb = to_rgb(pixels) if image.channels == 3 else None
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY) if rgb is not None else pixels.astype(np.float32) * (255 / full_scale(image.array))
    return View(np.asarray(grey, np.float64), rgb, np.asarray(inside), np.asarray(around), grid)
