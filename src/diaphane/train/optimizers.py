"""Optimisers and how their learning rate falls."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn

from diaphane.train.recipe import LoopTable, OptimizerName, ScheduleName

SCHEDULES: dict[ScheduleName, Callable[[float], float]] = {
    "poly": lambda done: (1 - done) ** 0.9,
    "cosine": lambda done: (1 + math.cos(math.pi * done)) / 2,
    "step": lambda done: 0.1 ** math.floor(3 * done),
}
"""Share of the highest learning rate when this share of the steps is done, 0-1; ``step`` falls tenfold at a third and at two thirds."""
OPTIMIZERS: dict[OptimizerName, Callable[[nn.Module, LoopTable], torch.optim.Optimizer]] = {
    "adamw": lambda network, loop: torch.optim.AdamW(network.parameters(), loop.learning_rate, weight_decay=loop.weight_decay, fused=True),
    "adam": lambda network, loop: torch.optim.Adam(network.parameters(), loop.learning_rate, weight_decay=loop.weight_decay, fused=True),
    "sgd": lambda network, loop: torch.optim.SGD(
        network.parameters(), loop.learning_rate, momentum=0.9, nesterov=True, weight_decay=loop.weight_decay, fused=True
    ),
}
"""AdamW: Loshchilov, Hutter, ICLR 2019, arXiv 1711.05101. Adam: Kingma, Ba, ICLR 2015, arXiv 1412.6980. SGD: with Nesterov's momentum,
Sutskever et al., ICML 2013."""


def learning_rate(step: int, loop: LoopTable) -> float:
    """Of step ``step``, counted from 0: rises linearly through the warm-up, then follows the schedule; stays where it ends."""
    risen = min(1.0, (step + 1) / loop.warmup_steps) if loop.warmup_steps else 1.0
    return loop.learning_rate * risen * SCHEDULES[loop.schedule](min(1.0, step / loop.steps))
