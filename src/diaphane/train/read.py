"""One item of a data set from its files: the image, and its labels on the same grid."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from diaphane.acquire import Options, about, read, read_labels
from diaphane.acquire.kind import kind_of
from diaphane.acquire.picture import opened, picture_bytes, read_picture
from diaphane.core.arrays import IntArray
from diaphane.core.image import Image
from diaphane.core.storage import reading
from diaphane.errors import InputError, RefusedError
from diaphane.train.dataset import Item

MAX_MASK_VALUE = 65535
OUTSIDE = -1


def read_item(item: Item, values: Mapping[int, int]) -> tuple[Image, IntArray | None]:
    """The image, and its labels [k, j, i] uint8 on the image's own grid; no labels for an item of a class.

    ``values`` says which pixel value of a mask is which label; 0 is background without being named.

    Raises:
        InputError: A file is missing, damaged, of another size or place than the other, or holds NaN, fractions or a value that ``values`` has not.
    """
    image = read_image(item.image)
    return image, None if item.mask is None else mapped(item.mask, read_mask(item.mask, image), values)


def read_image(path: Path) -> Image:
    """The picture or volume in ``path``; every pixel is a finite number.

    Raises:
        InputError: It is missing, damaged, of several volumes, not placed in space, neither picture nor volume, or holds NaN.
    """
    if not _is_file(path):
        raise InputError(f"{path}: no such image; put it there, or take it out of the list")
    if kind_of(path) not in ("picture", "nifti", "nrrd"):
        raise InputError(f"{path}: training takes pictures and volumes (NIfTI, NRRD); convert it to one of them")
    case = read(path, Options())
    if not case.images:
        raise InputError(f"{path}: {'; '.join(v.reason for v in case.verdicts if v.verdict == 'refused')}")
    image = case.images[0]
    if image.array.dtype.kind == "f" and (bad := int(np.count_nonzero(~np.isfinite(image.array)))):
        raise InputError(f"{path}: {bad} of {image.array.size} pixels are not finite numbers (NaN or infinite); give them a value")
    return image


def read_mask(path: Path, image: Image) -> IntArray:
    """The values in the mask ``path`` as stored, [k, j, i] uint8 or uint16 on the grid of ``image``.

    Of a palette in colours the index is the value, of any other picture the grey level: black and white ones have 0 and 255.

    Raises:
        InputError: It is missing, damaged, in colours, on another grid, or holds fractions or values beyond 65535.
    """
    if not _is_file(path):
        raise InputError(f"{path}: no such mask; draw it, or take its image out of the list")
    if kind_of(path) != "picture":
        header = about(path)
        size = (header.get("slices", 0), header.get("height", 0), header.get("width", 0))
        if sorted(size) != sorted(image.shape):
            raise InputError(_size_message(path, size, image.shape))
        try:
            return read_labels(path, image).array
        except RefusedError as problem:
            raise InputError(str(problem)) from problem
    array = _grey(path)
    if array.shape != image.shape:
        raise InputError(_size_message(path, array.shape, image.shape))
    return array


def _is_file(path: Path) -> bool:
    with reading(path):  # a name may be too long for the system
        return path.is_file()


def _grey(path: Path) -> IntArray:
    with opened(path, picture_bytes(path)) as picture:
        indices = np.asarray(picture)[None] if picture.mode == "P" and _is_coloured(picture.getpalette("RGB")) else None
    array = read_picture(path).array if indices is None else indices
    if array.ndim != 3:
        raise InputError(f"{path}: a mask in colours; save it in grey or with a palette, one value a structure")
    return array


def _is_coloured(palette: list[int] | None) -> bool:
    colours = np.asarray(palette or [], np.uint8).reshape(-1, 3)
    return bool((colours != colours[:, :1]).any())


def mapped(path: Path, mask: IntArray, values: Mapping[int, int]) -> IntArray:
    """``mask`` with each pixel value turned into its label value, uint8.

    Raises:
        InputError: It holds a value that ``values`` has not; ``path`` names it.
    """
    table = np.full(MAX_MASK_VALUE + 1, OUTSIDE, np.int16)
    table[0] = 0
    table[list(values)] = list(values.values())
    labels = table[mask]
    if labels.min() == OUTSIDE:
        raise InputError(outside_message(path, int(mask[labels == OUTSIDE][0]), values))
    return np.asarray(labels.astype(np.uint8))


def outside_message(path: Path, value: int, values: Mapping[int, int]) -> str:
    """What is said of a mask that holds ``value``."""
    return f"{path}: the mask holds the value {value}; expected 0 and {', '.join(map(str, sorted(values)))}; correct it, or name the value in dataset.json"


def _size_message(path: Path, mask: tuple[int, ...], image: tuple[int, ...]) -> str:
    return f"{path}: a mask of {_by(mask)} for an image of {_by(image)} (slices x rows x columns); both must have one size"


def _by(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape[1:] if shape[0] == 1 else shape))
