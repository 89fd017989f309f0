"""Fitting a linear function of thumbnails that is largest where an item lies as those of the training do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize

from diaphane.core.arrays import FloatArray
from diaphane.ops.turns import Turn, places, turns
from diaphane.train.recipe import AugmentTable

RIDGE = 0.1
ANY_TURN_DEG = 45.0
"""Augmentation that turns further than this makes every turn in the plane natural."""


def natural_turns(augment: AugmentTable, axes: int) -> tuple[Turn, ...]:
    """The turns that augmentation makes: its mirror images, quarter turns where it turns so far, and all that follows from these."""
    same = tuple(range(1, axes + 1))
    flips = augment.flip[3 - axes :]
    steps = [tuple(-a if a == n else a for a in same) for n, flip in enumerate(flips, start=1) if flip]
    if augment.rotation_deg > ANY_TURN_DEG:
        steps.append((*same[:-2], same[-1], -same[-2]))
    found = {same}
    while (more := found | {_then(turn, step) for turn in found for step in steps}) != found:
        found = more
    return tuple(turn for turn in turns(axes) if turn in found)


def unnatural_turns(natural: Sequence[Turn], axes: int) -> tuple[Turn, ...]:
    """The others."""
    return tuple(turn for turn in turns(axes) if turn not in natural)


def opposite(turn: Turn) -> Turn:
    """The way back."""
    same = tuple(range(1, len(turn) + 1))
    return next(other for other in turns(len(turn)) if _then(turn, other) == same)


def fit_layout(small: FloatArray, unnatural: Sequence[Turn]) -> FloatArray:
    """Weights of the cells of thumbnails (item, cell): items shall sum up to more as they are than inverted or turned.

    By the conditional logit, with a ridge. Source: McFadden, in Frontiers in Econometrics, 105 (1974).
    """
    orders = np.array([places(turn) for turn in unnatural], dtype=np.intp).reshape(len(unnatural), small.shape[1])
    back = np.argsort(orders, axis=1)
    rows = np.arange(len(back))[:, None]

    def loss(weights: FloatArray) -> tuple[float, FloatArray]:
        options = np.concatenate([weights[None], -weights[None], weights[back]])  # what is turned is summed as if its weights were turned back
        sums = small @ options.T
        sums -= sums.max(axis=1, keepdims=True)
        odds = np.exp(sums)
        chosen = odds / odds.sum(axis=1, keepdims=True)
        value = -np.log(chosen[:, 0] + 1e-300).mean() + RIDGE * weights @ weights
        chosen[:, 0] -= 1
        slopes = chosen.T @ small / len(small)
        slope = slopes[0] - slopes[1] + (slopes[2:][rows, orders].sum(axis=0) if len(orders) else 0)
        return float(value), np.asarray(slope + 2 * RIDGE * weights)

    return np.asarray(minimize(loss, np.zeros(small.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 200}).x)


def scores_of(small: FloatArray, weights: FloatArray, unnatural: Sequence[Turn]) -> FloatArray:
    """(item, 1 + turn): how much more an inverted item, or one after each turn, sums up to than it does as it is."""
    own = small @ weights
    return np.stack([-2 * own, *(small[:, places(turn)] @ weights - own for turn in unnatural)], axis=1)


def _then(first: Turn, second: Turn) -> Turn:
    return tuple(first[abs(a) - 1] * (1 if a > 0 else -1) for a in second)
