"""Intensity scales: each takes the grid, the part of it that holds the image, and the recipe."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from diaphane.core.arrays import FloatArray
from diaphane.core.recipe import InputRecipe


def _fixed(grid: FloatArray, inside: FloatArray, recipe: InputRecipe) -> FloatArray:
    """By the training set's mean and standard deviation."""
    return np.asarray((grid - np.asarray(recipe.mean, np.float32)) / np.asarray(recipe.std, np.float32), np.float32)


def _z_score(grid: FloatArray, inside: FloatArray, recipe: InputRecipe) -> FloatArray:
    """By the image's own mean and standard deviation; a constant image becomes 0."""
    return np.asarray((grid - inside.mean()) / max(float(inside.std()), 1e-6), np.float32)


NORMALISATIONS: dict[str, Callable[[FloatArray, FloatArray, InputRecipe], FloatArray]] = {"fixed": _fixed, "z-score": _z_score}
