"""Video files through OpenCV: upright by the file's rotation, decoded frame by frame."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from diaphane.acquire.options import Options
from diaphane.core.arrays import Array
from diaphane.errors import InputError

os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # OpenCV reads it once: FFmpeg prints nothing, our messages say it
SUFFIXES = (".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm")
BROKEN = 25
"""So many frames in a row may be broken before a clip counts as ended."""
RAW_PACKETS = [cv2.CAP_PROP_FORMAT, -1]
INDEXED = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"AVI ")
"""Containers whose header counts the frames; of others the packets are counted."""


@dataclass(frozen=True, slots=True)
class Film:
    """What a video file says of itself."""

    size_px: tuple[int, int]
    frame_count: int
    rate_hz: float | None


def film_of(path: Path, options: Options, named: str = "") -> Film:
    """What the file ``path`` says, its first whole frame decoded; messages call it ``named``.

    The count is the one in the index of MP4, MOV and AVI; other containers have none, and their packets are counted.

    Raises:
        InputError: It cannot be opened, holds no frame that can be decoded, or is too large or too long.
    """
    capture = _opened(path, named or path)
    try:
        rate = capture.get(cv2.CAP_PROP_FPS)
        _check_claims(named or path, capture, options)
        frame = next(_decoded(capture), None)
    finally:
        capture.release()
    if frame is None:
        raise InputError(
            f"{named or path}: no frame of the clip can be decoded: damaged, truncated, or a codec that OpenCV does not know; convert it to MP4 (H.264)"
        )
    return Film((frame.shape[1], frame.shape[0]), max(1, frame_count(path)), rate if math.isfinite(rate) and 0 < rate <= 1000 else None)


def film_header(path: Path) -> Film:
    """What the header of ``path`` says; no frame is decoded.

    Raises:
        InputError: It cannot be opened.
    """
    capture = _opened(path, path)
    try:
        rate = capture.get(cv2.CAP_PROP_FPS)
        size = (int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)))
    finally:
        capture.release()
    return Film(size, frame_count(path), rate if math.isfinite(rate) and 0 < rate <= 1000 else None)


def film_frames(path: Path, options: Options, named: str = "") -> Iterator[tuple[float, Array]]:
    """(seconds, RGB uint8, upright) of each frame; one that cannot be decoded is left out, a clip that breaks off just ends.

    Raises:
        InputError: No frame can be decoded, or there are more than ``max_frames``.
    """
    capture = _opened(path, named or path)
    rate = capture.get(cv2.CAP_PROP_FPS)
    count, before = 0, -1.0
    try:
        for frame in _decoded(capture):
            if count >= options.max_frames:
                raise InputError(f"{named or path}: more frames than acquire.max_frames = {options.max_frames}; cut the clip")
            stated = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            seconds = stated if stated > before else before + (1 / rate if rate > 0 else 0.04) if count else 0.0
            yield max(seconds, 0.0), cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            count, before = count + 1, seconds
    finally:
        capture.release()
    if count == 0:
        raise InputError(
            f"{named or path}: no frame of the clip can be decoded: damaged, truncated, or a codec that OpenCV does not know; convert it to MP4 (H.264)"
        )


def _decoded(capture: cv2.VideoCapture) -> Iterator[Array]:
    """BGR; until ``BROKEN`` in a row could not be decoded: at the end of the file, too, that is how it says so."""
    missing = 0
    while missing < BROKEN:
        there, frame = capture.read()
        missing = 0 if there else missing + 1
        if there:
            yield np.asarray(frame)


def frame_count(path: Path) -> int:
    """How many frames the file holds or claims; see ``film_of``."""
    with path.open("rb") as file:
        head = file.read(16)
    capture = _opened(path, path)
    claimed = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    capture.release()
    if (head[4:8] in INDEXED or head[8:12] in INDEXED) and 0 < claimed < 2**31:
        return int(claimed)
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, RAW_PACKETS)
    count = 0
    while capture.grab():
        count += 1
    capture.release()
    return count


def check_clip(path: object, size_px: tuple[int, int], frames: int, options: Options) -> None:
    """Refuse frames too large or too many before any is decoded.

    Raises:
        InputError: They are.
    """
    width, height = size_px
    if width * height > options.max_pixels:
        raise InputError(f"{path}: frames of {width}x{height} pixels are more than acquire.max_pixels = {options.max_pixels}")
    if frames > options.max_frames:
        raise InputError(f"{path}: {frames} frames are more than acquire.max_frames = {options.max_frames}; cut the clip")


def _check_claims(path: object, capture: cv2.VideoCapture, options: Options) -> None:
    size = (int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)))
    claimed = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    check_clip(path, size, int(np.clip(claimed, 0, 2**31)) if math.isfinite(claimed) else 0, options)


def _opened(path: Path, named: object) -> cv2.VideoCapture:
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    finally:
        cv2.utils.logging.setLogLevel(level)
    if not capture.isOpened():
        raise InputError(f"{named}: the clip cannot be opened: damaged, truncated, or a format that OpenCV does not know; convert it to MP4 (H.264)")
    return capture
