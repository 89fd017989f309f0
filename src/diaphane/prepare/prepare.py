"""The verb: training and use call this same function."""

from __future__ import annotations

import numpy as np

from diaphane.core.arrays import FloatArray
from diaphane.core.image import Image
from diaphane.core.prepared import Prepared
from diaphane.core.recipe import Recipe
from diaphane.errors import InputError, UsageError
from diaphane.ops.picture import full_scale
from diaphane.ops.resample import resample
from diaphane.prepare.normalize import NORMALISATIONS

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601


def prepare(image: Image, recipe: Recipe) -> Prepared:
    """``image`` (a picture) as the network of ``recipe`` wants it.

    Raises:
        UsageError: The recipe takes features, not pictures.
        InputError: The image is a volume.
    """
    if recipe.input is None:
        raise UsageError(f"the bundle '{recipe.name}' takes features, not pictures")
    if not image.is_picture:
        raise InputError(f"the bundle '{recipe.name}' takes pictures, got a volume of {image.shape[0]} slices")
    pixels = _channels(_unit_scale(image), recipe.input.channels)
    rows, columns = recipe.input.size
    box, grid = _on_grid(pixels, (rows, columns), recipe.input.fit)
    top, left, height, width = box
    normalise = NORMALISATIONS[recipe.input.normalisation]
    grid = normalise(grid, grid[top : top + height, left : left + width], recipe.input)
    return Prepared(np.ascontiguousarray(grid.transpose(2, 0, 1), dtype=np.float32), image, box)


def _unit_scale(image: Image) -> FloatArray:
    """Pixels from 0 to 1, where 1 is white; (row, column, channel)."""
    array = image.array[0]
    if array.ndim == 2:
        array = array[..., None]
    if array.dtype not in (np.uint8, np.uint16):
        raise InputError(f"a picture has integer pixels of 8 or 16 bit, got {array.dtype}")
    return np.asarray(array.astype(np.float32) / np.float32(full_scale(array)))


def _channels(pixels: FloatArray, wanted: int) -> FloatArray:
    if pixels.shape[2] == wanted:
        return pixels
    if wanted == 1:
        return np.asarray(pixels @ LUMA)[..., None]
    return np.repeat(pixels, 3, axis=2)


def _on_grid(pixels: FloatArray, size: tuple[int, int], fit: str) -> tuple[tuple[int, int, int, int], FloatArray]:
    """The box that the image takes on the grid, and the grid."""
    rows, columns = size
    if fit == "stretch":
        return (0, 0, rows, columns), resample(pixels, rows, columns)
    scale = min(rows / pixels.shape[0], columns / pixels.shape[1])
    height, width = (max(1, round(pixels.shape[n] * scale)) for n in (0, 1))
    top, left = (rows - height) // 2, (columns - width) // 2
    around = ((top, rows - height - top), (left, columns - width - left), (0, 0))
    return (top, left, height, width), np.pad(resample(pixels, height, width), around, mode="edge")
