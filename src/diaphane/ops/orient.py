"""Volumes turned so that their axes run feet to head, front to back, right to left."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from diaphane.core.arrays import Array, FloatArray
from diaphane.core.geometry import Geometry

PATIENT_AXES = (2, 1, 0)
"""The LPS coordinate that grows along the axes of a turned array: z (to the head), y (to the back), x (to the left)."""


def turn(geometry: Geometry) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Which array axis lies nearest to z, y and x, and along each of them 1 or, where it has to be flipped, -1."""
    direction = np.asarray(geometry.direction)
    orders = list(permutations(range(3)))
    axes = max(orders, key=lambda order: sum(abs(direction[world, axis]) for world, axis in zip(PATIENT_AXES, order, strict=True)))
    signs = [1 if direction[world, axis] >= 0 else -1 for world, axis in zip(PATIENT_AXES, axes, strict=True)]
    return (axes[0], axes[1], axes[2]), (signs[0], signs[1], signs[2])


def turned(array: Array, geometry: Geometry) -> Array:
    """A view of ``array`` (the first three axes are k, j, i) whose axes run feet to head, front to back, right to left."""
    axes, signs = turn(geometry)
    return array.transpose(*axes, *range(3, array.ndim))[tuple(slice(None, None, sign) for sign in signs)]


def turned_back(array: Array, geometry: Geometry) -> Array:
    """The way back: a view of a turned ``array`` on the grid of ``geometry``."""
    axes, signs = turn(geometry)
    flipped = array[tuple(slice(None, None, sign) for sign in signs)]
    return flipped.transpose(*np.argsort(axes), *range(3, array.ndim))


def turned_spacing(geometry: Geometry) -> tuple[float, float, float]:
    """Distance between neighbours along the axes of a turned array."""
    spacing, (axes, _) = geometry.spacing, turn(geometry)
    return spacing[axes[0]], spacing[axes[1]], spacing[axes[2]]


def tilt_deg(geometry: Geometry) -> float:
    """The largest angle between an array axis and the patient's axis that it is taken for; 0: straight."""
    axes, _ = turn(geometry)
    cosines: FloatArray = np.array([abs(geometry.direction[world, axis]) for world, axis in zip(PATIENT_AXES, axes, strict=True)])
    return float(np.degrees(np.arccos(np.clip(cosines.min(), 0, 1))))
