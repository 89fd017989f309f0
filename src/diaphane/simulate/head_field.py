"""Smooth random vector fields in space: what makes one head unlike another, and a face unlike its scan.

A sum of many waves whose lengths and directions are drawn so that the correlation of the field at two points is exp(-d² / 2 l²): it has a value
everywhere, whatever mesh asks for it. Source: Rahimi, Recht, Random Features for Large-Scale Kernel Machines, NIPS 2007.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diaphane.core.arrays import FloatArray

WAVES = 256
PART = 20_000
"""Points at a time."""


@dataclass(frozen=True, slots=True)
class Field:
    """Drawn."""

    waves: FloatArray
    """(3, n), radians a mm."""
    phases: FloatArray
    """(n,)."""
    amplitudes: FloatArray
    """(n, 3), mm."""

    def at(self, points: FloatArray) -> FloatArray:
        """(m, 3) mm at points (m, 3)."""
        parts = (points[n : n + PART] for n in range(0, len(points), PART))
        found = [np.cos((p @ self.waves + self.phases).astype(np.float32)) @ self.amplitudes.astype(np.float32) for p in parts]
        return np.concatenate(found).astype(np.float64) if found else np.zeros((0, 3))


def draw_field(rng: np.random.Generator, correlation_mm: float, rms_mm: float) -> Field:
    """A field whose expected root mean square length is ``rms_mm``."""
    amplitudes = rng.normal(size=(WAVES, 3)) * rms_mm * np.sqrt(2 / 3 / WAVES)
    return Field(rng.normal(size=(3, WAVES)) / correlation_mm, rng.uniform(0, 2 * np.pi, WAVES), amplitudes)


@dataclass(frozen=True, slots=True)
class Deformation:
    """A field without the rigid motion in it, brought to a size."""

    field: Field
    shift: FloatArray
    """(3,), mm."""
    turn: FloatArray
    """(3,), small rotation vector."""
    middle: FloatArray
    scale: float

    def at(self, points: FloatArray) -> FloatArray:
        """(m, 3) mm at points (m, 3)."""
        points = np.asarray(points, float)
        return self.scale * (self.field.at(points) - self.shift - np.cross(self.turn, points - self.middle))


def deformation(field: Field, face: FloatArray, rms_mm: float) -> Deformation:
    """``field`` less its best rigid motion over the points ``face`` (n, 3), with this root mean square length there; growing and shrinking stay in it."""
    middle = face.mean(axis=0)
    arms, moved = face - middle, field.at(face)
    shift = moved.mean(axis=0)
    inertia = (arms**2).sum() * np.eye(3) - arms.T @ arms
    turn = np.linalg.solve(inertia, np.cross(arms, moved - shift).sum(axis=0))
    left = moved - shift - np.cross(turn, arms)
    return Deformation(field, shift, turn, middle, float(rms_mm / np.sqrt((left**2).sum(axis=1).mean())))
