"""``camera:N`` where a command takes a clip: its frames until ``--seconds`` are over, Ctrl-C, or the camera is gone; and what is told of them, line by line."""

from __future__ import annotations

import argparse
import logging
import math
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from diaphane.errors import UsageError

if TYPE_CHECKING:
    from diaphane.acquire import Live
    from diaphane.core.arrays import Array

log = logging.getLogger(__name__)


def add_seconds(parser: argparse.ArgumentParser) -> None:
    """The flag ``--seconds``."""
    parser.add_argument("--seconds", type=float, metavar="S", help="of a camera, how long to watch (default: until Ctrl-C)")


def camera_asked(inputs: list[Path], seconds: float | None) -> int | None:
    """The number of the camera that is the only input, or None.

    Raises:
        UsageError: A camera beside other inputs; ``--seconds`` without a camera, or not positive.
    """
    from diaphane import acquire

    number = next((n for n in (acquire.camera_number(str(one)) for one in inputs) if n is not None), None)
    if number is not None and len(inputs) > 1:
        raise UsageError(f"camera:{number} is taken alone, got {len(inputs)} inputs")
    if seconds is not None and (number is None or not 0 < seconds < math.inf):
        raise UsageError("--seconds says how long a camera is watched, more than 0: give it with camera:N")
    return number


@contextmanager
def watched(number: int, seconds: float | None) -> Iterator[tuple[Live, Iterator[tuple[float, Array]]]]:
    """The camera of that number and its frames, (seconds since the first, RGB)."""
    from diaphane import acquire

    with acquire.open_camera(number) as live, _ended_by_hand(live):
        log.info("%s: %d x %d px; Ctrl-C ends", live.name, *live.clip.size_px)
        yield live, takewhile(lambda taken: seconds is None or taken[0] < seconds, live.frames())
    log.info("%s: %d frame%s left out to keep up", live.name, live.dropped, "" if live.dropped == 1 else "s")


@contextmanager
def lines(path: Path) -> Iterator[TextIO]:
    """A text file that appears when the block ends well."""
    from diaphane.core.storage import PARTIAL, storage

    aside = path.with_name(path.name + PARTIAL)
    try:
        with storage(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with aside.open("w", encoding="utf-8") as out:
                yield out
            aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def code_of(live: Live) -> int:
    """1 where the camera went away, and says so."""
    if live.is_gone:
        log.error("%s: gives no frames any more: unplugged, or taken by another program; what was seen until then is kept", live.name)
    return 1 if live.is_gone else 0


@contextmanager
def _ended_by_hand(live: Live) -> Iterator[None]:
    """Ctrl-C ends the clip, not the program; a second one does."""

    def end(_signal: int, _frame: object) -> None:
        live.stop()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
