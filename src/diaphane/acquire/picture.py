"""Pictures: PNG, JPEG, TIFF, BMP through Pillow, decoded whole or refused."""

from __future__ import annotations

import hashlib
import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError

from diaphane.core.arrays import Array
from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.core.recipe import LabelRecipe
from diaphane.core.storage import reading
from diaphane.errors import InputError

log = logging.getLogger(__name__)
FORMATS = ("PNG", "JPEG", "TIFF", "BMP")
SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
GREY_TOLERANCE = 2
"""A colour file whose channels differ by at most this much everywhere is grey: JPEG rounding, scanner exports."""
MAX_PIXELS = 100_000_000


def read_picture(path: Path, *, spacing_mm: float | None = None, max_pixels: int = MAX_PIXELS) -> Image:
    """The picture in ``path``: uint8 or uint16, grey ``[1, j, i]`` or RGB ``[1, j, i, 3]``, upright by EXIF.

    Raises:
        InputError: The file is missing, empty, truncated, too large, of several frames, or no picture of a known format.
    """
    data = picture_bytes(path)
    return Image(_decoded(path, data, max_pixels)[None], Geometry.of_picture(spacing_mm), stem_of(path), hashlib.sha256(data).hexdigest())


def read_mask(path: Path) -> Labels:
    """The labels in a grey PNG: each value a structure ``label N``; a mask of 0 and 255 has one.

    Raises:
        InputError: The file is missing, damaged, coloured, or of more than 8 bit.
    """
    array = _decoded(path, picture_bytes(path), MAX_PIXELS)
    if array.ndim != 2 or array.dtype != np.uint8:
        raise InputError(f"{path}: a mask is grey with 8 bit, got {array.shape} {array.dtype}")
    if set(np.unique(array)) <= {0, 255}:
        array = array // 255
    count = int(array.max(initial=0))
    table = tuple(LabelRecipe(value=n, name=f"label {n}", role="anatomy") for n in range(1, count + 1))
    return Labels(array[None], table, source="given")


def stem_of(path: Path) -> str:
    """The name without suffix, as results are filed under it: at most 150 bytes of UTF-8, undecodable bytes as ``_``.

    Of ``x.nii.gz`` it is ``x``; of a folder, its whole name.
    """
    stem = path.name[: -len(".nii.gz")] if path.name.lower().endswith(".nii.gz") else path.stem
    with suppress(OSError):  # a name that the system does not take is none of a folder
        stem = (path.resolve().name or "image") if path.is_dir() else stem
    name = stem.encode("utf-8", "surrogateescape").decode("utf-8", "replace").replace("\ufffd", "_")
    return name.encode()[:150].decode("utf-8", "ignore")


def picture_bytes(path: Path) -> bytes:
    """The bytes of a file that is there, can be read and is not empty.

    Raises:
        InputError: It is not.
    """
    with reading(path):
        if not path.is_file():
            raise InputError(f"{path}: no such file; give the path of a picture ({', '.join(SUFFIXES)})")
        data = path.read_bytes()
    if not data:
        raise InputError(f"{path}: the file is empty (0 bytes); expected a picture")
    return data


@contextmanager
def opened(path: Path, data: bytes) -> Iterator[Pillow.Image]:
    """The picture in ``data``, its header read; what the decoder says becomes an InputError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # damage raises, and the size has a limit of our own, acquire.max_pixels
            with Pillow.open(io.BytesIO(data), formats=FORMATS) as picture:
                yield picture
    except UnidentifiedImageError as problem:
        raise InputError(
            f"{path}: not a picture; expected one of {', '.join(FORMATS)} and found bytes of none of them, nor of NIfTI, NRRD, DICOM or a clip"
        ) from problem
    except InputError:
        raise
    except Pillow.DecompressionBombError as problem:
        raise InputError(f"{path}: more pixels than the decoder takes (178956970); give a smaller picture") from problem
    except (OSError, SyntaxError, ValueError) as problem:
        raise InputError(f"{path}: the picture is damaged or truncated and was not decoded ({problem}); export it anew") from problem


def _decoded(path: Path, data: bytes, max_pixels: int) -> Array:
    with opened(path, data) as picture:
        if picture.width * picture.height > max_pixels:
            raise InputError(f"{path}: {picture.width}x{picture.height} pixels are more than acquire.max_pixels = {max_pixels}")
        if getattr(picture, "n_frames", 1) > 1:
            raise InputError(f"{path}: holds {getattr(picture, 'n_frames', 1)} frames, expected one; export the frame that is meant")
        if picture.mode in ("I", "F"):
            raise InputError(f"{path}: 32 bits a pixel, expected 8 or 16; export it with 16")
        if picture.mode not in ("I;16", "I;16L", "I;16B") and any(";16" in str(tile) for tile in getattr(picture, "tile", [])):
            log.warning("%s: 16 bits a channel in colour; reduced to 8", path)
        picture.load()
        return _pixels(path, ImageOps.exif_transpose(picture))


def _pixels(path: Path, picture: Pillow.Image) -> Array:
    if picture.mode in ("I;16", "I;16L", "I;16B"):
        return np.asarray(picture).astype(np.uint16)
    if picture.mode in ("1", "L"):
        return np.asarray(picture.convert("L"))
    if "A" in picture.getbands() or "transparency" in picture.info:
        opaque = picture.convert("RGBA")
        if opaque.getchannel("A").getextrema()[0] != 255:
            log.warning("%s: has transparent pixels; they are laid on black", path)
        picture = Pillow.alpha_composite(Pillow.new("RGBA", opaque.size, "black"), opaque)
    return grey_if_grey(np.asarray(picture.convert("RGB")))


def grey_if_grey(array: Array) -> Array:
    """An RGB picture of uint8, as grey (row, column) where its channels do not differ."""
    spread = array.max(axis=2).astype(np.int16) - array.min(axis=2)
    return array[..., 1] if spread.max() <= GREY_TOLERANCE else array
