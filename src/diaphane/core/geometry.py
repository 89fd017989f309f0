"""Where the voxels of an image lie: the one coordinate convention of the project."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from diaphane.core.arrays import FloatArray, frozen
from diaphane.errors import InputError


def _identity() -> FloatArray:
    return np.eye(4)


@dataclass(frozen=True, slots=True)
class Geometry:
    """The map from array index ``[k, j, i]`` (slice, row, column) to LPS millimetres.

    A picture without scale has ``calibrated=False``: its affine then counts pixels, and nothing may
    be stated in millimetres. Source: DICOM PS3.3 C.7.6.2 (patient coordinates, LPS).

    Raises:
        InputError: The affine is not 4x4, not finite, or has no inverse.
    """

    affine: FloatArray = field(default_factory=_identity)
    """4x4, homogeneous: ``affine @ (k, j, i, 1) = (x, y, z, 1)``, LPS, mm (pixels when uncalibrated)."""
    calibrated: bool = False
    """Whether lengths along the affine are millimetres."""
    frame_of_reference_uid: str | None = None
    """DICOM frame of reference; None for pictures."""

    def __post_init__(self) -> None:
        affine = np.asarray(self.affine, dtype=np.float64)
        if affine.shape != (4, 4) or not np.isfinite(affine).all():
            raise InputError(f"an affine must be a finite 4x4 matrix, got shape {affine.shape}")
        if abs(np.linalg.det(affine[:3, :3])) < 1e-14:
            raise InputError("an affine must have an inverse: a spacing of 0 (or next to it) or two parallel axes was found; correct it in the file's header")
        object.__setattr__(self, "affine", frozen(affine))

    @classmethod
    def of_picture(cls, spacing_mm: float | None = None) -> Geometry:
        """The geometry of a picture: square pixels of ``spacing_mm``, or no scale at all.

        Raises:
            InputError: ``spacing_mm`` is not a positive, finite number.
        """
        if spacing_mm is None:
            return cls(_picture_affine(1.0))
        if not (np.isfinite(spacing_mm) and spacing_mm > 0):
            raise InputError(f"the pixel spacing must be a positive number of millimetres, got {spacing_mm}")
        return cls(_picture_affine(spacing_mm), calibrated=True)

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Distance between neighbours along k, j, i, in mm (pixels when uncalibrated)."""
        k, j, i = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(k), float(j), float(i)

    @property
    def origin(self) -> tuple[float, float, float]:
        """World position of index (0, 0, 0)."""
        x, y, z = self.affine[:3, 3]
        return float(x), float(y), float(z)

    @property
    def direction(self) -> FloatArray:
        """3x3, unit columns: the world direction of k, j, i."""
        return frozen(self.affine[:3, :3] / np.array(self.spacing))

    def to_world(self, index: FloatArray) -> FloatArray:
        """World points (…, 3) of array indices (…, 3) in ``[k, j, i]`` order."""
        return np.asarray(index) @ self.affine[:3, :3].T + self.affine[:3, 3]

    def to_index(self, world: FloatArray) -> FloatArray:
        """Array indices (…, 3), fractional, of world points (…, 3)."""
        inverse = np.linalg.inv(self.affine[:3, :3])
        return (np.asarray(world) - self.affine[:3, 3]) @ inverse.T


def _picture_affine(spacing: float) -> FloatArray:
    """Column to x, row to y, the (single) slice to z."""
    affine = np.zeros((4, 4))
    affine[2, 0] = affine[1, 1] = affine[0, 2] = spacing
    affine[3, 3] = 1.0
    return affine
