"""Structures that someone segmented elsewhere: NIfTI, NRRD, DICOM Segmentation, or PNG for a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from diaphane.acquire.dicom_seg import read_segmentation
from diaphane.acquire.grid import onto_grid
from diaphane.acquire.kind import kind_of
from diaphane.acquire.label_names import names_beside, table_of
from diaphane.acquire.nrrd import read_nrrd
from diaphane.acquire.picture import read_mask
from diaphane.core.arrays import Array, IntArray
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.errors import InputError, RefusedError

MAX_VALUE = 65535


def read_labels(path: Path, image: Image) -> Labels:
    """The labels in ``path`` on the grid of ``image``, with the names that the file or a list beside it gives.

    Raises:
        InputError: The file is missing, damaged, no label map, or holds values that are no whole numbers from 0 to 65535.
        RefusedError: It lies on another grid, or says not where it lies, or its segments overlap.
    """
    kind = "dicom" if path.is_dir() else kind_of(path)
    if kind in ("dicom", "zip"):
        array, names = read_segmentation(path, image)
        return _labels(array, names)
    if kind == "picture":
        return _labels(_mask(path, image), names_beside(path))
    if kind not in ("nifti", "nrrd"):
        raise InputError(f"{path}: a clip, expected labels: NIfTI, NRRD, DICOM Segmentation, or PNG for a picture")
    from diaphane.acquire.nifti import read_nifti

    limit = int(np.prod(image.shape))
    volume = (read_nifti if kind == "nifti" else read_nrrd)(path, max(limit, MAX_VALUE) * 8)
    if volume.array is None or volume.affine is None:
        raise RefusedError(f"{path}: the labels cannot be placed: {'; '.join(reason for say, reason in volume.notes if say == 'refused')}")
    array = onto_grid(path, volume.array, volume.affine, image)
    return _labels(_whole(path, array), {**names_beside(path), **volume.names})


def _labels(array: IntArray, names: Mapping[int, str]) -> Labels:
    seen = np.zeros(MAX_VALUE + 1, bool)
    for plane in array:  # a slice at a time: an index array takes eight bytes a voxel
        seen[plane] = True
    return Labels(array, table_of(np.flatnonzero(seen[1:]) + 1, names), source="given")


def _mask(path: Path, image: Image) -> IntArray:
    array = read_mask(path).array
    if array.shape != image.shape:
        raise RefusedError(f"{path}: a mask of {array.shape[1:]} pixels for an image of {image.shape}; a PNG mask belongs to a picture of its own size")
    return array


def _whole(path: Path, array: Array) -> IntArray:
    if array.dtype.kind == "f" and not (np.isfinite(array).all() and np.array_equal(array, np.round(array))):
        raise InputError(f"{path}: labels must be whole numbers, found fractions; a probability map needs a threshold first")
    lowest, highest = array.min(), array.max()
    if lowest < 0 or highest > MAX_VALUE:
        raise InputError(f"{path}: labels must lie between 0 and {MAX_VALUE}, found {lowest:g} to {highest:g}")
    return np.ascontiguousarray(array.astype(np.uint8 if highest < 256 else np.uint16))
