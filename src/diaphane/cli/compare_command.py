"""The same lesions of one person's face at two visits: the same, grown, shrunk, new, gone, or unsure.

diaphane run march.jpg --out march; diaphane run june.mp4 --out june
diaphane compare march june --out change
    writes change/compare.html (pictures of both visits side by side, a map of the face) and change/changes.json; a line a lesion goes to stderr
diaphane compare march june --out change --face 2
    where a case shows several people: whose lesions, by the number of the face in the case's report; --face 2 1 where the numbers differ
diaphane compare march selfie --out change --mirrored
    the second case's pictures are mirror images, as selfies often are

Both cases are those that diaphane run made of a photo or clip of a face, the earlier visit first. Landmarks are needed: diaphane models pull faces, once,
before diaphane run. Whether both show the same person is not checked. A lesion counts as grown or shrunk beyond what repeats of one lesion differ by, as gone
or new only where the other visit saw bare skin at its place (docs/compare.md). Exit code 4: done, but something speaks against it, and it is said what.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from diaphane.cli.flags import add_flags, changed
from diaphane.errors import UsageError
from diaphane.fuse.options import CompareOptions

if TYPE_CHECKING:
    from diaphane.core.change import Change, Comparison

log = logging.getLogger(__name__)
FLAGS = ["reach_mm", "repeatability"]
INTERRUPTED = "nothing was written"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of ``compare``."""
    parser.add_argument("before", type=Path, metavar="CASE1", help="the case folder of the earlier visit")
    parser.add_argument("after", type=Path, metavar="CASE2", help="the case folder of the later visit")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where compare.html and changes.json go")
    parser.add_argument("--face", type=int, nargs="+", default=[], metavar="N", help="the person's face in both cases, or two numbers: in CASE1, in CASE2")
    parser.add_argument("--mirrored", action="store_true", help="the second case's pictures are mirror images")
    parser.add_argument("--json", action="store_true", help="the document changes.json on stdout, too")
    add_flags(parser, CompareOptions, FLAGS)


def execute(parsed: argparse.Namespace) -> int:
    """Compare, write, tell; 4 where there are doubts."""
    from diaphane.core.case_folder import MANIFEST
    from diaphane.core.coding import json_text
    from diaphane.core.provenance import version
    from diaphane.pipeline.comparing import compare_cases
    from diaphane.report import write_changes

    if parsed.out.is_file():
        raise UsageError(f"{parsed.out}: is a file; give --out a folder of its own")
    if any((folder / MANIFEST).exists() for folder in (parsed.out.resolve(), *parsed.out.resolve().parents)):
        raise UsageError(f"{parsed.out}: is a case folder, or lies in one; give --out a folder of its own")
    comparison = compare_cases(parsed.before, parsed.after, changed(CompareOptions(), parsed, FLAGS), faces=parsed.face, is_mirrored=parsed.mirrored)
    written = write_changes(comparison, parsed.out, version())
    _tell(comparison)
    log.info("%s", written[-1])
    if parsed.json:
        sys.stdout.write(json_text(comparison.to_json()) + "\n")
    return comparison.exit_code


def _tell(comparison: Comparison) -> None:
    for change in comparison.changes:
        log.info("%d %s%s: %s", change.id, change.state, f", {change.site}" if change.site else "", _words(change))
    if not comparison.changes:
        log.info("no lesion was found at either visit")
    for doubt in comparison.doubts:
        log.warning("doubted: %s", doubt)
    log.info("not checked: whether both cases are of the same person")


def _words(change: Change) -> str:
    if change.ratio is None or change.ratio95 is None:
        return change.reason
    return f"{change.reason} (diameter {change.ratio:.2f} times, {change.ratio95[0]:.2f} to {change.ratio95[1]:.2f})"
