"""The focal length, centre and distortion of a camera, from a clip or pictures of a checkerboard.

Print a checkerboard, glue it on something flat, and film it with the camera at the resolution, zoom and focus that you will use: the whole
board near and far, in all corners of the frame, tilted by 30 degrees to the left, right, up and down. --board counts inner
corners, where four squares meet: one less than the squares each way. Takes a few minutes for a long clip of large frames. camera:0 is
the first camera of this machine: move the board before it until --seconds are over, or Ctrl-C.

  diaphane calibrate board.mp4 --board 9x6 --square-mm 25 --out camera.toml
  diaphane calibrate camera:0 --seconds 60 --board 9x6 --out camera.toml
  diaphane track clip.mp4 --tracker convnet --camera camera.toml --out tracks.jsonl
"""

from __future__ import annotations

import argparse
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING

from diaphane.cli.live import add_seconds, camera_asked, watched
from diaphane.errors import UsageError

if TYPE_CHECKING:
    from diaphane.track.calibration import Board, Calibration

log = logging.getLogger(__name__)
INTERRUPTED = "no file is left"
LARGE_PX = 1.0
"""A mean error above this, in frames 640 wide, is worth a word."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of ``calibrate``."""
    parser.add_argument(
        "inputs", nargs="+", type=Path, metavar="CLIP_OR_PICTURE", help="a clip, pictures, or a folder of them, of one camera; or camera:N, alone"
    )
    add_seconds(parser)
    parser.add_argument("--board", required=True, metavar="NxM", help="inner corners of the board along one side and along the other, such as 9x6")
    parser.add_argument("--square-mm", type=float, metavar="S", help="side of a square; only to say how far away the board was, as a check")
    parser.add_argument("--out", type=Path, required=True, metavar="CAMERA.toml", help="the camera, for --camera of diaphane track")


def execute(parsed: argparse.Namespace) -> int:
    """Calibrate and write."""
    from diaphane import acquire
    from diaphane.track.calibration import Board

    if parsed.out.suffix.lower() != ".toml":
        raise UsageError(f"{parsed.out}: the camera is written into a file that ends in .toml")
    counts = re.fullmatch(r"(\d{1,3})x(\d{1,3})", parsed.board)
    if counts is None:
        raise UsageError(f"--board {parsed.board}: must be the inner corners along both sides, such as 9x6")
    board = Board(columns=int(counts[1]), rows=int(counts[2]), square_mm=1.0 if parsed.square_mm is None else parsed.square_mm)
    found = _found(parsed, board)
    camera = found.camera
    rests_on = f"{found.views} views of the board in {found.frames} pictures: error {found.error_px:.3f} px, focal length within {100 * found.focal_sd:.2f} %"
    acquire.write_camera(parsed.out, camera, rests_on)
    log.info("%s", rests_on)
    log.info("focal length %.1f x %.1f px, centre %.1f, %.1f, frames of %d x %d", camera.fx, camera.fy, camera.cx, camera.cy, camera.width, camera.height)
    if parsed.square_mm is not None:
        log.info("the board was %.0f to %.0f mm away: compare", *found.distance_mm)
    if found.error_px > LARGE_PX * camera.width / 640:
        log.warning("the error is large: a board that is not flat, motion blur, or a camera that refocused; film it again, slowly")
    log.info("camera: %s", parsed.out)
    return 0


def _found(parsed: argparse.Namespace, board: Board) -> Calibration:
    from diaphane import acquire
    from diaphane.pipeline.calibrating import camera_from
    from diaphane.track.calibration import calibrate

    number = camera_asked(parsed.inputs, parsed.seconds)
    if number is None:
        return camera_from(acquire.expand(parsed.inputs), board)
    with watched(number, parsed.seconds) as (live, frames):
        found = calibrate((frame for _, frame in frames), board)
    if live.is_gone:
        log.warning("%s: was unplugged, or taken by another program; what was seen until then is used", live.name)
    return found
