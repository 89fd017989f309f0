"""A camera from files that show a checkerboard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from diaphane.core.arrays import Array
from diaphane.pipeline.tracking import clip_of, frames_of
from diaphane.track.calibration import Board, Calibration, calibrate

LOOKS = 150
"""Of a clip, so many frames spread over it are searched for the board."""


def camera_from(files: Sequence[Path], board: Board) -> Calibration:
    """The camera that took the clips and pictures in ``files``.

    Raises:
        InputError: They cannot be read, or do not tell it.
        RefusedError: One is no clip or picture.
    """
    return calibrate(_frames(files), board)


def _frames(files: Sequence[Path]) -> Iterator[Array]:
    for file in files:
        clip = clip_of(file)
        every = max(1, clip.frame_count // LOOKS)
        yield from (frame for n, (_, frame) in enumerate(frames_of(clip)) if n % every == 0)
