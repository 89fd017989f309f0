"""The verb: a path becomes a case."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from diaphane.acquire.options import Options
from diaphane.acquire.picture import SUFFIXES, opened, picture_bytes, read_picture
from diaphane.core.case import Case
from diaphane.core.storage import reading
from diaphane.errors import InputError

BITS = {"I;16": 16, "I;16L": 16, "I;16B": 16, "I": 32, "F": 32}


def read(source: Path, options: Options) -> Case:
    """The case in ``source``: one picture.

    Raises:
        InputError: It is missing, empty, truncated, or of a kind that this version does not read.
    """
    return Case(images=(read_picture(source, spacing_mm=options.spacing_mm, max_pixels=options.max_pixels),))


def expand(sources: Sequence[Path]) -> list[Path]:
    """Each file as it is, each folder as the pictures in it, in the order of their names.

    Raises:
        InputError: A path does not exist or cannot be read, or a folder holds no picture.
    """
    files: list[Path] = []
    for source in sources:
        with reading(source):
            if not source.exists():
                raise InputError(f"{source}: no such file or folder; give pictures ({', '.join(SUFFIXES)}) or a folder of them")
            found = sorted(p for p in source.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file()) if source.is_dir() else [source]
        if not found:
            raise InputError(f"{source}: no picture in this folder; expected files ending in {', '.join(SUFFIXES)}")
        files += found
    return files


def about(path: Path) -> dict[str, Any]:
    """What reading would understand, from the header alone: format, size, channels, bits, scale.

    Raises:
        InputError: The file is missing, empty, or no picture of a known format.
    """
    data = picture_bytes(path)
    with opened(path, data) as picture:
        grey = picture.mode in ("1", "L", *BITS)
        return {
            "path": str(path), "kind": "picture", "format": picture.format, "width": picture.width, "height": picture.height,
            "channels": 1 if grey else 3, "bits": BITS.get(picture.mode, 8), "frames": getattr(picture, "n_frames", 1),
            "spacing_mm": None, "bytes": len(data),
            "note": "pictures carry no scale: lengths are in pixels unless --spacing-mm is given",
        }  # fmt: skip
