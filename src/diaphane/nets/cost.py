"""What a network costs: its parameters, and the multiplications of one forward pass."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

TRANSPOSED = (nn.ConvTranspose2d, nn.ConvTranspose3d)
COUNTED = (nn.Conv2d, nn.Conv3d, nn.Linear, *TRANSPOSED)


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one sample of ``shape`` (channel, …)."""

    shape: tuple[int, ...]
    parameters: int
    """Its weights, also those that training leaves as they are."""
    multiply_accumulates: int
    """Of convolutions and linear layers; the rest is small beside them."""

    def __str__(self) -> str:
        size = "x".join(map(str, self.shape))
        return f"{self.parameters / 1e6:.2f} M parameters, {self.multiply_accumulates / 1e9:.2f} G multiply-accumulates at {size}"


def cost(network: nn.Module, shape: Sequence[int]) -> Cost:
    """What ``network`` costs in evaluation, for one sample of ``shape`` (channel, …); nothing is computed but shapes."""
    counts: list[int] = []

    def count(module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        positions = inputs[0] if isinstance(module, TRANSPOSED) else output
        counts.append(positions.numel() * module.get_parameter("weight")[0].numel())

    ghost = copy.deepcopy(network).to("meta").eval()
    for module in ghost.modules():
        if isinstance(module, COUNTED):
            module.register_forward_hook(count)
    with torch.no_grad():
        ghost(torch.empty(1, *shape, device="meta"))
    weights = sum(math.prod(p.shape) for p in network.parameters())
    return Cost(tuple(shape), weights, sum(counts))
