"""What reading would understand, from headers alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from diaphane.acquire import nrrd
from diaphane.acquire.dicom_header import syntax_name
from diaphane.acquire.dicom_series import Group, arrangement
from diaphane.acquire.dicom_source import entries_of, files_below, holds_dicom
from diaphane.acquire.dicom_volume import header_verdicts
from diaphane.acquire.film import film_header
from diaphane.acquire.kind import kind_of
from diaphane.acquire.picture import opened, picture_bytes
from diaphane.core.arrays import FloatArray
from diaphane.core.geometry import Geometry
from diaphane.core.storage import reading
from diaphane.errors import InputError

BITS = {"I;16": 16, "I;16L": 16, "I;16B": 16, "I": 32, "F": 32}
TOWARDS = ("RL", "AP", "IS")
"""The letters of an axis towards negative and positive LPS x, y, z."""


def about(path: Path) -> dict[str, Any]:
    """What ``path`` is, its size, scale, orientation, and what is odd about it. No pixel is decoded, nothing of the patient told.

    Raises:
        InputError: It is missing, empty, damaged, or of a kind that is not read.
    """
    with reading(path):
        if path.is_dir() and not holds_dicom(path):
            raise InputError(f"{path}: a folder without DICOM; give one of the files in it")
        kind = "dicom" if path.is_dir() else kind_of(path)
        size = sum(p.stat().st_size for p in files_below(path)) if path.is_dir() else path.stat().st_size
    known = {"picture": _picture, "nifti": _nifti, "nrrd": _nrrd, "video": _video, "dicom": _dicom, "zip": _dicom}[kind](path)
    return {"path": str(path), **known, "bytes": size}


def _picture(path: Path) -> dict[str, Any]:
    with opened(path, picture_bytes(path)) as picture:
        grey = picture.mode in ("1", "L", *BITS)
        return {
            "kind": "picture", "format": picture.format, "width": picture.width, "height": picture.height,
            "channels": 1 if grey else 3, "bits": BITS.get(picture.mode, 8), "frames": getattr(picture, "n_frames", 1),
            "spacing_mm": None, "note": "pictures carry no scale: lengths are in pixels unless --spacing-mm is given",
        }  # fmt: skip


def _nifti(path: Path) -> dict[str, Any]:
    from diaphane.acquire import nifti

    header = nifti.header_of(path)
    affine, notes = nifti.affine_of(header)
    shape = [int(n) for n in header.get_data_shape()]
    kind = nifti.type_of(path, header)
    return {"kind": "volume", "format": "NIfTI", **_grid(shape[:3][::-1], affine), "frames": int(np.prod(shape[3:])), "type": str(kind), **_said(notes)}


def _nrrd(path: Path) -> dict[str, Any]:
    header = nrrd.header_of(path)
    shape, affine = [int(n) for n in header["sizes"]], nrrd.affine_of(header)
    notes = () if affine is not None else (("refused", "no orientation"),)
    return {"kind": "volume", "format": "NRRD", **_grid(shape[-3:][::-1], affine), "frames": int(np.prod(shape[:-3])), "type": header["type"], **_said(notes)}


def _video(path: Path) -> dict[str, Any]:
    film = film_header(path)
    return {
        "kind": "clip", "format": "video", "width": film.size_px[0], "height": film.size_px[1], "frames": film.frame_count, "rate_hz": film.rate_hz,
        "note": "frames as the file's header states them: a clip that breaks off has fewer",
    }  # fmt: skip


def _dicom(path: Path) -> dict[str, Any]:
    entries = entries_of(path)
    found = arrangement(entries)
    kind = found.choices[0].kind if len(found.choices) == 1 else f"{len(found.choices)} images" if found.choices else "no image"
    series = [{"series": place, **_group(group)} for place, group in enumerate(found.choices, start=1)]
    return {"kind": kind, "format": "DICOM", "instances": len(entries), "series": series, "aside": list(found.aside), "others": list(found.others)}


def _group(group: Group) -> Mapping[str, Any]:
    header = group.entries[0].header
    known: dict[str, Any] = {
        "kind": group.kind, "modality": header.modality or None, "series_number": header.series_number, "width": header.columns, "height": header.rows,
        "transfer_syntax": syntax_name(header.transfer_syntax), "channels": header.samples, "bits": header.bits_stored,
    }  # fmt: skip
    if group.kind == "clip":
        return known | {"frames": header.frames, "rate_hz": header.rate_hz}
    if group.kind == "picture":
        return known | {"spacing_mm": header.picture_spacing and list(header.picture_spacing)}
    affine, notes = header_verdicts(group)
    return known | {"slices": group.images, "spacing_mm": None, "orientation": None} | _placement(affine) | _said(notes)


def _grid(shape: list[int], affine: FloatArray | None) -> dict[str, Any]:
    slices, rows, columns = (*[1] * (3 - len(shape)), *shape)
    return {"slices": slices, "height": rows, "width": columns, "spacing_mm": None, "orientation": None, **_placement(affine)}


def _placement(affine: FloatArray | None) -> dict[str, Any]:
    if affine is None:
        return {}
    geometry = Geometry(affine, calibrated=True)
    letters = []
    for column in geometry.direction.T:
        axis = int(np.abs(column).argmax())
        letters.append(TOWARDS[axis][int(column[axis] > 0)])
    return {"spacing_mm": [round(s, 6) for s in geometry.spacing], "orientation": "".join(letters), "origin_mm": [round(x, 4) for x in geometry.origin]}


def _said(notes: Any) -> dict[str, Any]:
    return {"verdicts": [{"verdict": say, "reason": reason} for say, reason in notes]}
