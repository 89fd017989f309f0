"""One mask out of those that several networks or folds drew of the same thing: by majority, by their mean probability, or by how far each is to be trusted.

Source: Warfield, Zou, Wells, IEEE Transactions on Medical Imaging 23, 903 (2004): STAPLE.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from diaphane.core.arrays import BoolArray, FloatArray
from diaphane.errors import UsageError

How = Literal["majority", "soft", "staple"]
ROUNDS = 50
"""At most: without a limit STAPLE may go on for ever."""
SETTLED = 1e-6
START = 0.95
"""Sensitivity and specificity at first."""


def agreed(masks: Sequence[BoolArray], how: How, probabilities: Sequence[FloatArray] | None = None) -> BoolArray:
    """The mask that ``masks``, all of one shape, agree on; ``soft`` needs their probabilities.

    Raises:
        UsageError: None, of different shapes, or ``soft`` without probabilities.
    """
    if not masks or len({m.shape for m in masks}) != 1:
        raise UsageError(f"label fusion needs one or more masks of one shape, got {[m.shape for m in masks]}")
    if how == "soft":
        if probabilities is None or len(probabilities) != len(masks):
            raise UsageError("soft label fusion needs a map of probabilities with each mask; take majority or staple without them")
        return np.asarray(np.mean(probabilities, axis=0) >= 0.5)
    if how == "majority":
        return np.asarray(2 * np.sum(masks, axis=0) > len(masks))
    return np.asarray(staple(masks) >= 0.5)


def staple(masks: Sequence[BoolArray], rounds: int = ROUNDS) -> FloatArray:
    """The probability of each pixel, from estimates of each mask's sensitivity and specificity in turn; at most ``rounds`` rounds."""
    votes = np.stack([m.ravel() for m in masks]).astype(float)
    prior = float(np.clip(votes.mean(), 1e-6, 1 - 1e-6))
    hits, misses = (np.full(len(votes), START) for _ in range(2))
    weight = np.full(votes.shape[1], prior)
    for _ in range(rounds):
        yes = prior * np.exp(votes.T @ np.log(hits) + (1 - votes.T) @ np.log(1 - hits))
        no = (1 - prior) * np.exp((1 - votes.T) @ np.log(misses) + votes.T @ np.log(1 - misses))
        new = yes / np.maximum(yes + no, 1e-300)
        moved, weight = float(np.abs(new - weight).max()), new
        hits = np.clip(votes @ weight / max(weight.sum(), 1e-12), 1e-6, 1 - 1e-6)
        misses = np.clip((1 - votes) @ (1 - weight) / max((1 - weight).sum(), 1e-12), 1e-6, 1 - 1e-6)
        if moved < SETTLED:
            break
    return np.asarray(weight.reshape(masks[0].shape))
