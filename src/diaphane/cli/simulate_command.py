"""Made pictures with known truth: skin lesions on faces, among things that are none.

diaphane simulate skin --out DIR --seed N [--count N]
    procedural lesions on procedural skin: needs no data
diaphane simulate skin --out DIR --seed N --lesions isic2017 --faces faces [--part train|tune|test]
    real lesions, cut out of dermoscopy pictures, on the skin of real faces. Which face and which lesion belongs to which
    part is fixed (docs/simulate.md): train on one, measure on another

Writes DIR/images/, DIR/masks/ (a PNG a lesion) and DIR/truth.json: where the lesions are, where the distractors are, and
what is to be ignored because the person really has it. The same seed gives the same bytes; picture 7 does not depend on
how many there are. It is a simulation: figures measured on it say nothing about patients.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from diaphane.errors import InputError, UsageError

if TYPE_CHECKING:
    from diaphane.simulate.dataset import Sources

log = logging.getLogger(__name__)
PARTS = ("train", "tune", "test")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of ``simulate``."""
    parser.add_argument("what", choices=["skin"], help="what to make")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder")
    parser.add_argument("--seed", type=int, required=True, metavar="N", help="what is drawn; 0 or more")
    parser.add_argument("--count", type=int, default=10, metavar="N", help="how many pictures (default: %(default)s)")
    parser.add_argument("--lesions", type=Path, metavar="DATASET", help="folder with images/ and masks/ of ISIC 2017")
    parser.add_argument("--faces", type=Path, metavar="DIR", help="folder of face pictures and clips, laid out as splits.json names them")
    parser.add_argument("--part", choices=PARTS, default=None, help="whose faces and which lesions (default: train)")


def execute(parsed: argparse.Namespace) -> int:
    """Make the pictures, one after the other."""
    from tqdm import tqdm

    from diaphane.simulate.dataset import TRUTH, write_pictures

    if parsed.count < 1 or parsed.seed < 0:
        raise UsageError(f"--count must be at least 1 and --seed at least 0, got {parsed.count} and {parsed.seed}")
    made = write_pictures(parsed.out, _sources(parsed), parsed.seed, parsed.count)
    for _ in tqdm(made, desc="simulate", total=parsed.count, unit="picture", disable=None):
        pass
    log.info("%s", parsed.out / TRUTH)
    return 0


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
