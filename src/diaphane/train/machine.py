"""What the machine has for a training."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

import torch

from diaphane.train.build import memory
from diaphane.train.planner import MEMORY_SHARE
from diaphane.train.recipe import TrainRecipe


@dataclass(frozen=True, slots=True)
class Machine:
    """Of what is free when a training begins or goes on."""

    processors: int
    memory_bytes: int
    alone: bool = True
    """Whether this is the only process of the training; folds are then trained side by side."""

    def together(self, recipe: TrainRecipe) -> int:
        """How many folds are trained at a time: as many as processors and memory are there for. It changes no number in them."""
        if not self.alone or trainings(recipe) == 1 or self.processors < 2 * recipe.threads:
            return 1
        return max(1, min(trainings(recipe), self.processors // recipe.threads, int(MEMORY_SHARE * self.memory_bytes) // memory(recipe)))

    def rounds(self, recipe: TrainRecipe) -> int:
        """How many trainings come one after the other."""
        return math.ceil(trainings(recipe) / self.together(recipe))


def trainings(recipe: TrainRecipe) -> int:
    """How many networks are trained: the folds', and the final one."""
    return len(recipe.fold) + recipe.final


def this_machine(*, alone: bool) -> Machine:
    """Now; before torch's threads are set."""
    return Machine(torch.get_num_threads(), _memory_bytes(), alone)


def _memory_bytes() -> int:
    """What the machine can give; a quarter of all where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4
