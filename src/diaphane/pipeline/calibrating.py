"""A camera from files that show a checkerboard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from diaphane.core.arrays import Array
from diaphane.core.video import Video
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
    return calibrate((frame for file in files for frame in _spread(clip_of(file))), board)


def _spread(clip: Video) -> Iterator[Array]:
    """Frames as far apart as the clip says that it is long; where it says too much, one a second; where it is longer than it says, ever further apart."""
    every, after = max(1, min(clip.frame_count // LOOKS, round(clip.rate_hz or 1))), LOOKS
    looks = following = 0
    for n, (_, frame) in enumerate(frames_of(clip)):
        if n < following:
            continue
        looks += 1
        if looks > after:
            every, after = 2 * every, after + LOOKS
        following = n + every
        yield frame
