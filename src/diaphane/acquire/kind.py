"""What a file is, by its first bytes; its name is not asked."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Literal

from diaphane.core.storage import reading
from diaphane.errors import InputError

Kind = Literal["picture", "nifti", "nrrd", "dicom", "zip", "video"]
HEAD_BYTES = 1024
NIFTI_MAGICS = ((344, b"n+1\0"), (4, b"n+2\0"))
PAIR_MAGICS = ((344, b"ni1\0"), (4, b"ni2\0"))
STILL_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif", b"avis")
MOV_ATOMS = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
MPEG_STREAMS = (b"\0\0\1\xba", b"\0\0\1\xb3")
DICOM_GROUPS = (b"\x02\0", b"\x08\0", b"\0\x02", b"\0\x08")
"""A data set without preamble begins with group 0002 or 0008, in either byte order."""


def kind_of(path: Path) -> Kind:
    """The kind of the file ``path``; ``picture`` where nothing else is recognised: its decoder says what is wrong.

    Raises:
        InputError: The file is missing or empty, or of a format that is recognised but not read.
    """
    head = head_of(path)
    if not head:
        raise InputError(f"{path}: the file is empty (0 bytes); expected a picture, a volume or a clip")
    if head[:2] == b"\x1f\x8b":
        return _inside_gzip(path, head)
    return _kind(path, head)


def head_of(path: Path) -> bytes:
    """The first bytes of a file.

    Raises:
        InputError: No such file, or it cannot be read.
    """
    with reading(path):
        if not path.is_file():
            raise InputError(f"{path}: no such file; give the path of a picture, a volume, a clip, a DICOM folder or a ZIP of one")
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)


def is_dicom(head: bytes) -> bool:
    """Whether a file that begins so is DICOM, with preamble or without."""
    return head[128:132] == b"DICM" or _is_bare_dicom(head)


def _kind(path: Path, head: bytes) -> Kind:
    if is_dicom(head):
        return "dicom"
    if head[:4] in (b"PK\3\4", b"PK\5\6"):
        return "zip"
    if head[:4] == b"NRRD":
        return "nrrd"
    if _is_nifti(path, head):
        return "nifti"
    return "video" if _is_video(path, head) else "picture"


def _inside_gzip(path: Path, head: bytes) -> Kind:
    try:
        inner = zlib.decompressobj(wbits=31).decompress(head, 4 * HEAD_BYTES)
    except zlib.error as problem:
        raise InputError(f"{path}: the gzip data are damaged ({problem}); copy or export the file anew") from problem
    if not is_dicom(inner) and _is_nifti(path, inner):
        return "nifti"
    what = "DICOM" if is_dicom(inner) else "no NIfTI"
    raise InputError(f"{path}: compressed with gzip, and {what} inside; give the file uncompressed")


def _is_nifti(path: Path, head: bytes) -> bool:
    if any(head[at : at + 4] == magic for at, magic in NIFTI_MAGICS):
        return True
    is_header = head[:4] in (b"\x5c\1\0\0", b"\0\0\1\x5c") and len(head) >= 348
    if is_header or any(head[at : at + 4] == magic for at, magic in PAIR_MAGICS):
        raise InputError(f"{path}: an Analyze 7.5 header or half of a .hdr/.img pair, expected a NIfTI file in one piece; convert it to .nii.gz")
    return False


def _is_video(path: Path, head: bytes) -> bool:
    if head[4:8] == b"ftyp" and head[8:12] in STILL_BRANDS:
        raise InputError(f"{path}: a HEIC or AVIF photo, which is not read; export it as JPEG or PNG")
    is_mov = head[4:8] in MOV_ATOMS
    is_avi = head[:4] == b"RIFF" and head[8:12] == b"AVI "
    return is_mov or is_avi or head[:4] == b"\x1a\x45\xdf\xa3" or head[:4] in MPEG_STREAMS


def _is_bare_dicom(head: bytes) -> bool:
    if head[:2] not in DICOM_GROUPS or len(head) < 16:
        return False
    little = head[0] != 0
    element = int.from_bytes(head[2:4], "little" if little else "big")
    explicit = head[4:6].isalpha() and head[4:6].isupper()
    length = int.from_bytes(head[4:8], "little" if little else "big")
    return element <= 0x1200 and (explicit or length <= 1024)
