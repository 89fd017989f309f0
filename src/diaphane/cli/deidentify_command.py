"""A clip or photo with its faces made unrecognisable: an MP4, of a photo a PNG.

The clip is gone through twice: first for where the faces are, forwards and backwards in time, so that a face is hidden before it is found and after it was
lost, then to write it. Boxes are generous, doubtful ones more so. Sound and metadata are left out. What was not sure is said: frames in which a
face was only guessed at, frames in which nothing was found. Where there are any the exit code is 4: look at those before you pass the
result on. Faces are hidden, not hair, bodies, clothes, tattoos or names in the picture, nor small faces: below 5 % of its shorter
side (13 % with --tracker haar, which is what is there before diaphane models pull faces).

  diaphane deidentify clip.mp4 nobody.mp4
  diaphane deidentify photo.jpg nobody.png --json
"""

from __future__ import annotations

import argparse
import logging
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from diaphane.cli.flags import add_flags, changed
from diaphane.errors import UsageError
from diaphane.track.options import Options

if TYPE_CHECKING:
    from diaphane.core.video import Video
    from diaphane.pipeline.deidentifying import Deidentified, Stretch
    from diaphane.pipeline.tracking import Frames

log = logging.getLogger(__name__)
FLAGS = ["tracker", "detector"]
SMALLEST_FACE = 0.03
"""Of the frame's shorter side: some 7 pixels of those that the networks see, who find no smaller ones."""
INTERRUPTED = "no file is left"
DOUBTED = 4
SHOWN = 10
"""Stretches of frames that are told one by one; --json tells all."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of ``deidentify``."""
    parser.add_argument("source", type=Path, metavar="VIDEO_OR_PHOTO", help="what shows faces")
    parser.add_argument("target", type=Path, metavar="TARGET", help="the same without: a name that ends in .mp4, of a photo in .png")
    parser.add_argument("--json", action="store_true", help="what was done and what is not sure, as one JSON document on stdout")
    add_flags(parser, Options, FLAGS)


def execute(parsed: argparse.Namespace) -> int:
    """Write the target; 4 where something is not sure."""
    from diaphane.pipeline.deidentifying import deidentify
    from diaphane.pipeline.tracking import clip_of

    options = changed(Options(smallest_face=SMALLEST_FACE), parsed, FLAGS)
    if parsed.source.resolve() == parsed.target.resolve():
        raise UsageError(f"{parsed.target}: is the input and would be overwritten; give the result another name")
    clip = clip_of(parsed.source)
    with ExitStack() as stack:
        done = deidentify(clip, parsed.target, options, lambda frames, doing: _watched(stack, clip, frames, doing))
    _tell(parsed.source, done)
    log.info("written without %s: %s", " and ".join(done.left_out), parsed.target)
    if parsed.json:
        from dataclasses import asdict

        from diaphane.core.coding import json_text

        sys.stdout.write(json_text(asdict(done) | {"is_sure": done.is_sure}) + "\n")
    return 0 if done.is_sure else DOUBTED


def _watched(stack: ExitStack, clip: Video, frames: Frames, doing: str) -> Frames:
    from tqdm import tqdm

    return stack.enter_context(tqdm(frames, desc=f"{doing} {clip.path.name}", total=clip.frame_count, unit="frame", disable=None))


def _tell(source: Path, done: Deidentified) -> None:
    faces = f"{done.faces} face{'' if done.faces == 1 else 's'}"
    log.info("%s: %s, made unrecognisable in %d of %d frame%s (%s)", source, faces, done.blurred, done.frames, "" if done.frames == 1 else "s", done.tracker)
    if done.frames < done.frames_claimed:
        log.warning("%d of %d frames could be decoded; the others are left out", done.frames, done.frames_claimed)
    if done.tracker == "haar":
        log.warning("the cascades of haar miss turned faces and those below 13 %% of the frame's shorter side: diaphane models pull faces brings better ones")
    if not done.blurred:
        log.warning("no face was found: nothing was made unrecognisable; look at it before you pass it on")
        return
    _warn("a face was only guessed at", done.guessed)
    _warn("nothing was found", done.nothing_found)


def _warn(what: str, stretches: tuple[Stretch, ...]) -> None:
    if stretches:
        told = [
            f"{s.from_s:.2f}-{s.to_s:.2f} s (frame{'' if s.first == s.last else 's'} {s.first}{'' if s.first == s.last else f'-{s.last}'})" for s in stretches
        ]
        more = f" and {len(told) - SHOWN} stretches more (--json tells them)" if len(told) > SHOWN else ""
        log.warning("%s, look at: %s%s", what, ", ".join(told[:SHOWN]), more)
