"""The DICOM instances of a source, found again by their UIDs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from diaphane.acquire.dicom_source import entries_of
from diaphane.core.instance import Instance


def instances(source: Path, uids: Sequence[str]) -> tuple[Instance, ...]:
    """The instances with these SOP Instance UIDs, in their order; headers alone are read. Nothing for no UIDs.

    Raises:
        InputError: The source is damaged or went away.
    """
    if not uids:
        return ()
    known = {entry.instance.sop_instance_uid: entry.instance for entry in entries_of(source)}
    return tuple(known[uid] for uid in uids)
