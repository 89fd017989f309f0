"""Losses on logits."""

from __future__ import annotations

import torch
from torch.nn import functional

IGNORE = 255
"""The label of pixels that teach nothing: nobody knows what they are."""


def dice_cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy plus (1 - soft Dice), the mean over pictures and foreground classes.

    Shape: logits (batch, class, row, column), labels (batch, row, column) int64.
    Pixels labelled ``IGNORE`` do not count. A class absent from both gives a Dice of 1. Source: Isensee et al. 2021; Milletari et al. 2016 (soft Dice).
    """
    known = (labels != IGNORE).unsqueeze(1)
    probability = logits.softmax(dim=1) * known
    truth = functional.one_hot(labels * known[:, 0], logits.shape[1]).movedim(-1, 1).to(probability.dtype) * known
    both = (probability * truth).sum(dim=(2, 3))[:, 1:]
    total = (probability + truth).sum(dim=(2, 3))[:, 1:]
    dice = (2 * both + 1) / (total + 1)
    return functional.cross_entropy(logits, labels, ignore_index=IGNORE) + 1 - dice.mean()
