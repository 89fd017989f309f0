"""Rigid motion between two coordinate systems in millimetres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diaphane.core.arrays import FloatArray, frozen
from diaphane.errors import InputError


@dataclass(frozen=True, slots=True)
class RigidTransform:
    """``y = rotation @ x + translation_mm``.

    Raises:
        InputError: The rotation is not 3x3, orthonormal and right-handed (to 1e-5), or a number is not finite.
    """

    rotation: FloatArray
    """3x3."""
    translation_mm: FloatArray
    """(3,)."""

    def __post_init__(self) -> None:
        rotation, translation = np.asarray(self.rotation, float), np.asarray(self.translation_mm, float)
        is_rotation = rotation.shape == (3, 3) and np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-5) and np.linalg.det(rotation) > 0
        if not is_rotation or translation.shape != (3,) or not np.isfinite(translation).all():
            raise InputError("a rigid transform needs a right-handed orthonormal 3x3 rotation and 3 finite millimetres")
        object.__setattr__(self, "rotation", frozen(rotation))
        object.__setattr__(self, "translation_mm", frozen(translation))

    def __call__(self, points: FloatArray) -> FloatArray:
        """Points (…, 3) moved."""
        return np.asarray(points) @ self.rotation.T + self.translation_mm

    def inverse(self) -> RigidTransform:
        """The way back."""
        return RigidTransform(self.rotation.T, -self.rotation.T @ self.translation_mm)
