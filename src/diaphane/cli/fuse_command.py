"""Candidates and tracked faces in, findings out: what a segmentation proposed and what the face says of it, judged together.

diaphane fuse --candidates case/candidates.jsonl --tracks case/tracks.jsonl --out findings.json
    by the shipped fusion that cross-validation preferred; where its bundle is missing by rules, and the result says so
diaphane fuse --candidates candidates.jsonl --tracks tracks.jsonl --method hierarchical --out findings.json
    by another one: deep, ensemble, svm, hierarchical, or rules
diaphane fuse --candidates candidates.jsonl --tracks tracks.jsonl --bundle my-fusion/bundle --out findings.json
    by one that diaphane train --method fitted

Both files are those of a case that diaphane run made, or a CANDIDATES_DIR's (docs/fuse.md). They must be of the same pictures: SHA-256 and size are compared.
deep looks at the pictures too, in images/ beside the candidates or where --images says.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from diaphane.cli.flags import add_flags, changed
from diaphane.fuse.options import Options

log = logging.getLogger(__name__)
FLAGS = ["method", "bundle", "operating", "label_fusion", "min_probability", "face_min_probability"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of ``fuse``."""
    parser.add_argument("--candidates", type=Path, required=True, metavar="candidates.jsonl", help="what a segmentation proposed")
    parser.add_argument("--tracks", type=Path, required=True, metavar="tracks.jsonl", help="the faces; an empty file: none were found")
    parser.add_argument("--out", type=Path, required=True, metavar="findings.json", help="what stands, and what does not and why")
    parser.add_argument("--images", type=Path, metavar="DIR", help="the pictures, of deep fusion (default: images/ beside the candidates)")
    add_flags(parser, Options, FLAGS)


def execute(parsed: argparse.Namespace) -> int:
    """Fuse, and write the findings."""
    from diaphane.core.coding import json_text
    from diaphane.core.storage import write_whole
    from diaphane.pipeline.fusing import fuse_files

    decision = fuse_files(parsed.candidates, parsed.tracks, parsed.images or parsed.candidates.parent / "images", changed(Options(), parsed, FLAGS))
    write_whole(parsed.out, (json_text(decision.to_json(), indent=1) + "\n").encode())
    log.info("%s: %d findings, %d suppressed: %s", decision.method, len(decision.findings), len(decision.suppressed), parsed.out)
    return 0
