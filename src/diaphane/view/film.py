"""Frames become a clip or, where there is one, a picture; whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import cv2

from diaphane.core.arrays import Array
from diaphane.core.storage import PARTIAL, storage
from diaphane.errors import StorageError, UsageError
from diaphane.ops.picture import write_png

RATE_HZ = 25.0
"""Of a clip that does not say its own."""
LEAST_HZ = 0.01
"""Rates have two digits after the point: MPEG-4 takes no finer ones."""


class Film(Protocol):
    """Takes frames."""

    def __call__(self, frame: Array, until: int | None = None, /) -> None:
        """The next frame (row, column, 3) RGB uint8; another size is fitted into that of the first.

        With ``until`` it is shown until the film is so many frames long: not at all, or for a while.
        """


@contextmanager
def film(path: Path, rate_hz: float | None, *, photo: bool = False) -> Iterator[Film]:
    """What is written to ``path``: an MP4 (MPEG-4), or with ``photo`` a PNG. It appears when the block ends well.

    Raises:
        UsageError: The name does not end in .mp4, or .png for a photo.
        StorageError: It cannot be written.
    """
    wanted = ".png" if photo else ".mp4"
    if path.suffix.lower() != wanted:
        raise UsageError(f"{path}: a {'photo' if photo else 'clip'} is drawn into a file that ends in {wanted}")
    if photo:
        yield lambda frame, until=None: write_png(path, frame)
        return
    aside = path.with_name(f"{path.stem}{PARTIAL}{path.suffix}")
    writer = _Writer(aside, max(LEAST_HZ, round(rate_hz or RATE_HZ, 2)))
    try:
        with storage(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        yield writer
        writer.close()
        if not writer.is_whole():
            raise StorageError(f"{path}: the clip could not be written whole; is there room on the disk?")
        with storage(path):
            aside.replace(path)
    finally:
        writer.close()
        aside.unlink(missing_ok=True)


class _Writer:
    """Opened with the first frame, whose size it takes."""

    def __init__(self, path: Path, rate_hz: float) -> None:
        self._path, self._rate_hz = path, rate_hz
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self._written = 0

    def __call__(self, frame: Array, until: int | None = None, /) -> None:
        if self._writer is None:
            self._size = (frame.shape[1] // 2 * 2, frame.shape[0] // 2 * 2)  # the codec wants even sides
            self._writer = cv2.VideoWriter(str(self._path), cv2.VideoWriter.fourcc(*"mp4v"), self._rate_hz, self._size)
            if not self._writer.isOpened():
                raise StorageError(f"{self._path.name}: cannot be written: no such folder, no right to write there, no room, or frames too large for MPEG-4")
        if (frame.shape[1], frame.shape[0]) != self._size:
            frame = cv2.resize(frame, self._size, interpolation=cv2.INTER_AREA)
        for _ in range(1 if until is None else until - self._written):
            self._writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
            self._written += 1

    def is_whole(self) -> bool:
        """Whether the closed file holds what was written: the encoder says nothing of a disk that is full."""
        if not self._written:
            return True
        capture = cv2.VideoCapture(str(self._path))
        try:
            return capture.isOpened() and round(capture.get(cv2.CAP_PROP_FRAME_COUNT)) == self._written
        finally:
            capture.release()

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.release()
            self._writer = None
