"""The verb: a path becomes a case."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from diaphane.acquire.options import Options
from diaphane.acquire.picture import FORMATS, SUFFIXES, read_picture
from diaphane.core.case import Case
from diaphane.errors import InputError


def read(source: Path, options: Options) -> Case:
    """The case in ``source``: one picture.

    Raises:
        InputError: It is missing, empty, truncated, or of a kind that this version does not read.
    """
    return Case(images=(read_picture(source, spacing_mm=options.spacing_mm, max_pixels=options.max_pixels),))


def expand(sources: Sequence[Path]) -> list[Path]:
    """Each file as it is, each folder as the pictures in it, in the order of their names.

    Raises:
        InputError: A path does not exist, or a folder holds no picture.
    """
    files: list[Path] = []
    for source in sources:
        if not source.exists():
            raise InputError(f"{source}: no such file or folder; give pictures ({', '.join(SUFFIXES)}) or a folder of them")
        found = sorted(p for p in source.iterdir() if p.suffix.lower() in SUFFIXES) if source.is_dir() else [source]
        if not found:
            raise InputError(f"{source}: no picture in this folder; expected files ending in {', '.join(SUFFIXES)}")
        files += found
    return files


def about(path: Path) -> dict[str, Any]:
    """What reading would understand, from the header alone: format, size, channels, bits, scale.

    Raises:
        InputError: The file is missing, empty, or no picture of a known format.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; give the path of a picture ({', '.join(SUFFIXES)})")
    data = path.read_bytes()
    if not data:
        raise InputError(f"{path}: the file is empty (0 bytes); expected a picture")
    try:
        with Pillow.open(io.BytesIO(data), formats=FORMATS) as picture:
            bits = 16 if picture.mode.startswith("I;16") else 8
            grey = picture.mode in ("1", "L", "I;16", "I;16L", "I;16B")
            return {
                "path": str(path), "kind": "picture", "format": picture.format, "width": picture.width, "height": picture.height,
                "channels": 1 if grey else 3, "bits": bits, "spacing_mm": None, "bytes": len(data),
                "note": "pictures carry no scale: lengths are in pixels unless --spacing-mm is given",
            }  # fmt: skip
    except (UnidentifiedImageError, SyntaxError, OSError, Pillow.DecompressionBombError) as problem:
        raise InputError(f"{path}: not a picture; expected one of {', '.join(FORMATS)} and found bytes of none of them") from problem
