"""The DICOM instances of a source: a file, a folder with all below it, or a ZIP archive."""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydicom import dcmread
from pydicom.dataset import FileDataset

from diaphane.acquire.dicom_header import TAGS, Header, header_from
from diaphane.acquire.kind import HEAD_BYTES, head_of, is_dicom
from diaphane.acquire.quiet import quiet
from diaphane.core.instance import Instance
from diaphane.core.storage import reading
from diaphane.errors import InputError

MAX_FILES = 50_000
MAX_ARCHIVE_BYTES = 8 * 2**30
MAX_RATIO = 100
RATIO_FROM_BYTES = 100 * 2**20
"""Below this size an archive may be compressed as well as it likes: empty slices are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One DICOM instance and how to get at its bytes."""

    source: Path
    """What the caller gave: a message names it, and never a file inside, whose name may be a patient's."""
    path: Path
    member: str
    open: Callable[[], BinaryIO]
    header: Header
    pixels_at: int
    """Where in those bytes the header ends and the element of the pixels begins."""

    @property
    def named(self) -> str:
        """What messages call it: its source, and in a series its place."""
        if self.path == self.source and not self.member:
            return str(self.source)
        position = self.header.planes[0].position if self.header.planes else None
        return f"{self.source}: one of its images" if position is None else f"{self.source}: the image at ({', '.join(f'{x:.2f}' for x in position)}) mm"

    @property
    def instance(self) -> Instance:
        """What a derived object refers to."""
        return Instance(path=self.path, member=self.member, sop_class_uid=self.header.sop_class_uid, sop_instance_uid=self.header.sop_instance_uid)


@contextmanager
def understood(message: str) -> Iterator[None]:
    """Turn whatever the parser of a damaged or hostile file raises into ``message``.

    Raises:
        InputError: It raised.
    """
    try:
        with quiet():
            yield
    except InputError:
        raise
    except Exception as problem:
        raise InputError(message) from problem


def entries_of(source: Path) -> list[Entry]:
    """Every DICOM instance in ``source``, in the order of names; other files are passed over.

    Raises:
        InputError: There is none, one is damaged, or the archive is damaged, encrypted or too large when unpacked.
    """
    with reading(source):
        if source.is_dir():
            found = [_entry(source, path, "", _opener(path)) for path in files_below(source) if _begins_as_dicom(path)]
        elif head_of(source)[:2] == b"PK":
            found = list(_members(source))
        else:
            found = [_entry(source, source, "", _opener(source))]
    if not found:
        what = "folder" if source.is_dir() else "archive"
        raise InputError(f"{source}: no DICOM file in this {what}; give a folder or ZIP that holds a DICOM series, or a file")
    return found


def files_below(folder: Path) -> Iterator[Path]:
    """The files in ``folder`` and its subfolders, sorted; links that lead out of it are not followed.

    Raises:
        InputError: They are too many.
    """
    root, count = folder.resolve(), 0
    for place, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            path = Path(place, name)
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                continue
            if path.is_file():
                count += 1
                if count > MAX_FILES:
                    raise InputError(f"{folder}: more than {MAX_FILES} files; give the folder of one series")
                yield path


def holds_dicom(folder: Path) -> bool:
    """Whether there is a DICOM file in ``folder`` or below it."""
    return any(_begins_as_dicom(path) for path in files_below(folder))


def passed_over(source: Path) -> list[str]:
    """What is said of the files in a folder that are no DICOM; nothing where there are none."""
    count = sum(not _begins_as_dicom(path) for path in files_below(source)) if source.is_dir() else 0
    return [f"passed over: {count} file{'s' if count > 1 else ''} in the folder that are no DICOM"] if count else []


def opened_whole(entry: Entry) -> FileDataset:
    """The whole data set of an entry. To be called within ``understood``."""
    with entry.open() as file:
        data = dcmread(file, force=True)
    if not getattr(data.file_meta, "TransferSyntaxUID", None):
        data.file_meta.TransferSyntaxUID = entry.header.transfer_syntax  # type: ignore[assignment]
    return data


def _opener(path: Path) -> Callable[[], BinaryIO]:
    return lambda: path.open("rb")


def _begins_as_dicom(path: Path) -> bool:
    with path.open("rb") as file:
        return is_dicom(file.read(HEAD_BYTES))


def _entry(source: Path, path: Path, member: str, opener: Callable[[], BinaryIO]) -> Entry:
    which = f"{source}: " if path == source and not member else f"{source}: in one of its files, "
    with understood(f"{which}the DICOM header cannot be read: damaged, truncated or not DICOM; export it anew, or take it out"), opener() as file:
        header = header_from(dcmread(file, stop_before_pixels=True, force=True, specific_tags=TAGS))
        end = file.tell()
    return Entry(source=source, path=path, member=member, open=opener, header=header, pixels_at=end)


def _members(source: Path) -> Iterator[Entry]:
    message = f"{source}: the ZIP archive is damaged or truncated; pack or copy it anew"
    try:
        archive = zipfile.ZipFile(source)
        for info in _checked(source, archive.infolist()):
            with archive.open(info) as file:
                head = file.read(HEAD_BYTES)
            if is_dicom(head):
                yield _entry(source, source, info.filename, _member_opener(archive, info))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as problem:
        raise InputError(message) from problem


def _member_opener(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], BinaryIO]:
    return lambda: io.BytesIO(archive.read(info))


def _checked(source: Path, infos: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    files = [info for info in infos if not info.is_dir()]
    size = sum(info.file_size for info in files)
    packed = max(1, min(source.stat().st_size, sum(info.compress_size for info in files)))
    if any(info.flag_bits & 1 for info in files):
        raise InputError(f"{source}: the ZIP archive is encrypted; unpack it first")
    if len(files) > MAX_FILES or size > MAX_ARCHIVE_BYTES:
        raise InputError(f"{source}: {len(files)} files of {size} bytes when unpacked; at most {MAX_FILES} of {MAX_ARCHIVE_BYTES} are read; pack one series")
    if size > RATIO_FROM_BYTES and size > MAX_RATIO * packed:
        raise InputError(f"{source}: unpacks to {size // packed} times its size, which no scan does; unpack it by hand if you trust it")
    return sorted(files, key=lambda info: info.filename)
