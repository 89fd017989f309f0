"""NIfTI-1 and -2 in one piece, gzipped or not, of any origin: what the header leaves open is said, never guessed.

Source: the NIfTI-1 header file nifti1.h, sections on orientation, units and data scaling.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError

from diaphane.acquire.label_names import names_in_xml
from diaphane.acquire.quiet import quiet
from diaphane.acquire.volume import Say, Volume, is_usable, nan_note, refused
from diaphane.acquire.voxels import check_size, compact, scaled
from diaphane.core.arrays import Array, FloatArray
from diaphane.core.storage import reading
from diaphane.errors import InputError
from diaphane.ops.nifti import to_lps

UNITS_MM = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}
INTENT_LABEL = 1002
MAX_EXTENSION_BYTES = 64 * 2**20
DISAGREE_MM, DISAGREE_DEG = 1.0, 1.0


def read_nifti(path: Path, max_voxels: int) -> Volume:
    """The volume in ``path``: uint8, int16 or float32.

    Raises:
        InputError: The file is damaged or truncated, too large, or of colours or complex numbers.
    """
    with reading(path), _opened(path) as file:
        header, extensions = _header(path, file)
        shape, reason = _shape(path, header)
        if reason:
            return refused(("refused", reason))
        affine, notes = affine_of(header)
        if affine is None:
            return refused(*notes)
        check_size(path, shape[::-1], max_voxels)
        array = _voxels(path, file, header, shape)
    if int(header["intent_code"]) == INTENT_LABEL:
        notes += (("doubted", "the file says of itself that it is a label map, not an image"),)
    return Volume(array=array, affine=affine, notes=notes + nan_note(array), names=_names(path, extensions))


def header_of(path: Path) -> Any:
    """The header alone, as nibabel has it.

    Raises:
        InputError: It is damaged.
    """
    with reading(path), _opened(path) as file:
        return _header(path, file)[0]


def affine_of(header: Any) -> tuple[FloatArray | None, tuple[tuple[Say, str], ...]]:
    """The affine to LPS mm that a header states (sform before qform), None where there is none, and what is odd about it."""
    unit = int(header["xyzt_units"]) & 7
    if unit not in UNITS_MM:
        return None, (("refused", f"the header names the unknown unit of length {unit}; expected metre, millimetre or micrometre"),)
    notes: tuple[tuple[Say, str], ...] = () if unit else (("passed", "the header names no unit of length; taken as millimetres"),)
    try:
        sform, qform = header.get_sform(coded=True)[0], header.get_qform(coded=True)[0]
    except (HeaderDataError, ValueError, np.linalg.LinAlgError):
        return None, (("refused", "the orientation in the header (qform) is damaged; export the volume anew"),)
    chosen = qform if sform is None else sform
    if chosen is None:
        reason = "no orientation: both sform_code and qform_code are 0, so left and right are unknown; set one with the tool that made the file"
        return None, (("refused", reason),)
    if not is_usable(chosen):
        which = "qform" if sform is None else "sform"
        return None, (("refused", f"no orientation: the {which} in the header is singular or not finite; export the volume anew"),)
    if sform is not None and qform is not None:
        notes += _disagreement(sform, qform, header.get_data_shape()[:3], UNITS_MM[unit])
    scale = np.diag([UNITS_MM[unit]] * 3 + [1.0])
    return to_lps(scale @ np.asarray(chosen, float)), notes


def _disagreement(sform: FloatArray, qform: FloatArray, shape: tuple[int, ...], unit_mm: float) -> tuple[tuple[Say, str], ...]:
    if not is_usable(qform):
        return (("doubted", "the header's qform is singular or not finite; its sform is used"),)
    ends = np.array(np.meshgrid(*[[0, n - 1] for n in (*shape, 1, 1)[:3]])).reshape(3, -1)
    apart = np.linalg.norm((sform - qform)[:3, :3] @ ends + (sform - qform)[:3, 3:], axis=0).max() * unit_mm
    cosines = [np.dot(sform[:3, c], qform[:3, c]) / np.linalg.norm(sform[:3, c]) / np.linalg.norm(qform[:3, c]) for c in range(3)]
    angle = np.degrees(np.arccos(np.clip(min(cosines), -1, 1)))
    if apart <= DISAGREE_MM and angle <= DISAGREE_DEG:
        return ()
    return (("doubted", f"sform and qform place the volume up to {apart:.1f} mm and {angle:.1f} degrees apart; sform is used"),)


def type_of(path: Path, header: Any) -> np.dtype[Any]:
    """The type of the voxels as stored.

    Raises:
        InputError: The header names a type that there is not.
    """
    try:
        kind: np.dtype[Any] = header.get_data_dtype()
    except (KeyError, HeaderDataError) as problem:
        raise InputError(f"{path}: the NIfTI header is damaged (it names no known type of voxel); export the file anew") from problem
    return kind


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    with path.open("rb") as raw:
        is_gzip = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        yield io.BufferedReader(gzip.GzipFile(fileobj=raw)) if is_gzip else raw


def _header(path: Path, file: BinaryIO) -> tuple[Any, list[bytes]]:
    try:
        with quiet():
            start = file.read(4)
            file.seek(0)
            kind = nib.Nifti2Header if 540 in (int.from_bytes(start, "little"), int.from_bytes(start, "big")) else nib.Nifti1Header
            header = kind(file.read(kind.template_dtype.itemsize), check=False)  # type: ignore[no-untyped-call]
            return header, _extensions(header, file)
    except (EOFError, OSError, ValueError, zlib.error, HeaderDataError, nib.wrapstruct.WrapStructError) as problem:
        raise InputError(f"{path}: the NIfTI header is damaged or truncated; copy or export the file anew") from problem


def _extensions(header: Any, file: BinaryIO) -> list[bytes]:
    """The contents of the header's extensions that lie before the voxels."""
    end, found = int(header["vox_offset"]), []
    if end > MAX_EXTENSION_BYTES or file.read(4)[:1] in (b"", b"\0"):
        return []
    order = "little" if header.endianness == "<" else "big"
    while file.tell() + 8 <= end:
        size = int.from_bytes(file.read(4), order)  # type: ignore[arg-type]
        file.read(4)
        if size < 16 or file.tell() + size - 8 > end:
            break
        found.append(file.read(size - 8))
    return found


def _shape(path: Path, header: Any) -> tuple[tuple[int, int, int], str]:
    try:
        shape = tuple(int(n) for n in header.get_data_shape())
    except (HeaderDataError, ValueError, IndexError) as problem:
        raise InputError(f"{path}: the NIfTI header is damaged (its dimensions make no sense); export the file anew") from problem
    i, j, k, *more = (*shape, 1, 1, 1)[: max(len(shape), 3)]
    several = [n for n in more if n != 1]
    if several:
        return (i, j, k), f"holds {' x '.join(map(str, several))} volumes (time points, directions or channels), expected one; export the one that is meant"
    return (i, j, k), ""


def _voxels(path: Path, file: BinaryIO, header: Any, shape: tuple[int, int, int]) -> Array:
    kind = type_of(path, header)
    if kind.names or kind.kind not in "iuf" or kind.itemsize > 8:
        raise InputError(f"{path}: voxels of colours, complex or extended numbers ({kind}), expected one real number each; export it in grey")
    array = np.empty(shape[::-1], kind)
    try:
        file.seek(int(header["vox_offset"]))
        got = file.readinto(array.reshape(-1).view(np.uint8).data)  # type: ignore[attr-defined]
        file.read(1)  # at its end, gzip compares the checksum
    except (EOFError, OSError, ValueError, zlib.error) as problem:
        raise InputError(f"{path}: damaged or truncated: the voxels end early or their checksum is wrong; copy or export the file anew") from problem
    if got != array.nbytes:
        raise InputError(f"{path}: truncated: {got} of {array.nbytes} bytes of voxels are there; copy or export the file anew")
    slope, intercept = header.get_slope_inter()
    return compact(scaled(array, 1.0 if slope is None else float(slope), 0.0 if intercept is None else float(intercept)))


def _names(path: Path, extensions: list[bytes]) -> dict[int, str]:
    names: dict[int, str] = {}
    for content in extensions:
        names |= names_in_xml(content)
    return names
