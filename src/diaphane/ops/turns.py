"""A thumbnail of a picture or volume, and all ways in which it may lie: turned, mirrored, its axes in another order."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np

from diaphane.core.arrays import Array, FloatArray, IntArray
from diaphane.ops.resample import resample, resample_volume

SIDE = 8
"""Cells of a thumbnail along each axis: on chest X-rays 8 told turned films from upright ones as well as 16 or 24."""
PLANE = {
    (1, -2): "mirrored left-right",
    (-1, 2): "mirrored up-down",
    (-1, -2): "upside down",
    (2, 1): "mirrored about its diagonal",
    (-2, -1): "mirrored about its other diagonal",
    (2, -1): "turned by 90 degrees",
    (-2, 1): "turned by 90 degrees",
}
AXES = ("feet-head", "front-back", "right-left")

Turn = tuple[int, ...]
"""Axes, from 1 on, in the order in which they are taken; negative: flipped. ``(1, 2)`` leaves a picture as it is."""


def turns(axes: int) -> tuple[Turn, ...]:
    """Every order and direction of so many axes; the first leaves them as they are."""
    orders = permutations(range(1, axes + 1))
    return tuple(tuple(a * s for a, s in zip(order, signs, strict=True)) for order in orders for signs in product((1, -1), repeat=axes))


def by_turn(array: Array, turn: Turn) -> Array:
    """A view of ``array`` with its axes as ``turn`` has them."""
    return array.transpose([abs(a) - 1 for a in turn])[tuple(slice(None, None, 1 if a > 0 else -1) for a in turn)]


def places(turn: Turn) -> IntArray:
    """Where each cell of a turned, flattened thumbnail comes from."""
    return by_turn(np.arange(SIDE ** len(turn)).reshape((SIDE,) * len(turn)), turn).ravel()


def words(turn: Turn) -> str:
    """What is the matter with an image that looks right after ``turn``."""
    if len(turn) == 2:
        return PLANE[turn]
    flipped = [AXES[abs(a) - 1] for a in turn if a < 0]
    moved = [AXES[n] for n, a in enumerate(turn) if abs(a) != n + 1]
    said = [f"with the axes {', '.join(moved)} in another order"] * bool(moved) + [f"flipped {' and '.join(flipped)}"] * bool(flipped)
    return " and ".join(said)


def thumbnail(array: Array) -> FloatArray:
    """``array`` (row, column) or (slice, row, column) averaged over ``SIDE`` cells an axis, flat, of mean 0 and spread 1; 0 where all is one grey."""
    small = resample(array.astype(np.float32), SIDE, SIDE) if array.ndim == 2 else resample_volume(array, (SIDE, SIDE, SIDE))
    flat = np.asarray(small, np.float64).ravel()
    spread = float(flat.std())
    return np.asarray((flat - flat.mean()) / spread) if spread > 1e-6 * (1 + abs(float(flat.mean()))) else np.zeros_like(flat)
