"""How a face may differ from its scan: slowly from place to place, by a few coefficients with a known spread.

A Gaussian process on the skin, cut to its strongest waves. What of it would move the face as a whole is the pose's to say and is held at zero; growing and
shrinking stay in: one camera cannot tell them from distance.

Source: Lüthi et al., Gaussian Process Morphable Models, PAMI 2018; Williams, Seeger, Using the Nyström Method to Speed Up Kernel Machines, NIPS 2001.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diaphane.core.arrays import FloatArray

SAMPLES = 350
"""Places on the face from which the waves are made."""
KEPT, MOST = 0.985, 64
"""Share of the field's variance that the waves hold, and how many they may be."""


@dataclass(frozen=True, slots=True)
class Field:
    """A basis: displacements are ``basis(points) @ coefficients`` (q, 3), each coefficient with mean 0 and standard deviation 1."""

    places: FloatArray
    """(s, 3), scan mm: where the face is."""
    weights: FloatArray
    """(s, q)."""
    length_mm: float
    rigid: FloatArray
    """(6, 3q): the mean motion of the face, mm, and its mean turn times the face's radius, mm, of the coefficients (q, 3) laid out flat."""

    @classmethod
    def over(cls, face: FloatArray, rms_mm: float, length_mm: float) -> Field:
        """On the places ``face`` (n, 3), mm; displacements have a root mean square length of ``rms_mm``."""
        places = face[np.random.default_rng(0).permutation(len(face))[:SAMPLES]]
        values, vectors = np.linalg.eigh(_kernel(places, places, length_mm))
        values, vectors = values[::-1], vectors[:, ::-1]
        count = min(int(np.searchsorted(np.cumsum(values) / values.sum(), KEPT)) + 1, MOST)
        weights = rms_mm / np.sqrt(3) * vectors[:, :count] / np.sqrt(values[:count])
        return cls(places, weights, length_mm, rigid_part(places, _kernel(places, places, length_mm) @ weights))

    @property
    def size(self) -> int:
        """Waves; three coefficients each."""
        return int(self.weights.shape[1])

    def basis(self, points: FloatArray) -> FloatArray:
        """(n, q) at points (n, 3)."""
        return np.asarray(_kernel(points, self.places, self.length_mm) @ self.weights)


def _kernel(a: FloatArray, b: FloatArray, length_mm: float) -> FloatArray:
    square = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return np.asarray(np.exp(-np.maximum(square, 0) / (2 * length_mm**2)))


def rigid_part(places: FloatArray, basis: FloatArray) -> FloatArray:
    """(6, 3q): the least squares rigid motion, mm, of displacements ``basis @ coefficients`` at ``places`` (n, 3); coefficients (q, 3) laid out flat."""
    arms = places - places.mean(axis=0)
    inertia = (arms**2).sum() * np.eye(3) - arms.T @ arms
    radius = np.sqrt((arms**2).sum(axis=1).mean())
    shift = np.einsum("nq,ab->aqb", basis, np.eye(3)) / len(places)
    cross = np.einsum("abc,nb,nq->aqc", _levi_civita(), arms, basis)
    turn = np.linalg.solve(inertia, cross.reshape(3, -1)) * radius
    return np.concatenate([shift.reshape(3, -1), turn])


def _levi_civita() -> FloatArray:
    out = np.zeros((3, 3, 3))
    for a, b, c in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        out[a, b, c], out[a, c, b] = 1, -1
    return out
