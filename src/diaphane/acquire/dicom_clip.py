"""DICOM images whose frames follow each other in time: ultrasound, endoscopy, angiography, and encapsulated films."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
from pydicom.encaps import generate_fragments, parse_basic_offsets

from diaphane.acquire.dicom_header import VIDEO_SYNTAXES
from diaphane.acquire.dicom_pixels import check_decoder, pixel_frames
from diaphane.acquire.dicom_source import Entry, opened_whole, understood
from diaphane.acquire.film import check_clip, film_frames, film_of
from diaphane.acquire.options import Options
from diaphane.core.arrays import Array
from diaphane.core.video import Video
from diaphane.errors import InputError

DEFAULT_RATE_HZ = 25.0
"""Where frames in colour state no rate: used for their times only."""
BITS_SHOWN = 8


def clip_of(entry: Entry, name: str, source_sha256: str, options: Options) -> Video:
    """What the clip in ``entry`` is; its frames are decoded by ``clip_frames``.

    Raises:
        InputError: Too large or too long, without decoder, or a film that cannot be opened.
    """
    header = entry.header
    if header.transfer_syntax in VIDEO_SYNTAXES:
        with _film(entry) as path:
            film = film_of(path, options, entry.named)
        return Video(path=entry.path, name=name, source_sha256=source_sha256, size_px=film.size_px, frame_count=film.frame_count, rate_hz=film.rate_hz)
    check_decoder(entry)
    size = (header.columns, header.rows)
    check_clip(entry.named, size, header.frames, options)
    return Video(
        path=entry.path, name=name, source_sha256=source_sha256, size_px=size, frame_count=header.frames, rate_hz=header.rate_hz or DEFAULT_RATE_HZ
    )  # fmt: skip


def clip_frames(entry: Entry, options: Options) -> Iterator[tuple[float, Array]]:
    """(seconds, RGB uint8) of each frame.

    Raises:
        InputError: No frame can be decoded.
    """
    header = entry.header
    if header.transfer_syntax in VIDEO_SYNTAXES:
        with _film(entry) as path:
            yield from film_frames(path, options, entry.named)
        return
    rate = header.rate_hz or DEFAULT_RATE_HZ
    bits = 16 if header.photometric == "PALETTE COLOR" else header.bits_stored
    for number, frame in enumerate(pixel_frames(entry)):
        yield number / rate, _shown(frame, bits)


def _shown(frame: Array, bits: int) -> Array:
    if frame.dtype.itemsize > 1:
        frame = np.clip(frame, 0, 2**bits - 1) >> max(0, bits - BITS_SHOWN)
    frame = frame.astype(np.uint8)
    return np.repeat(frame[..., None], 3, axis=2) if frame.ndim == 2 else frame


@contextmanager
def _film(entry: Entry) -> Iterator[Path]:
    """The film inside ``entry`` as a temporary file."""
    with understood(f"{entry.named}: the film inside is damaged or truncated; export it anew"):
        data = opened_whole(entry)
        if "PixelData" not in data:
            raise InputError(f"{entry.named}: a DICOM film without pixels; export it with them")
        buffer = BytesIO(data.PixelData)
        parse_basic_offsets(buffer)
        stream = b"".join(generate_fragments(buffer))
    with tempfile.TemporaryDirectory(prefix="diaphane-") as folder:
        path = Path(folder, "film")
        path.write_bytes(stream)
        yield path
