"""Intensity scales: each takes the grid, the part of it that holds the image, and the recipe; the grid may be written over."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from diaphane.core.arrays import Array, FloatArray
from diaphane.core.recipe import InputRecipe

DECILES = (1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 99)
"""The percentiles that a recipe's landmarks stand for. Source: Nyúl, Udupa, Zhang, IEEE TMI 19, 143 (2000), L4."""
EVEN = np.linspace(0, 100, 257)
"""The percentiles by which a histogram is evened out."""


def _fixed(grid: FloatArray, inside: FloatArray, recipe: InputRecipe) -> FloatArray:
    """By the training set's mean and standard deviation."""
    return _scaled(grid, np.asarray(recipe.mean, np.float32), np.asarray(recipe.std, np.float32))


def _z_score(grid: FloatArray, inside: FloatArray, recipe: InputRecipe) -> FloatArray:
    """By the image's own mean and standard deviation; a constant image becomes 0."""
    return _scaled(grid, inside.mean(), max(float(inside.std()), 1e-6))


def _window(grid: FloatArray, inside: FloatArray, recipe: InputRecipe) -> FloatArray:
    """The values around a centre to 0-1, as DICOM's window does, without its half a grey level. Source: DICOM PS3.3 C.11.2.1.3.2 (LINEAR_EXACT)."""
    centre, width = recipe.window
    return _between(grid, centre - width / 2, centre + width / 2)


def _percentile(grid: FloatArray, inside: FloatArray, recipe: InputRecipe) -> FloatArray:
    """The values between two of the image's own percentiles to 0-1; where these are equal, to 0."""
    low, high = (float(v) for v in np.percentile(inside, recipe.percentiles))
    return _between(grid, low, high)


def _histogram(grid: FloatArray, inside: FloatArray, recipe: InputRecipe) -> FloatArray:
    """The image's own percentiles to those of a standard, straight lines between them.

    With landmarks the first and the last line go on beyond their ends, as in the source; without, all becomes 0-1, each value about as
    often as any other. A constant image becomes the middle of the standard.
    """
    own = np.asarray(np.percentile(inside, DECILES if recipe.landmarks else EVEN), np.float64)
    standard: FloatArray = np.array(recipe.landmarks or EVEN / 100, np.float64)
    values, which = np.unique(own, return_inverse=True)
    standard = np.bincount(which, standard) / np.bincount(which)  # of equal percentiles the mean
    for plane in grid:
        plane[...] = _along(plane, values, standard) if recipe.landmarks else np.interp(plane, values, standard)
    return grid


def _along(plane: Array, values: FloatArray, standard: FloatArray) -> FloatArray:
    out = np.interp(plane, values, standard)
    if len(values) > 1:
        slopes = np.diff(standard)[[0, -1]] / np.diff(values)[[0, -1]]
        out += np.minimum(plane - values[0], 0) * slopes[0] + np.maximum(plane - values[-1], 0) * slopes[1]
    return np.asarray(out)


def _between(grid: FloatArray, low: float, high: float) -> FloatArray:
    grid = _scaled(grid, np.float32(low), max(high - low, 1e-6))
    return np.asarray(np.clip(grid, 0, 1, out=grid))


def _scaled(grid: FloatArray, offset: FloatArray | np.floating, width: FloatArray | float) -> FloatArray:
    grid -= offset
    grid /= width
    return grid


NORMALISATIONS: dict[str, Callable[[FloatArray, FloatArray, InputRecipe], FloatArray]] = {
    "fixed": _fixed,
    "z-score": _z_score,
    "window": _window,
    "percentile": _percentile,
    "histogram": _histogram,
}
