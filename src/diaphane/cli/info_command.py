"""What a file is understood as, from its header alone: nothing is decoded."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of ``info``."""
    parser.add_argument("path", type=Path, metavar="PATH", help="a picture")
    parser.add_argument("--json", action="store_true", help="one JSON document")


def execute(parsed: argparse.Namespace) -> int:
    """Say it."""
    from diaphane import acquire

    known = acquire.about(parsed.path)
    text = json.dumps(known) if parsed.json else "\n".join(f"{key:10} {'-' if value is None else value}" for key, value in known.items())
    sys.stdout.write(text + "\n")
    return 0
