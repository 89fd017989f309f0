"""What a file is understood as, from its header alone: nothing is decoded."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of ``info``."""
    parser.add_argument("path", type=Path, metavar="PATH", help="a picture, a volume, a clip, or a DICOM file, folder or ZIP")
    parser.add_argument("--json", action="store_true", help="one JSON document")


def execute(parsed: argparse.Namespace) -> int:
    """Say it."""
    from diaphane import acquire

    known = acquire.about(parsed.path)
    text = json.dumps(known) if parsed.json else "\n".join(_lines(known, ""))
    sys.stdout.write(text + "\n")
    return 0


def _lines(known: Mapping[str, Any], indent: str) -> Iterator[str]:
    """A line a key; a list of tables as a block each, indented."""
    for key, value in known.items():
        if isinstance(value, list) and value and isinstance(value[0], Mapping):
            yield f"{indent}{key}"
            for table in value:
                yield from _lines(table, indent + "  ")
        else:
            yield f"{indent}{key:16} {_text(value)}"


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ("; " if value and isinstance(value[0], str) else ", ").join(map(str, value)) or "-"
    return "-" if value is None else str(value)
