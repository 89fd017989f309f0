"""The verb: training and use call this same function."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from diaphane.core.arrays import Array, FloatArray
from diaphane.core.image import Image
from diaphane.core.prepared import Prepared
from diaphane.core.recipe import InputRecipe, Recipe
from diaphane.engine.memory import check
from diaphane.engine.session import memory_limit
from diaphane.errors import InputError, UsageError
from diaphane.ops.orient import turned, turned_spacing
from diaphane.ops.picture import full_scale
from diaphane.ops.resample import resample, resample_volume
from diaphane.prepare.bias_field import without_bias_field
from diaphane.prepare.denoise import FILTERS
from diaphane.prepare.normalize import NORMALISATIONS

HELD, FILTERED = 2, 3
"""Copies of the grid that exist at once while a volume is scaled, and beside them while it is filtered."""
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601


def prepare(image: Image, recipe: Recipe) -> Prepared:
    """``image`` as the network of ``recipe`` wants it: a picture at its size, a volume turned and at its spacing.

    Voxels that are no finite numbers count as the lowest one that is: ``acquire`` has said so.

    Raises:
        UsageError: The recipe takes features, not images.
        InputError: The image is a volume and the recipe takes pictures, or the other way round; no voxel is a finite number; there is not the
            memory for it at the bundle's spacing.
    """
    if recipe.input is None:
        raise UsageError(f"the bundle '{recipe.name}' takes features, not pictures")
    got = f"a {'picture' if image.is_picture else 'volume'} of {image.shape[0]} x {image.shape[1]} x {image.shape[2]}, channels: {image.channels}"
    if recipe.input.is_volume == image.is_picture:
        raise InputError(f"the bundle '{recipe.name}' takes {'volumes' if image.is_picture else 'pictures'}, got {got}")
    if image.is_picture:
        return _picture(image, recipe.input)
    if image.channels != 1:
        raise InputError(f"the bundle '{recipe.name}' takes volumes of one channel, got {got}")
    return _volume(image, recipe.input)


def _picture(image: Image, recipe: InputRecipe) -> Prepared:
    pixels = _channels(_unit_scale(image), recipe.channels)
    top, left, height, width = box = _box(pixels.shape[:2], recipe)
    small = FILTERS[recipe.denoise](resample(pixels, height, width), recipe.denoise_strength, is_volume=False)
    around = [(before, n - length - before) for before, length, n in zip((top, left), (height, width), recipe.size, strict=True)]
    grid = np.pad(small, (*around, (0, 0)), mode="edge")
    grid = NORMALISATIONS[recipe.normalisation](grid, grid[top : top + height, left : left + width], recipe)
    return Prepared(np.ascontiguousarray(grid.transpose(2, 0, 1), dtype=np.float32), image, box)


def _volume(image: Image, recipe: InputRecipe) -> Prepared:
    source = turned(_finite(image), image.geometry)
    lengths = (n * mm for n, mm in zip(source.shape, turned_spacing(image.geometry), strict=True))
    slices, rows, columns = (max(1, round(length / mm)) for length, mm in zip(lengths, recipe.spacing_mm, strict=True))
    stated = " x ".join(f"{mm:g}" for mm in turned_spacing(image.geometry))
    what = f"{image.name or 'the volume'}: brought from voxels of {stated} mm to the bundle's, it has {slices} x {rows} x {columns} voxels and"
    copies = HELD + FILTERED * (recipe.denoise != "none" or recipe.bias_field != "none")
    check(4 * copies * slices * rows * columns, memory_limit(), what, "look whether the spacing in its header is right, or crop it")
    grid = resample_volume(source, (slices, rows, columns))
    if recipe.bias_field == "n4":
        grid = without_bias_field(grid)
    grid = FILTERS[recipe.denoise](grid, recipe.denoise_strength, is_volume=True)
    if recipe.clip:
        grid = np.clip(grid, *recipe.clip, out=grid)
    return Prepared(NORMALISATIONS[recipe.normalisation](grid, grid, recipe)[None], image)


def _finite(image: Image) -> Array:
    array = image.array
    finite = np.isfinite(array) if array.dtype.kind == "f" else np.True_
    if finite.all():
        return array
    if not finite.any():
        raise InputError(f"{image.name or 'the volume'}: no voxel holds a finite number; export it anew")
    return np.where(finite, array, array[finite].min())


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


def _box(shape: Sequence[int], recipe: InputRecipe) -> tuple[int, int, int, int]:
    """Top, left, height and width of what a picture takes of the grid."""
    rows, columns = recipe.size
    if recipe.fit == "stretch":
        return 0, 0, rows, columns
    scale = min(rows / shape[0], columns / shape[1])
    height, width = (max(1, round(n * scale)) for n in shape)
    return (rows - height) // 2, (columns - width) // 2, height, width
