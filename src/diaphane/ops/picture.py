"""Pictures to PNG and back: the one place that encodes pixels."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from diaphane.core.arrays import Array, FloatArray
from diaphane.core.storage import write_whole

LARGE = 12_000_000
"""From this many values on, PNG is written fast rather than small."""


def png_bytes(array: Array) -> bytes:
    """``array`` (row, column[, 3]) of uint8 or (grey only) uint16 as PNG, without any metadata."""
    out = io.BytesIO()
    level = 4 if array.size < LARGE else 1  # 3 times as fast as 6 on pictures of skin, and no larger
    Pillow.fromarray(np.ascontiguousarray(array)).save(out, "PNG", compress_level=level)
    return out.getvalue()


def write_png(path: Path, array: Array) -> None:
    """Write ``array`` as PNG, whole or not at all; the folder is made."""
    write_whole(path, png_bytes(array))


def write_fraction(path: Path, array: FloatArray) -> None:
    """Write values 0-1 as 8-bit PNG: 255 is 1."""
    write_png(path, to_byte(array))


def to_byte(array: FloatArray) -> Array:
    """0-1 to 0-255, rounded."""
    return np.round(np.clip(array, 0, 1) * 255).astype(np.uint8)


def read_png(path: Path) -> Array:
    """(row, column[, 3]) as stored."""
    with Pillow.open(path, formats=["PNG"]) as picture:
        return np.asarray(picture)


def read_fraction(path: Path) -> FloatArray:
    """Values 0-1 of an 8-bit PNG, float32."""
    return read_png(path).astype(np.float32) / np.float32(255)


def full_scale(array: Array) -> int:
    """The value of white: 255 for 8 bit; in 16 bit the largest of 10, 12, 14 or 16 bits that the pixels need.

    X-ray exports keep 10 to 14 bits in 16; their file does not say how many.
    """
    if array.dtype == np.uint8:
        return 255
    largest = int(array.max())
    return next(2**bits - 1 for bits in (10, 12, 14, 16) if largest < 2**bits)


def to_rgb(array: Array) -> Array:
    """Pixels (row, column[, 3]) of 8 or 16 bit as uint8 RGB, for eyes."""
    if array.dtype != np.uint8:
        array = (array.astype(np.float32) * (255 / full_scale(array))).astype(np.uint8)
    return np.repeat(array[..., None], 3, axis=2) if array.ndim == 2 else array
