"""A head scan over a filmed face: structures at their place, in depth order, under a veil of skin; targets with a ring of uncertainty.

SCAN is a CT or MR volume of the head, VIDEO a clip or photo of the same person's face; camera:0 is the first camera of this machine,
until Ctrl-C, until it is unplugged, or for --seconds. Writes DIR/ar.mp4 (of a photo ar.png) and DIR/registration.jsonl, a line a frame
(docs/interfaces.md). Drawn are the structures of --labels, a label map on the scan's grid; without it bone, where the scan is a CT.
The middles of small structures are marked as targets, or the points of --targets.

A frame whose registration is not sure shows nothing of the scan, and says why. Without a camera file a focal length is guessed: the
picture says so, and distances are no better than that guess. Needs the weights of faces (diaphane models pull faces).
Research use only: see docs/ar.md for when not to trust it.

  diaphane ar head-ct.nii.gz clip.mp4 --camera camera.toml --labels tumour.nii.gz --out seen
  diaphane ar head-ct/ camera:0 --seconds 20 --camera camera.toml --out seen
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from diaphane.cli.flags import add_flags, changed
from diaphane.cli.live import add_seconds, camera_asked, code_of, lines, watched
from diaphane.core.case_folder import AR, AR_PHOTO, REGISTRATION
from diaphane.errors import UsageError
from diaphane.view.options import Options as ViewOptions

if TYPE_CHECKING:
    from diaphane.core.camera import Camera
    from diaphane.core.video import Video
    from diaphane.pipeline.seeing_through import Frames, Scanned

log = logging.getLogger(__name__)
FLAGS = ["colormap"]
INTERRUPTED = "no file is left"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of ``ar``."""
    parser.add_argument("scan", type=Path, metavar="SCAN", help="a head CT or MR: NIfTI, NRRD, a DICOM folder or ZIP")
    parser.add_argument("video", type=Path, metavar="VIDEO", help="a clip or photo of the face, or camera:N")
    parser.add_argument("--camera", type=Path, metavar="CAMERA.toml", help="focal length and distortion, as diaphane calibrate writes them")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the film and the registration go")
    parser.add_argument("--labels", type=Path, metavar="LABELS", help="what to see: a label map on SCAN's grid (NIfTI, NRRD, DICOM SEG)")
    parser.add_argument("--targets", type=Path, metavar="TARGETS.json", help='points to mark: {"targets": [{"name": "…", "point_mm": [x, y, z]}]}, LPS')
    add_seconds(parser)
    add_flags(parser, ViewOptions, FLAGS)


def execute(parsed: argparse.Namespace) -> int:
    """Lay the scan on every frame; 1 where a camera went away."""
    from diaphane import acquire
    from diaphane.pipeline.seeing_through import scanned
    from diaphane.pipeline.tracking import clip_of, frames_of

    number = camera_asked([parsed.video], parsed.seconds)
    _check(parsed)
    camera = acquire.read_camera(parsed.camera) if parsed.camera else None
    if camera is None:
        log.warning("no --camera: a focal length is guessed; distances are no better than that guess (diaphane calibrate measures it)")
    clip = clip_of(parsed.video) if number is None else None
    scan = scanned(parsed.scan, parsed.labels, parsed.targets, changed(ViewOptions(), parsed, FLAGS).colormap)
    for doubt in scan.doubts:
        log.warning("%s: %s", parsed.scan, doubt)
    if number is not None:
        return _live(number, camera, scan, parsed)
    if clip is not None:
        with lines(parsed.out / REGISTRATION) as out:
            out.writelines(_told(clip, frames_of(clip), camera, scan, parsed.out))
    return 0


def _live(number: int, camera: Camera | None, scan: Scanned, parsed: argparse.Namespace) -> int:
    """What was seen until the end is kept, however it ended."""
    with watched(number, parsed.seconds) as (live, frames), lines(parsed.out / REGISTRATION) as out:
        out.writelines(_told(live.clip, frames, camera, scan, parsed.out))
    return code_of(live)


def _told(clip: Video, frames: Frames, camera: Camera | None, scan: Scanned, out: Path) -> Iterator[str]:
    """The lines, with a word on how far it is, and on what came of it."""
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    from diaphane.core.coding import json_text
    from diaphane.pipeline.seeing_through import Count, laid_on

    count = Count()
    found = laid_on(clip, frames, camera, scan, out=out / (AR_PHOTO if clip.is_photo else AR), count=count)
    with logging_redirect_tqdm():
        for registered in tqdm(found, desc=f"ar {clip.path.name}", total=clip.frame_count or None, unit="frame", disable=None):
            yield json_text(registered.to_json()) + "\n"
    log.info("%s: %s", clip.path, count.words)


def _check(parsed: argparse.Namespace) -> None:
    """No result may overwrite an input.

    Raises:
        UsageError: One would.
    """
    inputs = {path.resolve() for path in (parsed.scan, parsed.video, parsed.camera, parsed.labels, parsed.targets) if path}
    over = inputs & {(parsed.out / name).resolve() for name in (AR, AR_PHOTO, REGISTRATION)}
    if over:
        raise UsageError(f"{over.pop()}: is an input and would be overwritten; give --out another folder")
    if parsed.out.exists() and not parsed.out.is_dir():
        raise UsageError(f"{parsed.out}: is no folder; give --out a folder")
