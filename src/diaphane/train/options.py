"""The options of training: what a user may say; whatever is not said, the planner decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from diaphane.nets.design import EncoderName
from diaphane.train.recipe import LossName, OptimizerName, ScheduleName


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What may be said about a training on the command line."""

    network: Literal["auto", "unet", "unetplusplus", "segnet", "deeplabv3plus"] | None = None
    """network to train; auto tries those that fit for 15 % of the minutes and takes the best (default: unet)"""
    encoder: EncoderName | None = None
    """the half of the network that looks; not for segnet (default: plain)"""
    folds: int | None = None
    """train this many networks, each validated on its own part of the data; the bundle is their ensemble (default: one network, a fifth held out)"""
    fold: int | None = None
    """train this fold alone, from 0; the minutes are for it"""
    final: bool = False
    """after the folds, train one network more on everything: it is the bundle, in place of the ensemble, with the figures of the folds"""
    minutes: float = 60.0
    """time for the whole command: check, pilot, all folds, evaluation, export; turned into a number of steps once"""
    epochs: int | None = None
    """passes over the data in place of what fits into the minutes"""
    batch_size: int | None = None
    """samples a step"""
    learning_rate: float | None = None
    """highest learning rate"""
    optimizer: OptimizerName | None = None
    """default: adamw"""
    schedule: ScheduleName | None = None
    """how the learning rate falls (default: poly)"""
    loss: LossName | None = None
    """default: dice_cross_entropy for masks, cross_entropy for classes"""
    seed: int = 0
    """of everything that is drawn"""

    def __post_init__(self) -> None:
        for name, least in (("folds", 2), ("fold", 0), ("epochs", 1), ("batch_size", 1), ("seed", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"--{name.replace('_', '-')} must be at least {least}, got {value}")
        if not self.minutes > 0:
            raise ValueError(f"--minutes must be a positive number, got {self.minutes}")
        if self.learning_rate is not None and not 0 < self.learning_rate < 10:
            raise ValueError(f"--learning-rate must lie between 0 and 10, got {self.learning_rate}")
        if self.fold is not None and self.fold >= (self.folds or 5):
            raise ValueError(f"--fold counts from 0 to {(self.folds or 5) - 1}, got {self.fold}")
        if self.final and (self.folds is None or self.fold is not None):
            raise ValueError("--final takes --folds, and all of them: they say how good the final network is")
