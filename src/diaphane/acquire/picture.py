"""Pictures: PNG, JPEG, TIFF, BMP through Pillow, decoded whole or refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError

from diaphane.core.arrays import Array
from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.core.recipe import LabelRecipe
from diaphane.errors import InputError

FORMATS = ("PNG", "JPEG", "TIFF", "BMP")
SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
GREY_TOLERANCE = 2
"""A colour file whose channels differ by at most this much everywhere is grey: JPEG rounding, scanner exports."""


def read_picture(path: Path, *, spacing_mm: float | None = None, max_pixels: int = 100_000_000) -> Image:
    """The picture in ``path``: uint8 or uint16, grey ``[1, j, i]`` or RGB ``[1, j, i, 3]``, upright by EXIF.

    Raises:
        InputError: The file is missing, empty, truncated, too large, or no picture of a known format.
    """
    data = path.read_bytes() if path.is_file() else b""
    array = decoded(path, data, max_pixels)
    return Image(array[None], Geometry.of_picture(spacing_mm), path.stem, hashlib.sha256(data).hexdigest())


def read_mask(path: Path) -> Labels:
    """The labels in a grey PNG: each value a structure ``label N``; a mask of 0 and 255 has one.

    Raises:
        InputError: The file is missing, damaged, coloured, or of more than 8 bit.
    """
    array = decoded(path, path.read_bytes() if path.is_file() else b"", 100_000_000)
    if array.ndim != 2 or array.dtype != np.uint8:
        raise InputError(f"{path}: a mask is grey with 8 bit, got {array.shape} {array.dtype}")
    if set(np.unique(array)) <= {0, 255}:
        array = array // 255
    count = int(array.max(initial=0))
    table = tuple(LabelRecipe(value=n, name=f"label {n}", role="anatomy") for n in range(1, count + 1))
    return Labels(array[None], table, source="given")


def decoded(path: Path, data: bytes, max_pixels: int) -> Array:
    """Pixels (row, column[, channel]) of the encoded ``data`` that ``path`` held."""
    import io

    if not path.exists():
        raise InputError(f"{path}: no such file; give the path of a picture ({', '.join(SUFFIXES)})")
    if not data:
        raise InputError(f"{path}: the file is empty (0 bytes); expected a picture")
    try:
        with Pillow.open(io.BytesIO(data), formats=FORMATS) as picture:
            if picture.width * picture.height > max_pixels:
                raise InputError(f"{path}: {picture.width}x{picture.height} pixels are more than acquire.max_pixels = {max_pixels}")
            picture.load()
            return _pixels(ImageOps.exif_transpose(picture))
    except UnidentifiedImageError as problem:
        raise InputError(f"{path}: not a picture; expected one of {', '.join(FORMATS)} and found bytes of none of them") from problem
    except InputError:
        raise
    except (OSError, SyntaxError, ValueError, Pillow.DecompressionBombError) as problem:
        raise InputError(f"{path}: the picture is damaged or truncated and was not decoded ({problem}); export it anew") from problem


def _pixels(picture: Pillow.Image) -> Array:
    if picture.mode in ("I;16", "I;16L", "I;16B"):
        return np.asarray(picture).astype(np.uint16)
    if picture.mode in ("1", "L"):
        return np.asarray(picture.convert("L"))
    if picture.mode in ("I", "F"):
        raise InputError(f"the picture has {picture.mode} pixels (32 bit); expected 8 or 16 bit")
    if "A" in picture.getbands() or "transparency" in picture.info:
        opaque = picture.convert("RGBA")
        picture = Pillow.alpha_composite(Pillow.new("RGBA", opaque.size, "black"), opaque)
    array = np.asarray(picture.convert("RGB"))
    spread = array.max(axis=2).astype(np.int16) - array.min(axis=2)
    return array[..., 1] if spread.max() <= GREY_TOLERANCE else array
