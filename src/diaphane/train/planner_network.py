"""The network of a recipe, and what is known of it before a single number is computed: strides, memory."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import nn

from diaphane.nets.blocks import Network
from diaphane.nets.classifier import Classifier, classifier
from diaphane.nets.network import network
from diaphane.train.recipe import NetworkTable

Task = Literal["segment", "classify"]
Dimensions = Literal[2, 3]
Asked = tuple[NetworkTable, Task, Dimensions, int, int]
"""The network, the task, dimensions, channels in and classes out."""

FIXED_BYTES = 500_000_000
"""Of the program, torch and its own workspace."""
COPIES = 6
"""Of each weight: itself, its gradient, two moments of Adam, the moving average, and its like in another precision."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Of a training step, in bytes."""

    fixed: int
    a_sample: int

    def of(self, batch: int) -> int:
        """Of a batch of so many samples."""
        return self.fixed + batch * self.a_sample


def make(table: NetworkTable, task: Task, dims: Dimensions, channels: int, outputs: int) -> nn.Module:
    """The network, with the weights that torch's random state gives: as its table, the task and the data ask for.

    Raises:
        UsageError: The network has no such form.
    """
    if task == "classify":
        return classifier(channels, outputs, dimensions=dims, encoder=table.encoder, widths=table.widths, norm=table.norm, strides=table.strides)
    return network(
        table.name, channels, outputs, dimensions=dims, encoder=table.encoder, widths=table.widths, norm=table.norm, strides=table.strides,
        deep_supervision=table.deep_supervision,
    )  # fmt: skip


@functools.lru_cache(maxsize=64)
def stride_of(table: NetworkTable, task: Task, dims: Dimensions) -> tuple[int, ...]:
    """What the input's size along each axis must be a multiple of; nothing is allocated.

    Raises:
        UsageError: The network has no such form.
    """
    with torch.device("meta"):
        made = make(table, task, dims, 1, 2)
    if isinstance(made, Classifier):
        return made.encoder.stride(len(made.encoder.strides))
    return tuple(cast(Network, made).stride)


@functools.lru_cache(maxsize=64)
def memory_of(asked: Asked, size: tuple[int, ...]) -> Memory:
    """Estimated peak of a training step in float32, for samples of ``size``.

    What autograd keeps for the backward pass is counted on tensors without content, each storage once; the loss keeps as much as four
    logits; two fifths come on top for what lives only for a moment. Measured peaks of five networks lay within 15 % of it.
    """
    with torch.device("meta"):
        made = make(*asked).train()
        sample = torch.empty(1, asked[3], *size)
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[id(storage)] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output = made(sample)
    weights = {id(p.untyped_storage()) for p in made.parameters()}
    a_sample = sum(storage.nbytes() for key, storage in kept.items() if key not in weights) + 16 * asked[4] * math.prod(size)
    del output
    return Memory(FIXED_BYTES + 4 * COPIES * sum(p.numel() for p in made.parameters()), int(1.4 * a_sample))
