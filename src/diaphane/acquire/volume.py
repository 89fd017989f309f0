"""A volume as a file gives it, before it is a case or labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from diaphane.core.arrays import Array, FloatArray
from diaphane.core.case import Case
from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.core.verdict import Verdict

Say = Literal["passed", "doubted", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """Voxels, where they lie, and what is odd about them."""

    array: Array | None
    """[k, j, i]; None where it is refused."""
    affine: FloatArray | None
    """[k, j, i] to LPS mm; None where it is refused."""
    notes: tuple[tuple[Say, str], ...] = ()
    frame_of_reference_uid: str | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    """What the file calls its label values."""

    def case(self, name: str, source_sha256: str) -> Case:
        """The case of this volume; without an image where it is refused."""
        verdicts = tuple(Verdict(gate="input", verdict=say, subject=name, reason=reason) for say, reason in self.notes)
        if self.array is None or self.affine is None:
            return Case(verdicts=verdicts)
        geometry = Geometry(self.affine, calibrated=True, frame_of_reference_uid=self.frame_of_reference_uid)
        return Case(images=(Image(self.array, geometry, name, source_sha256),), verdicts=verdicts)


def refused(*notes: tuple[Say, str]) -> Volume:
    """A volume that was read as far as to know why it is refused."""
    return Volume(array=None, affine=None, notes=notes)


def is_usable(affine: FloatArray) -> bool:
    """Whether an affine is finite and has an inverse: no axis of length 0, no two parallel."""
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    return bool(np.isfinite(affine).all() and (lengths > 0).all() and abs(np.linalg.det(affine[:3, :3] / lengths)) > 1e-4)


def nan_note(array: Array) -> tuple[tuple[Say, str], ...]:
    """A doubt about voxels that are no numbers; none for integers."""
    bad = int(np.count_nonzero(~np.isfinite(array))) if array.dtype.kind == "f" else 0
    return (("doubted", f"{bad} of {array.size} voxels are not finite numbers"),) if bad else ()
