"""What lies in the file ``face_landmarker.task``: a ZIP of networks, and the canonical face."""

from __future__ import annotations

import io
import zipfile
from functools import cache

from diaphane.engine.pinned import LANDMARKER, read_pinned


@cache
def member(name: str) -> bytes:
    """One file of it. Its checksum was compared, so what is in it is known.

    Raises:
        NotPulledError: It was not pulled.
    """
    with zipfile.ZipFile(io.BytesIO(read_pinned(LANDMARKER))) as archive:
        return archive.read(name)
