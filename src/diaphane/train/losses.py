"""Losses on logits (batch, class, …) and labels (batch, …) int64; of classes (batch, class) and (batch)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional

from diaphane.prepare.truth import UNKNOWN
from diaphane.train.recipe import LossName

IGNORE = UNKNOWN
"""The label of pixels that teach nothing: nobody knows what they are."""
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The mean over all that is not ``IGNORE``; 0 where nothing is known."""
    known = (labels != IGNORE).sum().clamp(min=1)
    return functional.cross_entropy(logits, labels, ignore_index=IGNORE, reduction="sum") / known


def focal(logits: torch.Tensor, labels: torch.Tensor, gamma: float = 2.0) -> torch.Tensor:
    """Cross-entropy that makes little of what is already right. Source: Lin et al., ICCV 2017, arXiv 1708.02002, equation 4."""
    each = functional.cross_entropy(logits, labels, ignore_index=IGNORE, reduction="none")
    known = (labels != IGNORE).sum().clamp(min=1)
    return (each * (1 - torch.exp(-each)) ** gamma).sum() / known


def soft_dice(logits: torch.Tensor, labels: torch.Tensor, *, together: bool = False) -> torch.Tensor:
    """1 - soft Dice, the mean over foreground classes, and samples unless all are taken ``together`` as one; a class absent from both gives 0.

    Source: Milletari et al., 3DV 2016, arXiv 1606.04797, section 3; with 1 added above and below.
    """
    axes = (0, *range(2, logits.ndim)) if together else tuple(range(2, logits.ndim))
    known = (labels != IGNORE).unsqueeze(1)
    probability = logits.softmax(dim=1) * known
    truth = functional.one_hot(labels * known[:, 0], logits.shape[1]).movedim(-1, 1).to(probability.dtype) * known
    both = (probability * truth).sum(dim=axes)[..., 1:]
    total = (probability + truth).sum(dim=axes)[..., 1:]
    return 1 - ((2 * both + 1) / (total + 1)).mean()


def dice_cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Both, added. Source: Isensee et al., Nature Methods 18, 203 (2021)."""
    return cross_entropy(logits, labels) + soft_dice(logits, labels)


def batch_dice_cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Both, with the Dice of a batch as one image: for structures that most items lack, which Dice a sample teaches never to see. Source: as above."""
    return cross_entropy(logits, labels) + soft_dice(logits, labels, together=True)


def dice_focal(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Both, added: for structures of few pixels."""
    return focal(logits, labels) + soft_dice(logits, labels)


LOSSES: dict[LossName, Loss] = {
    "dice_cross_entropy": dice_cross_entropy,
    "batch_dice_cross_entropy": batch_dice_cross_entropy,
    "dice_focal": dice_focal,
    "cross_entropy": cross_entropy,
    "focal": focal,
}


def total_loss(loss: Loss, outputs: torch.Tensor | list[torch.Tensor], labels: torch.Tensor) -> torch.Tensor:
    """``loss`` of the logits, or, with deep supervision, its mean over all heads (Zhou et al. 2020, equation 2)."""
    heads = outputs if isinstance(outputs, list) else [outputs]
    return torch.stack([loss(logits.float(), labels) for logits in heads]).mean()
