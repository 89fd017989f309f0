"""Made input with known truth: skin lesions on faces among things that are none, or a whole head filmed.

diaphane simulate skin --out DIR --seed N [--count N]
    procedural lesions on procedural skin: needs no data
diaphane simulate skin --out DIR --seed N --lesions isic2017 --faces faces [--part train|tune|test]
    real lesions, cut out of dermoscopy pictures, on the skin of real faces. Which face and which lesion belongs to which
    part is fixed (docs/simulate.md): train on one, measure on another
diaphane simulate head --out DIR --seed N [--frames N] [--size 640x480]
    a head that the seed makes, with its CT, before a moving camera. Needs embreex (pip install "diaphane[ar]") and the
    weights of faces (diaphane models pull faces)
diaphane simulate head --out DIR --seed N --scan FILE
    the same of the skin of a given head CT or MR

skin writes DIR/images/, DIR/masks/ (a PNG a lesion) and DIR/truth.json: where the lesions are, where the distractors are, and
what is to be ignored because the person really has it. head writes DIR/video.mp4, camera.toml (the nominal camera),
true_camera.toml, truth.jsonl (where the head is in each frame), targets.json (points inside it) and scan.nii.gz.
The same seed gives the same; picture 7 does not depend on how many there are. It is a simulation: figures measured on it
say nothing about patients.
"""

from __future__ import annotations

import argparse
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING

from diaphane.errors import InputError, UsageError

if TYPE_CHECKING:
    from diaphane.simulate.dataset import Sources

log = logging.getLogger(__name__)
PARTS = ("train", "tune", "test")
OF_SKIN, OF_HEAD = ("count", "lesions", "faces", "part"), ("frames", "size", "scan")
COUNT, FRAMES, SIZE = 10, 100, "640x480"
LEAST_PX, MOST_PX = 64, 4096


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of ``simulate``."""
    parser.add_argument("what", choices=["skin", "head"], help="what to make")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder")
    parser.add_argument("--seed", type=int, required=True, metavar="N", help="what is drawn; 0 or more")
    skin = parser.add_argument_group("skin")
    skin.add_argument("--count", type=int, metavar="N", help=f"how many pictures (default: {COUNT})")
    skin.add_argument("--lesions", type=Path, metavar="DATASET", help="folder with images/ and masks/ of ISIC 2017")
    skin.add_argument("--faces", type=Path, metavar="DIR", help="folder of face pictures and clips, laid out as splits.json names them")
    skin.add_argument("--part", choices=PARTS, default=None, help="whose faces and which lesions (default: train)")
    head = parser.add_argument_group("head")
    head.add_argument("--frames", type=int, metavar="N", help=f"how many frames, 30 a second (default: {FRAMES})")
    head.add_argument("--size", metavar="WxH", help=f"of the frames in pixels (default: {SIZE})")
    head.add_argument("--scan", type=Path, metavar="FILE", help="a head CT or MR to take the skin of; without it a head is made")


def execute(parsed: argparse.Namespace) -> int:
    """Make it, piece by piece."""
    if parsed.seed < 0:
        raise UsageError(f"--seed must be 0 or more, got {parsed.seed}")
    strange = [name for name in (OF_HEAD if parsed.what == "skin" else OF_SKIN) if getattr(parsed, name, None) is not None]
    if strange:
        raise UsageError(f"--{strange[0]} does not belong to simulate {parsed.what}; leave it out")
    return _pictures(parsed) if parsed.what == "skin" else _head(parsed)


def _pictures(parsed: argparse.Namespace) -> int:
    from tqdm import tqdm

    from diaphane.simulate.dataset import TRUTH, write_pictures

    count = COUNT if parsed.count is None else parsed.count
    if count < 1:
        raise UsageError(f"--count must be at least 1, got {count}")
    for _ in tqdm(write_pictures(parsed.out, _sources(parsed), parsed.seed, count), desc="simulate", total=count, unit="picture", disable=None):
        pass
    log.info("%s", parsed.out / TRUTH)
    return 0


def _head(parsed: argparse.Namespace) -> int:
    from tqdm import tqdm

    from diaphane.simulate.head_film import VIDEO, new_folder, patient, write_film
    from diaphane.simulate.head_given import given_subject

    frames = FRAMES if parsed.frames is None else parsed.frames
    if frames < 1:
        raise UsageError(f"--frames must be at least 1, got {frames}")
    size = _size(parsed.size or SIZE)
    new_folder(parsed.out)
    made = patient(parsed.seed, frames, size, given_subject(parsed.scan) if parsed.scan else None)
    for _ in tqdm(write_film(parsed.out, made), desc="simulate", total=frames, unit="frame", disable=None):
        pass
    log.info("%s", parsed.out / VIDEO)
    return 0


def _size(text: str) -> tuple[int, int]:
    """Width and height; even, as the codec wants them."""
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    width, height = (int(n) for n in found.groups()) if found else (0, 0)
    if not all(LEAST_PX <= n <= MOST_PX and n % 2 == 0 for n in (width, height)):
        raise UsageError(f"--size must be WIDTHxHEIGHT, each even and from {LEAST_PX} to {MOST_PX}, got {text!r}; for example {SIZE}")
    return width, height


def _sources(parsed: argparse.Namespace) -> Sources | None:
    from diaphane.simulate.dataset import Sources

    if parsed.lesions is None and parsed.faces is None:
        if parsed.part:
            raise UsageError("--part chooses among real faces and lesions; give --lesions and --faces too")
        return None
    if parsed.lesions is None or parsed.faces is None:
        raise UsageError("--lesions and --faces belong together; give both, or neither for procedural skin")
    for folder in (parsed.lesions, parsed.faces):
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder")
    return Sources(parsed.lesions, parsed.faces, parsed.part or "train")
