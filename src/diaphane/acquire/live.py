"""Frames of a camera while they happen: of what came while the last frame was worked on only the newest is given."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Condition, Event, Thread
from types import TracebackType
from typing import Protocol

import cv2
import numpy as np

from diaphane.core.arrays import Array
from diaphane.core.video import Video
from diaphane.errors import InputError

NAMED = re.compile(r"camera:(\d{1,4})")
OPENING_S, SILENT_S = 10.0, 3.0
"""A camera may take so long to its first frame; and later none may be missing for longer, or it is gone."""
PAUSE_S = 0.01
"""Between two looks at a source that had no frame."""
RATE_HZ = 25.0
"""Of a camera that does not say its own; only what is drawn depends on it."""


class FrameSource(Protocol):
    """What gives frames as they happen."""

    @property
    def rate_hz(self) -> float:
        """Frames a second, as it says."""

    def read(self) -> Array | None:
        """Wait for the next frame (row, column, 3) RGB uint8; None: none came this time."""

    def close(self) -> None:
        """Let go of the device."""


class Device:
    """A camera of this machine, by its number.

    Raises:
        InputError: There is none of that number, or another program has it.
    """

    def __init__(self, number: int) -> None:
        level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        try:
            self._capture = cv2.VideoCapture(number)
        finally:
            cv2.utils.logging.setLogLevel(level)
        if not self._capture.isOpened():
            raise InputError(f"camera:{number}: cannot be opened: no camera of this number, no right to use it, or another program has it")

    @property
    def rate_hz(self) -> float:
        """As ``FrameSource`` says."""
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        return rate if np.isfinite(rate) and 0 < rate <= 1000 else RATE_HZ

    def read(self) -> Array | None:
        """As ``FrameSource`` says."""
        try:
            there, frame = self._capture.read()
        except cv2.error:  # a torn frame
            return None
        return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)) if there else None

    def close(self) -> None:
        """As ``FrameSource`` says."""
        self._capture.release()


class Live:
    """The frames of ``source`` as they happen, held by a thread that keeps the newest one and no other. A context manager.

    Raises:
        InputError: No frame came in the time that a camera may take to start.
    """

    def __init__(self, name: str, source: FrameSource, *, silent_s: float = SILENT_S, opening_s: float = OPENING_S) -> None:
        self.name, self.dropped, self.is_gone = name, 0, False
        self._source, self._silent_s = source, silent_s
        self._changed, self._stop = Condition(), Event()
        self._newest: tuple[float, Array] | None = None
        self._thread = Thread(target=self._watch, name=name, daemon=True)
        self._thread.start()
        with self._changed:
            there = self._changed.wait_for(lambda: self._newest is not None, opening_s)
            size = (0, 0) if self._newest is None else (self._newest[1].shape[1], self._newest[1].shape[0])
        if not there:
            self.close()
            raise InputError(f"{name}: gave no frame within {opening_s:.0f} seconds; is it plugged in, uncovered and free?")
        self.clip = Video(path=Path(name), name=name.replace(":", "_"), source_sha256="", size_px=size, frame_count=0, rate_hz=source.rate_hz)

    def __enter__(self) -> Live:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def frames(self) -> Iterator[tuple[float, Array]]:
        """(seconds since the first frame given, frame): the newest at the moment of asking, each once; ends when told to stop or the camera is gone."""
        begun: float | None = None
        while (taken := self._take()) is not None:
            begun = taken[0] if begun is None else begun
            yield taken[0] - begun, taken[1]

    def stop(self) -> None:
        """The frame that was given was the last one."""
        self._stop.set()

    def close(self) -> None:
        """Let go of the camera; a read that hangs is left to its thread."""
        self._stop.set()
        self._thread.join(self._silent_s)

    def _take(self) -> tuple[float, Array] | None:
        deadline = time.monotonic() + self._silent_s
        with self._changed:
            while self._newest is None and not self._stop.is_set() and time.monotonic() < deadline:
                self._changed.wait(PAUSE_S)
            taken, self._newest = self._newest, None
        if self._stop.is_set():
            return None
        self.is_gone = taken is None
        return taken

    def _watch(self) -> None:
        try:
            while not self._stop.is_set():
                frame = self._source.read()
                if frame is None:
                    self._stop.wait(PAUSE_S)
                    continue
                with self._changed:
                    self.dropped += self._newest is not None
                    self._newest = (time.monotonic(), frame)
                    self._changed.notify_all()
        finally:
            self._source.close()


def camera_number(name: str) -> int | None:
    """3 of ``camera:3``; None for what names no camera."""
    found = NAMED.fullmatch(name)
    return int(found[1]) if found else None


def open_camera(number: int, device: Callable[[int], FrameSource] = Device) -> Live:
    """The camera of that number, running.

    Raises:
        InputError: It cannot be opened, or gives no frame.
    """
    return Live(f"camera:{number}", device(number))
