"""NRRD (``.nrrd``, ``.seg.nrrd``, ``.nhdr`` with its data beside it), attached or detached, raw, gzip, bzip2 or ASCII.

Source: "Definition of NRRD File Format", Teem; segment keys as 3D Slicer writes them.
"""

from __future__ import annotations

import bz2
import gzip
import io
import re
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import nrrd
import numpy as np

from diaphane.acquire.quiet import quiet
from diaphane.acquire.volume import Say, Volume, is_usable, nan_note, refused
from diaphane.acquire.voxels import check_size, compact
from diaphane.core.arrays import Array, FloatArray
from diaphane.core.storage import reading
from diaphane.errors import InputError

TO_LPS = {
    "left-posterior-superior": (1, 1, 1), "lps": (1, 1, 1), "right-anterior-superior": (-1, -1, 1), "ras": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1), "las": (1, -1, 1),
}  # fmt: skip
UNITS_MM = {"mm": 1.0, "millimeter": 1.0, "millimeters": 1.0, "cm": 10.0, "m": 1000.0, "um": 0.001, "µm": 0.001, "microns": 0.001}
NUMPY_OF = {
    **dict.fromkeys(("signed char", "int8", "int8_t"), "i1"), **dict.fromkeys(("uchar", "unsigned char", "uint8", "uint8_t"), "u1"),
    **dict.fromkeys(("short", "short int", "signed short", "signed short int", "int16", "int16_t"), "i2"),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), "u2"),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t"), "i4"), **dict.fromkeys(("uint", "unsigned int", "uint32", "uint32_t"), "u4"),
    **dict.fromkeys(("longlong", "long long", "long long int", "signed long long", "signed long long int", "int64", "int64_t"), "i8"),
    **dict.fromkeys(("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"), "u8"),
    "float": "f4", "double": "f8",
}  # fmt: skip
ASCII = ("ascii", "text", "txt")
DECODERS: dict[str, Callable[[BinaryIO], Any]] = {
    "raw": lambda file: file, "gzip": lambda file: gzip.GzipFile(fileobj=file), "gz": lambda file: gzip.GzipFile(fileobj=file),
    "bzip2": bz2.BZ2File, "bz2": bz2.BZ2File,
}  # fmt: skip
SEGMENT_KEY = re.compile(r"Segment(\d+)_(Name|LabelValue|Layer)")


def read_nrrd(path: Path, max_voxels: int) -> Volume:
    """The volume in ``path``: uint8, int16 or float32.

    Raises:
        InputError: The file is damaged or truncated, too large, or points to data outside its folder.
    """
    with reading(path), path.open("rb") as file:
        header = _parsed(path, file)
        sizes = [int(n) for n in header["sizes"]]
        columns, notes = _columns(header, len(sizes))
        if columns is None:
            return refused(*notes)
        spatial = [axis for axis in range(len(sizes)) if columns[axis] is not None]
        several = [n for axis, n in enumerate(sizes) if axis not in spatial and n != 1]
        if several or len(spatial) != 3:
            what = " x ".join(map(str, several)) if several else f"{len(spatial)} spatial axes"
            return refused(("refused", f"holds {what} values a voxel (time points, channels or layers), expected one volume; export the one that is meant"))
        check_size(path, sizes[::-1], max_voxels)
        array = _voxels(path, file, header, sizes)
    affine = affine_of(header)
    if affine is None:
        return refused(("refused", "no orientation: the space directions are singular or not finite; export the volume anew"))
    volume = compact(array.reshape([sizes[axis] for axis in reversed(spatial)]))
    return Volume(array=volume, affine=affine, notes=notes + nan_note(volume), names=_segment_names(header))


def header_of(path: Path) -> Mapping[str, Any]:
    """The header alone, as pynrrd has it.

    Raises:
        InputError: It is damaged.
    """
    with reading(path), path.open("rb") as file:
        return _parsed(path, file)


def affine_of(header: Mapping[str, Any]) -> FloatArray | None:
    """The affine to LPS mm that a header of three spatial axes states; None where it states none."""
    columns, _ = _columns(header, len(header["sizes"]))
    spatial = [c for c in columns or [] if c is not None]
    if len(spatial) != 3:
        return None
    affine = np.eye(4)
    affine[:3, :3] = np.column_stack(spatial[::-1])
    affine[:3, 3] = _to_lps(header) @ np.asarray(header.get("space origin", [0, 0, 0]), float)
    return affine if is_usable(affine) else None


def _parsed(path: Path, file: BinaryIO) -> Mapping[str, Any]:
    try:
        with quiet():
            header: Mapping[str, Any] = nrrd.read_header(file)
        sizes, kind, _ = header["sizes"], header["type"], header["encoding"]
    except (nrrd.NRRDError, ValueError, KeyError, IndexError, TypeError, UnicodeDecodeError, OverflowError) as problem:
        raise InputError(f"{path}: the NRRD header is damaged or incomplete; export the file anew") from problem
    if kind not in NUMPY_OF:
        raise InputError(f"{path}: voxels of type '{str(kind)[:20]}', expected whole or floating-point numbers")
    if len(sizes) > 8:
        raise InputError(f"{path}: {len(sizes)} axes, expected 3")
    return header


def _to_lps(header: Mapping[str, Any]) -> FloatArray:
    signs = TO_LPS.get(str(header.get("space", "")).lower(), (1, 1, 1))
    unit = (header.get("space units") or ["mm"])[0]
    return np.diag(signs) * UNITS_MM.get(str(unit).lower().strip('"'), 1.0)


def _columns(header: Mapping[str, Any], axes: int) -> tuple[list[FloatArray | None] | None, tuple[tuple[Say, str], ...]]:
    """The LPS direction of each axis, None for one that is not of space; None for all where nothing is stated."""
    space, directions = str(header.get("space", "")).lower(), header.get("space directions")
    if space not in TO_LPS or directions is None or len(directions) != axes:
        stated = f"'{space[:40]}'" if space else "none"
        reason = f"no orientation: the space is {stated}, expected left-posterior-superior or its like, with space directions; export it anew"
        return None, (("refused", reason),)
    rows = [None if row is None else np.asarray(row, float) for row in directions]
    to_lps = _to_lps(header)
    columns = [None if row is None or row.shape != (3,) or not np.isfinite(row).all() else to_lps @ row for row in rows]
    origin: tuple[tuple[Say, str], ...] = () if "space origin" in header else (("doubted", "the header names no space origin; taken as 0, 0, 0"),)
    return columns, origin


def _voxels(path: Path, file: BinaryIO, header: Mapping[str, Any], sizes: list[int]) -> Array:
    order = "<" if str(header.get("endian", "little")).lower() == "little" else ">"
    kind = np.dtype(order + NUMPY_OF[header["type"]])
    count = int(np.prod(sizes))
    try:
        if header.get("data file", header.get("datafile")) is None:
            return _decoded(path, file, header, kind, count)
        with _detached(path, header).open("rb") as data:
            return _decoded(path, data, header, kind, count)
    except (EOFError, OSError, ValueError, zlib.error) as problem:
        if isinstance(problem, InputError):
            raise
        raise InputError(f"{path}: damaged or truncated: the voxels cannot be decoded; copy or export the file anew") from problem


def data_file(path: Path) -> Path | None:
    """The file beside the header ``path`` that holds its voxels; None where they are in it.

    Raises:
        InputError: The header is damaged, or points to several files or out of its folder.
    """
    header = header_of(path)
    return None if header.get("data file", header.get("datafile")) is None else _detached(path, header)


def _detached(path: Path, header: Mapping[str, Any]) -> Path:
    name = header.get("data file", header.get("datafile"))
    if not isinstance(name, str) or "%" in name or name.upper().startswith("LIST"):
        raise InputError(f"{path}: its data lie in several files, expected one; save it as .nrrd")
    folder = path.parent.resolve()
    data = (folder / name).resolve()
    if not data.is_relative_to(folder):
        raise InputError(f"{path}: its data file lies outside its folder, which is not followed; put both into one folder")
    if not data.is_file():
        raise InputError(f"{path}: its data file is missing; put it beside the header, or save both as one .nrrd")
    return data


def _decoded(path: Path, file: BinaryIO, header: Mapping[str, Any], kind: np.dtype[Any], count: int) -> Array:
    for _ in range(int(header.get("line skip", header.get("lineskip", 0)))):
        file.readline(2**20)
    encoding = str(header["encoding"]).lower()
    if encoding in ASCII:
        array = np.array(file.read(24 * count).split()[:count], np.float64).astype(kind)
        return _whole(path, array, array.nbytes, count)
    if encoding not in DECODERS:
        raise InputError(f"{path}: the encoding '{encoding[:20]}' is not read; save it as raw or gzip")
    stream, skip = DECODERS[encoding](file), int(header.get("byte skip", header.get("byteskip", 0)))
    if skip >= 0:
        stream.seek(skip, io.SEEK_CUR)
    else:  # the voxels end where the file does
        stream.seek(-count * kind.itemsize, io.SEEK_END)
    array = np.empty(count, kind)
    view, got = array.view(np.uint8).data, 0
    while got < array.nbytes and (more := stream.readinto(view[got:])):
        got += more
    return _whole(path, array, got, count)


def _whole(path: Path, array: Array, got: int, count: int) -> Array:
    if array.size != count or got != array.nbytes:
        raise InputError(f"{path}: truncated: {got} of {count * array.itemsize} bytes of voxels are there; copy or export the file anew")
    return array


def _segment_names(header: Mapping[str, Any]) -> dict[int, str]:
    segments: dict[str, dict[str, str]] = {}
    for key, value in header.items():
        if found := SEGMENT_KEY.fullmatch(key):
            segments.setdefault(found[1], {})[found[2]] = str(value)
    values = {s.get("LabelValue", str(int(number) + 1)): s.get("Name", "") for number, s in segments.items()}
    return {int(value): name for value, name in values.items() if value.isdigit()}
