"""Pixels of a DICOM instance, decompressed; nothing is decoded before its size was checked."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from pydicom.dataset import FileDataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut
from pydicom.pixels.utils import iter_pixels
from pydicom.uid import UID

from diaphane.acquire.dicom_header import Header, syntax_name
from diaphane.acquire.dicom_source import Entry, opened_whole, understood
from diaphane.acquire.quiet import quiet
from diaphane.core.arrays import Array
from diaphane.errors import InputError

PIXEL_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
NATIVE = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99")
ORDER = {"1.2.840.10008.1.2": ("<", 8), "1.2.840.10008.1.2.1": ("<", 12), "1.2.840.10008.1.2.2": (">", 12)}
"""Byte order, and how long tag, type and length of the pixels' element are."""
JPEG_LOSSLESS = ("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70")
JPEG_EXTENDED = "1.2.840.10008.1.2.4.51"


def pixels(entry: Entry) -> Array:
    """The stored values, one frame (row, column[, 3]) or several (frame, row, column[, 3]); colour as RGB.

    Raises:
        InputError: No pixels, damaged or truncated ones, or a transfer syntax that nothing here decodes.
    """
    check_decoder(entry)
    with understood(_damaged(entry)):
        plain = _plain(entry)
        if plain is not None:
            return plain
        data = opened_whole(entry)
        _check_pixels(entry, data)
        _check_length(entry, data)
        array = data.pixel_array if entry.header.samples == 1 else _colour(data, entry.header)
        if entry.header.photometric == "PALETTE COLOR":
            return apply_color_lut(array, data)
        return np.asarray(apply_modality_lut(array, data)) if entry.header.has_lut else array


def _plain(entry: Entry) -> Array | None:
    """One frame of uncompressed grey, straight from the file, which is most of all scans; None for anything else, and where a byte is missing."""
    header = entry.header
    is_grey = header.samples == header.frames == 1 and header.photometric.startswith("MONOCHROME") and not header.has_lut
    if header.transfer_syntax not in ORDER or not is_grey or header.bits_allocated != 16:
        return None
    order, element = ORDER[header.transfer_syntax]
    kind = np.dtype(f"{order}{'i' if header.is_signed else 'u'}2")
    size = header.rows * header.columns * kind.itemsize
    with entry.open() as file:
        file.seek(entry.pixels_at)
        begin = file.read(element)
        stated = int.from_bytes(begin[-4:], "little" if order == "<" else "big")
        if begin[:4] != np.array([0x7FE0, 0x0010], f"{order}u2").tobytes() or stated < size:
            return None
        data = file.read(size)
    return np.frombuffer(data, kind).reshape(header.rows, header.columns) if len(data) == size else None


def _colour(data: FileDataset, header: Header) -> Array:
    """The frames of a colour data set."""
    frames = list(iter_pixels(data))
    return np.stack(frames) if header.frames > 1 else frames[0]


def pixel_frames(entry: Entry) -> Iterator[Array]:
    """The frames of an instance, decoded one at a time: (row, column[, 3]); a stream that breaks off just ends.

    Raises:
        InputError: No frame can be decoded.
    """
    check_decoder(entry)
    count = 0
    with understood(_damaged(entry)):
        data = opened_whole(entry)
        _check_pixels(entry, data)
        frames = iter_pixels(data)
    while True:
        try:
            with understood(_damaged(entry)):
                frame = next(frames)
                shown = apply_color_lut(frame, data) if entry.header.photometric == "PALETTE COLOR" else frame
        except InputError as problem:
            if count == 0 and not isinstance(problem.__cause__, StopIteration):
                raise
            return
        count += 1
        yield shown


def check_decoder(entry: Entry) -> None:
    """Refuse a transfer syntax that nothing here decodes.

    Raises:
        InputError: It names the syntax and what to do.
    """
    syntax = entry.header.transfer_syntax
    if syntax in NATIVE:
        return
    try:
        with quiet():
            available = get_decoder(UID(syntax)).is_available
    except NotImplementedError:
        available = False
    if not available or (syntax == JPEG_EXTENDED and entry.header.bits_stored > 8):
        install = "install one (pip install python-gdcm), or " if syntax in JPEG_LOSSLESS else ""
        raise InputError(
            f"{entry.named}: the pixels are compressed as {syntax_name(syntax)}, for which there is no decoder here; "
            f"{install}have the archive send the images uncompressed or as JPEG 2000"
        )


def _check_pixels(entry: Entry, data: FileDataset) -> None:
    if not any(keyword in data for keyword in PIXEL_KEYWORDS):
        raise InputError(f"{entry.named}: a DICOM {entry.header.modality or 'object'} without pixels; export it with them")


def _check_length(entry: Entry, data: FileDataset) -> None:
    """Uncompressed pixels must be as many as the header says: checked before anything is allocated."""
    header = entry.header
    if header.transfer_syntax not in NATIVE or "PixelData" not in data:
        return
    bits = int(data.get("BitsAllocated") or 0)
    samples = 2 if header.photometric == "YBR_FULL_422" else header.samples
    expected = math.ceil(header.rows * header.columns * header.frames * samples * bits / 8)
    if len(data.PixelData) < expected:
        raise InputError(f"{entry.named}: truncated: {len(data.PixelData)} of {expected} bytes of pixels are there; copy or export it anew")


def _damaged(entry: Entry) -> str:
    how = "" if entry.header.transfer_syntax in NATIVE else f", compressed as {syntax_name(entry.header.transfer_syntax)},"
    return f"{entry.named}: the pixels{how} cannot be decoded: damaged, truncated or at odds with the header; copy or export it anew"
