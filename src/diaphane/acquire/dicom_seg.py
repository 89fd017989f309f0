"""A DICOM Segmentation as labels: each frame is placed on the image by its position.

Source: DICOM PS3.3 A.51 and C.8.20 (Segmentation), C.7.6.16 (functional groups).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import FileDataset

from diaphane.acquire.dicom_header import Plane, header_from
from diaphane.acquire.dicom_pixels import check_decoder
from diaphane.acquire.dicom_source import Entry, entries_of, opened_whole, understood
from diaphane.acquire.grid import TOLERANCE
from diaphane.acquire.voxels import check_size
from diaphane.core.arrays import Array, IntArray
from diaphane.core.image import Image
from diaphane.errors import InputError, RefusedError

MAX_FRAMES = 100_000
LABELMAP = "1.2.840.10008.5.1.4.1.1.66.7"


def read_segmentation(path: Path, image: Image) -> tuple[IntArray, dict[int, str]]:
    """The label map on the grid of ``image``, and the names of its values: SegmentNumber and SegmentLabel.

    Raises:
        InputError: No or several segmentations, damaged ones, or fractions, which need a threshold.
        RefusedError: Frames off the image's grid or without position, or segments that overlap.
    """
    found = [entry for entry in entries_of(path) if entry.header.is_segmentation]
    if len(found) != 1:
        raise InputError(f"{path}: holds {len(found)} DICOM Segmentations, expected one; give its file")
    (entry,) = found
    header = entry.header
    check_size(path, (header.frames, header.rows, header.columns), MAX_FRAMES * image.shape[1] * image.shape[2])
    check_decoder(entry)
    with understood(f"{path}: the DICOM Segmentation is damaged or truncated; export it anew"):
        data = opened_whole(entry)
        names = {int(s.SegmentNumber): str(s.get("SegmentLabel", "")) for s in data.get("SegmentSequence", [])}
        frames = _binary(path, data, np.atleast_3d(data.pixel_array) if header.frames > 1 else data.pixel_array[None])
        numbers = _segment_numbers(data, header.frames, entry)
        planes = header_from(data).planes
    return _placed(path, frames, numbers, planes, image), names


def _binary(path: Path, data: FileDataset, frames: Array) -> Array:
    """Frames of segment numbers, or of 0 and 1."""
    if str(data.get("SegmentationType", "")) != "FRACTIONAL":
        return frames
    full = int(data.get("MaximumFractionalValue", 255))
    if not set(np.unique(frames).tolist()) <= {0, full}:
        raise InputError(f"{path}: a fractional segmentation needs a threshold first; export it as binary")
    return frames // full


def _segment_numbers(data: FileDataset, frames: int, entry: Entry) -> list[int]:
    """The segment that each frame shows; 0 where the frame itself holds the numbers."""
    if entry.header.sop_class_uid == LABELMAP or str(data.get("SegmentationType", "")) == "LABELMAP":
        return [0] * frames
    shared = data.get("SharedFunctionalGroupsSequence", [])
    own = list(data.get("PerFrameFunctionalGroupsSequence", [])) or [None] * frames
    holders = [[h for h in (group, *shared) if h is not None and "SegmentIdentificationSequence" in h] for group in own]
    return [int(found[0].SegmentIdentificationSequence[0].ReferencedSegmentNumber) for found in holders]


def _placed(path: Path, frames: Array, numbers: list[int], planes: tuple[Plane, ...], image: Image) -> IntArray:
    if len(planes) != len(frames) or len(numbers) != len(frames) or not all(plane.is_placed for plane in planes):
        raise RefusedError(f"{path}: frames of the segmentation do not say where they lie; export it with positions")
    labels = np.zeros(image.shape, np.uint16)
    overlap = 0
    for frame, number, plane in zip(frames, numbers, planes, strict=True):
        where = np.argwhere(frame)
        if not len(where):
            continue
        index = _index(path, plane, where, image)
        values = frame[where[:, 0], where[:, 1]] if number == 0 else number
        there = labels[index]
        overlap += int(np.count_nonzero((there != 0) & (there != values)))
        labels[index] = values
    if overlap:
        raise RefusedError(f"{path}: its segments overlap in {overlap} voxels, and a voxel can belong to one structure only; export them apart")
    return labels.astype(np.uint8) if labels.max(initial=0) < 256 else labels


def _index(path: Path, plane: Plane, where: Array, image: Image) -> tuple[Array, ...]:
    """The image's voxels of a frame's pixels (row, column)."""
    along_row, along_column = np.asarray(plane.orientation, float).reshape(2, 3)
    between_rows, between_columns = plane.spacing or (1.0, 1.0)
    world = np.asarray(plane.position) + where[:, :1] * between_rows * along_column + where[:, 1:] * between_columns * along_row
    exact = image.geometry.to_index(world)
    index = np.round(exact).astype(int)
    off = np.abs(exact - index).max()
    if off > TOLERANCE or (index < 0).any() or (index >= np.array(image.shape)).any():
        how = f"its pixels lie {off:.2g} of a voxel from the image's" if off > TOLERANCE else "it reaches beyond the image"
        raise RefusedError(f"{path}: the segmentation is not on the grid of the image: {how}; give the image that it was made on")
    return tuple(index.T)
