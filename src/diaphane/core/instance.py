"""One DICOM instance that an image was read from: what a derived object refers to."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A file, or a member of a ZIP archive."""

    path: Path
    member: str = ""
    """Name inside the archive ``path``; empty where ``path`` is the file itself."""
    sop_class_uid: str
    """From the data set, or from the file's meta header where the data set has none."""
    sop_instance_uid: str

    def open(self) -> BinaryIO:
        """The bytes, from the beginning. The caller closes it.

        Raises:
            OSError: The file went away.
        """
        if not self.member:
            return self.path.open("rb")
        with zipfile.ZipFile(self.path) as archive:
            return io.BytesIO(archive.read(self.member))
