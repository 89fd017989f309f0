"""Files that appear whole or not at all, and what is said when they cannot be written."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from diaphane.errors import InputError, StorageError, UsageError

PARTIAL = ".partial"
"""Ends the name of what is not finished yet."""


@contextmanager
def storage(path: Path, kept: str = "nothing half-written is left") -> Iterator[None]:
    """Turn an operating-system error while writing to ``path`` into a message that ends with what is ``kept``.

    Raises:
        StorageError: No space, no permission.
    """
    try:
        yield
    except OSError as problem:
        cause = problem.__cause__ if isinstance(problem, StorageError) and isinstance(problem.__cause__, OSError) else problem
        full = cause.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        remedy = "make room, or give --out another place" if full else "give --out another place, or the right to write there"
        raise StorageError(f"{path}: cannot be written ({cause.strerror or cause}); {remedy}; {kept}") from cause


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn an operating-system error while reading the input ``path`` into a message.

    Raises:
        InputError: No permission, a broken disk, a name that the system does not take.
    """
    try:
        yield
    except OSError as problem:
        raise InputError(f"{path}: cannot be read ({problem.strerror or problem}); give a file that can be") from problem


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


def locked(path: Path, busy: str) -> int | None:
    """A descriptor that holds the folder's lock until it is closed; None where the system has no such locks.

    Raises:
        UsageError: Someone else holds it; the message begins with ``busy``.
    """
    try:
        import fcntl
    except ImportError:
        return None
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as problem:
        os.close(descriptor)
        raise UsageError(f"{path}: {busy}; wait for it, or give --out another folder") from problem
    except OSError:  # a network disk without locks: better unlocked than not at all
        os.close(descriptor)
        return None
    return descriptor
