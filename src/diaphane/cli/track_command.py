"""Faces in photos and clips: found, followed, and told apart; with landmarks and head pose where the tracker gives them.

keypoints  corners followed from frame to frame; a detector now and then, descriptors to find a lost face again
convnet    a network places 478 landmarks on each face in every frame; head pose from them
haar       cascades that come with OpenCV; needs nothing to be pulled
framework  a detection network in every other frame, one face or many; --detector multi_stage: a cascade of three networks
auto       framework where its weights were pulled (diaphane models pull faces), else haar

Writes FILE.jsonl, a line a face a frame, of all inputs one after the other (docs/interfaces.md). Of a single input also its frames with
the faces drawn on them (--overlay) or made unrecognisable (--blur: what was tracked; check the result before you pass it on): an MP4,
of a photo a PNG; and a picture of who was seen when (--timeline). camera:0 is the first camera of this machine, for --seconds, until Ctrl-C or until it
is unplugged: frames that come while one is worked on are left out, not kept waiting. Without a camera file a focal length is guessed, and
the millimetres of the head pose are no better than that guess.

  diaphane track clip.mp4 --tracker convnet --out tracks.jsonl --overlay faces.mp4
  diaphane track photos/ --out tracks.jsonl
  diaphane track camera:0 --out tracks.jsonl --timeline seen.png
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from diaphane.cli.flags import add_flags, changed
from diaphane.cli.live import add_seconds, camera_asked, code_of, lines, watched
from diaphane.errors import InputError, RefusedError, UsageError
from diaphane.track.options import Options

if TYPE_CHECKING:
    from diaphane.core.camera import Camera
    from diaphane.core.video import Video
    from diaphane.pipeline.tracking import Drawn, Frames

log = logging.getLogger(__name__)
FLAGS = ["tracker", "detector", "landmarks", "smallest_face"]
INTERRUPTED = "no file is left"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of ``track``."""
    parser.add_argument("inputs", nargs="+", type=Path, metavar="VIDEO_OR_PHOTO", help="a clip or photo, or a folder of them; or camera:N, alone")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.jsonl", help="what was found")
    parser.add_argument("--camera", type=Path, metavar="CAMERA.toml", help="focal length and distortion, as diaphane calibrate writes them")
    add_seconds(parser)
    parser.add_argument("--overlay", type=Path, metavar="OUT.mp4", help="the clip with the faces drawn on it")
    parser.add_argument("--blur", type=Path, metavar="OUT.mp4", help="the clip with its faces made unrecognisable")
    parser.add_argument("--timeline", type=Path, metavar="OUT.png", help="a picture: who was detected, tracked, expected or absent when")
    add_flags(parser, Options, FLAGS)


def execute(parsed: argparse.Namespace) -> int:
    """Track every input; 1 where one of several failed, or a camera went away."""
    from diaphane import acquire

    options = changed(Options(), parsed, FLAGS)
    number = camera_asked(parsed.inputs, parsed.seconds)
    files = acquire.expand(parsed.inputs) if number is None else []
    _check_outputs(files, parsed)
    camera = acquire.read_camera(parsed.camera) if parsed.camera else None
    if number is not None:
        return _live(number, camera, options, parsed)
    alone = len(files) == 1 and not parsed.inputs[0].is_dir()
    failed = False
    with lines(parsed.out) as out:
        for file in files:
            try:
                out.writelines(_one(file, camera, options, _drawn(parsed)))
            except (InputError, RefusedError, UsageError) as problem:  # UsageError: frames of another shape than the camera file's
                if alone:
                    raise
                log.error("%s", problem)
                failed = True
    log.info("tracks: %s", parsed.out)
    return 1 if failed else 0


def _live(number: int, camera: Camera | None, options: Options, parsed: argparse.Namespace) -> int:
    """Until the time is over, Ctrl-C, or the camera is gone; what was seen until then is kept either way."""
    with watched(number, parsed.seconds) as (live, frames), lines(parsed.out) as out:
        out.writelines(_told(live.clip, frames, camera, options, _drawn(parsed)))
    log.info("tracks: %s", parsed.out)
    return code_of(live)


def _drawn(parsed: argparse.Namespace) -> Drawn:
    from diaphane.pipeline.tracking import Drawn

    return Drawn(parsed.overlay, parsed.blur, parsed.timeline)


def _one(file: Path, camera: Camera | None, options: Options, drawn: Drawn) -> Iterator[str]:
    from diaphane.pipeline.tracking import clip_of, frames_of

    clip = clip_of(file)
    yield from _told(clip, frames_of(clip), camera, options, drawn)


def _told(clip: Video, frames: Frames, camera: Camera | None, options: Options, drawn: Drawn) -> Iterator[str]:
    """The lines, with a word on how far it is, and on what was found."""
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    from diaphane.pipeline.tracking import Count, tracked

    count = Count()
    found = tracked(clip, frames, camera, options, drawn=drawn, count=count)
    with logging_redirect_tqdm():
        yield from tqdm(found, desc=f"track {clip.path.name}", total=clip.frame_count or None, unit="frame", disable=None)
    faces, frames_seen = len(count.identities), f"{count.with_face} of {count.frames} frame{'' if count.frames == 1 else 's'}"
    log.info("%s: %d face%s, seen in %s", clip.path, faces, "" if faces == 1 else "s", frames_seen)


def _check_outputs(files: list[Path], parsed: argparse.Namespace) -> None:
    """No result may overwrite another, or an input."""
    outputs = [path.resolve() for path in (parsed.out, parsed.overlay, parsed.blur, parsed.timeline, parsed.camera) if path]
    if len(set(outputs)) < len(outputs):
        raise UsageError("--out, --overlay, --blur, --timeline and --camera must name different files")
    over = set(outputs) & {file.resolve() for file in files}
    if over:
        raise UsageError(f"{over.pop()}: is an input and would be overwritten; give the result another name")
    if (parsed.overlay or parsed.blur or parsed.timeline) and len(files) > 1:
        raise UsageError(f"--overlay, --blur and --timeline take one clip or photo, got {len(files)}; track them one by one")
    if parsed.timeline and parsed.timeline.suffix.lower() != ".png":
        raise UsageError(f"{parsed.timeline}: the timeline is drawn into a file that ends in .png")
