"""The network that a recipe describes."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

from diaphane.train.planner_network import Asked, make, memory_of
from diaphane.train.recipe import TrainRecipe


def build(recipe: TrainRecipe, fold: int = 0) -> nn.Module:
    """With the first weights that the recipe's seed and the fold give: logits of background and every structure, or of every class."""
    torch.manual_seed(recipe.loop.seed + fold)
    return make(*_asked(recipe))


def memory(recipe: TrainRecipe) -> int:
    """Bytes that a step takes, about."""
    return memory_of(_asked(recipe), tuple(recipe.input.tensor_shape[1:])).of(recipe.loop.batch_size)


def _asked(recipe: TrainRecipe) -> Asked:
    task, outputs = recipe.data.task, len(recipe.data.labels) + (recipe.data.task == "segment")
    dimensions: Literal[2, 3] = 2 if len(recipe.input.tensor_shape) == 3 else 3
    return recipe.network, task, dimensions, recipe.input.channels, outputs
