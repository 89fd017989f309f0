"""NIfTI files: the place where RAS becomes LPS and (i, j, k) becomes [k, j, i]."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from diaphane.core.arrays import Array, FloatArray
from diaphane.core.geometry import Geometry
from diaphane.core.storage import PARTIAL, storage

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
REVERSED = np.array([[0.0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]])
"""(i, j, k) to (k, j, i) and back."""


def to_lps(affine_ras: FloatArray) -> FloatArray:
    """The affine of array index [k, j, i] to LPS mm, of NIfTI's (i, j, k) to RAS mm."""
    return np.asarray(RAS_TO_LPS @ affine_ras @ REVERSED)


def to_ras(affine_lps: FloatArray) -> FloatArray:
    """The way back."""
    return np.asarray(RAS_TO_LPS @ affine_lps @ REVERSED)


def write_nifti(path: Path, array: Array, geometry: Geometry) -> None:
    """``array`` [k, j, i] as it is (no scaling) in ``path`` (``.nii.gz``), whole or not at all; the folder is made."""
    import nibabel as nib

    aside = path.with_name(path.stem.removesuffix(".nii") + PARTIAL + ".nii.gz")
    image = nib.Nifti1Image(np.ascontiguousarray(array.transpose(2, 1, 0)), to_ras(geometry.affine))
    image.header.set_xyzt_units("mm")
    with storage(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            nib.save(image, aside)
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)


def read_nifti(path: Path) -> tuple[Array, Geometry]:
    """What ``write_nifti`` wrote: the array [k, j, i] as stored, and where it lies. For files of our own."""
    import nibabel as nib

    image = nib.load(path)
    array = np.asarray(image.dataobj)  # type: ignore[attr-defined]
    return np.ascontiguousarray(array.transpose(2, 1, 0)), Geometry(to_lps(image.affine), calibrated=True)  # type: ignore[attr-defined]
