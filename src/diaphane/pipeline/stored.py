"""Images and clips in the case folder: written as files with a record, read back from both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from diaphane.core.case_folder import IMAGES
from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.core.video import Video
from diaphane.ops.nifti import read_nifti, write_nifti
from diaphane.ops.picture import read_png, write_png

Record = dict[str, Any]


def write_image(image: Image, to: Path) -> Record:
    """``images/NAME.png`` (a picture) or ``.nii.gz`` (a volume) below ``to``, and the record that ``read_image`` needs."""
    suffix = ".png" if image.is_picture else ".nii.gz"
    path = to / IMAGES / f"{image.name}{suffix}"
    if image.is_picture:
        write_png(path, image.array[0])
    else:
        write_nifti(path, image.array, image.geometry)
    geometry = image.geometry
    return {
        "name": image.name, "suffix": suffix, "source_sha256": image.source_sha256, "shape": image.array.shape,
        "affine": geometry.affine.ravel().tolist(), "calibrated": geometry.calibrated, "frame_of_reference_uid": geometry.frame_of_reference_uid,
    }  # fmt: skip


def read_image(folder: Path, record: Record) -> Image:
    """What ``write_image`` wrote; the affine is the record's, for NIfTI's has single precision."""
    path = folder / IMAGES / f"{record['name']}{record['suffix']}"
    array = read_png(path)[None] if record["suffix"] == ".png" else read_nifti(path)[0]
    geometry = Geometry(np.reshape(record["affine"], (4, 4)), record["calibrated"], record["frame_of_reference_uid"])
    return Image(array, geometry, record["name"], record["source_sha256"])


def video_record(video: Video) -> Record:
    """All of it but its path, which may name a person."""
    return {name: value for name, value in asdict(video).items() if name != "path"}


def read_video(record: Record, path: Path) -> Video:
    """The clip of a record, decoded from ``path`` when its frames are asked for."""
    return Video(**record | {"path": path, "size_px": tuple(record["size_px"])})


def size_in_words(shape: Sequence[int]) -> str:
    """Of an image's array: ``512 x 384 px, colour``, or ``256 x 256 px, 108 slices``."""
    plane = f"{shape[2]} x {shape[1]} px"
    return f"{plane}, {shape[0]} slices" if shape[0] > 1 else f"{plane}, {'colour' if len(shape) == 4 else 'grey'}"
