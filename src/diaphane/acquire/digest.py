"""The fingerprint of a source."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from diaphane.acquire.dicom_source import files_below
from diaphane.acquire.kind import head_of
from diaphane.acquire.nrrd import data_file
from diaphane.core.provenance import sha256_of
from diaphane.core.storage import reading
from diaphane.errors import InputError


def source_sha256(source: Path) -> str:
    """SHA-256 of a file; of a folder, over the sorted SHA-256s of its files, so that their names do not matter.

    A NRRD header and the data beside it count as such a folder.

    Raises:
        InputError: It is not there or cannot be read.
    """
    with reading(source):
        if source.is_dir():
            return _of_all(files_below(source))
        if not source.is_file():
            raise InputError(f"{source}: no such file or folder")
        data = data_file(source) if head_of(source)[:4] == b"NRRD" else None
        return sha256_of(source) if data is None else _of_all([source, data])


def _of_all(files: Iterable[Path]) -> str:
    return hashlib.sha256("\n".join(sorted(map(sha256_of, files))).encode()).hexdigest()
