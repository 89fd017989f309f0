"""The network that a recipe describes."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

from diaphane.errors import UsageError
from diaphane.train.planner_network import Asked, make, memory_of
from diaphane.train.recipe import TrainRecipe


def build(recipe: TrainRecipe, fold: int = 0) -> nn.Module:
    """With the first weights that the recipe's seed and the fold give: logits of background and every structure, or of every class.

    Raises:
        UsageError: The encoder is to stay as it is, and the network has none.
    """
    torch.manual_seed(recipe.loop.seed + fold)
    network = make(*_asked(recipe))
    if recipe.network.frozen_encoder:
        if not hasattr(network, "encoder"):
            raise UsageError(f"network.frozen_encoder: {recipe.network.name} has no encoder that stands for itself; take another network, or leave it out")
        network.get_submodule("encoder").requires_grad_(False)
    return network


def memory(recipe: TrainRecipe) -> int:
    """Bytes that a step takes, about."""
    return memory_of(_asked(recipe), tuple(recipe.input.tensor_shape[1:])).of(recipe.loop.batch_size)


def _asked(recipe: TrainRecipe) -> Asked:
    task, outputs = recipe.data.task, len(recipe.data.labels) + (recipe.data.task == "segment")
    dimensions: Literal[2, 3] = 2 if len(recipe.input.tensor_shape) == 3 else 3
    return recipe.network, task, dimensions, recipe.input.channels, outputs
