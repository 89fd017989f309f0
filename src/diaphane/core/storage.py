"""Files that appear whole or not at all, and what is said when they cannot be written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from diaphane.errors import StorageError

PARTIAL = ".partial"
"""Ends the name of what is not finished yet."""


@contextmanager
def storage(path: Path) -> Iterator[None]:
    """Turn an operating-system error while writing to ``path`` into a message.

    Raises:
        StorageError: No space, no permission.
    """
    try:
        yield
    except StorageError:
        raise
    except OSError as problem:
        raise StorageError(
            f"{path}: cannot be written ({problem.strerror or problem}); make room or give --out another place. "
            "What is finished is kept: the same command goes on from there"
        ) from problem


def write_whole(path: Path, data: bytes) -> None:
    """``data`` in ``path``: the whole of it, or what was there before. Folders on the way are made.

    Raises:
        StorageError: No space, no permission.
    """
    aside = path.with_name(path.name + PARTIAL)
    with storage(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            aside.write_bytes(data)
            os.replace(aside, path)
        finally:
            aside.unlink(missing_ok=True)
