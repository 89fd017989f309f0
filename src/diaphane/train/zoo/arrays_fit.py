"""The trainer's loop on arrays in memory, for networks whose data no data set folder holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from diaphane.core.arrays import FloatArray, IntArray
from diaphane.nets.blocks import Network
from diaphane.nets.network import network as make_network
from diaphane.train.arrays import Stored
from diaphane.train.batches import Batches
from diaphane.train.checkpoint import read_weights
from diaphane.train.loop import BEST, Look, train
from diaphane.train.recipe import AugmentTable, LoopTable


@dataclass(frozen=True, slots=True, kw_only=True)
class FitOptions:
    """How a network is trained."""

    steps: int
    batch_size: int
    augment: AugmentTable
    seed: int
    widths: Sequence[int] = (16, 32, 64, 128, 256)
    """Channels at each resolution; 1.9 M parameters."""
    learning_rate: float = 2e-3
    ema: float = 0.998
    channels_last: bool = False
    looks: int = 1
    """At what is held out, evenly through the steps; with one the last average is kept, with more the best."""
    patience: int = 0

    @property
    def loop(self) -> LoopTable:
        """The loop that they describe."""
        return LoopTable(
            steps=self.steps, batch_size=self.batch_size, loss="dice_cross_entropy", optimizer="adamw", learning_rate=self.learning_rate,
            weight_decay=1e-2, schedule="poly", warmup_steps=100, clip_norm=5.0, ema=self.ema, foreground=0.0, precision="bfloat16",
            channels_last=self.channels_last, validations=self.looks, validation_items=1, checkpoint_minutes=5, patience=self.patience, seed=self.seed,
        )  # fmt: skip


def augment(rotation_deg: float, scale: float, shift: float, gain: float, offset: float, *, flips: bool = False) -> AugmentTable:
    """What is varied in pictures; ``flips`` are in both directions."""
    return AugmentTable(
        flip=(False, flips, flips), rotation_deg=rotation_deg, rotation_out_deg=0, scale=scale, shift=shift, gain=gain, offset=offset, gamma=0, noise=0, blur=0
    )


class Stack:
    """Pictures (sample, channel, row, column) and their labels (sample, row, column), by number as a name."""

    def __init__(self, arrays: FloatArray, labels: IntArray) -> None:
        self.arrays, self.labels = arrays, labels

    def __getitem__(self, name: str) -> Stored:
        return Stored(self.arrays[int(name)][:, None], self.labels[int(name)][None], 0, {})

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(map(str, range(len(self.arrays))))


def fit_unet(stack: Stack, classes: int, options: FitOptions, folder: Path, look: Look | None = None) -> Network:
    """A U-Net with the averaged weights that ``look`` liked best, in evaluation mode; ``folder`` holds checkpoints, and what is there is gone on from."""
    torch.manual_seed(options.seed)
    channels, rows, columns = stack.arrays.shape[1:]
    network = make_network("unet", channels, classes + 1, widths=options.widths)
    batches = Batches(arrays=stack, names=stack.names, size=(1, rows, columns), loop=options.loop, augment=options.augment, task="segment", seed=options.seed)
    train(network, batches, options.loop, look or _all_alike, folder, recipe=repr(options), resume=True, title=folder.name)
    read_weights(folder / BEST, network)
    return network.eval()


def _all_alike(network: nn.Module) -> float:
    return 0.0
