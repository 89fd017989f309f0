"""Checkpoints: everything that the next step depends on, as safetensors; nothing in them is executed.

``last.safetensors`` holds the network, its moving average, the optimiser's moments and torch's random state; its header holds the step,
the epoch, the best metric so far and the history, as JSON. ``best.safetensors`` holds the moving average that did best.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from diaphane.core.storage import PARTIAL, storage
from diaphane.errors import TrainingError

HEADER = "diaphane"


@dataclass(slots=True)
class Progress:
    """Where a training stands; everything about it that is no tensor."""

    recipe: str
    """Digest of what is trained: a checkpoint of something else is refused."""
    step: int = 0
    """Steps taken."""
    epoch: int = 0
    """Whole passes over the training items."""
    best: float = -1.0
    """Highest validation metric (mean Dice, or AUC); -1 before the first look."""
    best_step: int = 0
    looks_since_best: int = 0
    minutes: float = 0.0
    """Spent in the loop, over all its runs."""
    losses: list[float] = field(default_factory=list)
    """Of the steps since the last row of the history."""
    history: list[dict[str, float | None]] = field(default_factory=list)


@dataclass(slots=True)
class Model:
    """The tensors of a training."""

    network: nn.Module
    average: nn.Module
    optimizer: torch.optim.Optimizer


def write_checkpoint(path: Path, model: Model, progress: Progress) -> None:
    """All of it, whole or not at all: written aside, flushed to the disk, renamed.

    Raises:
        StorageError: The disk is full; the checkpoint before is kept.
    """
    tensors = {f"network.{k}": v for k, v in model.network.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in model.average.state_dict().items()}
    for number, moments in model.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{k}": v for k, v in moments.items() if torch.is_tensor(v)}
    tensors["random"] = torch.get_rng_state()
    _write(path, tensors, asdict(progress))


def read_checkpoint(path: Path, model: Model, recipe: str) -> Progress:
    """Puts the tensors in ``path`` into ``model``, in place, and gives the rest.

    Raises:
        TrainingError: The file is damaged, or of another training than ``recipe``.
    """
    tensors, values = _read(path)
    try:
        progress = Progress(**values)
    except TypeError as problem:
        raise TrainingError(f"{path}: not a checkpoint of this version ({problem}); give --out a new folder") from problem
    if progress.recipe != recipe:
        raise TrainingError(f"{path}: belongs to another recipe, network or data; give --out a new folder, or train with the recipe that is there")
    state = model.optimizer.state_dict()
    moments: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in _under(tensors, "optimizer.").items():
        number, _, kind = name.partition(".")
        moments.setdefault(int(number), {})[kind] = value
    try:
        model.network.load_state_dict(_under(tensors, "network."))
        model.average.load_state_dict(_under(tensors, "average."))
        model.optimizer.load_state_dict({"state": moments, "param_groups": state["param_groups"]})
        _lay_out(model.optimizer)
        torch.set_rng_state(tensors["random"])
    except (RuntimeError, KeyError, ValueError) as problem:
        raise TrainingError(f"{path}: does not fit this network ({str(problem)[:200]}); give --out a new folder") from problem
    return progress


def _lay_out(optimizer: torch.optim.Optimizer) -> None:
    """Moments in the memory layout of their parameters: fused optimisers walk both side by side."""
    for parameter, moments in optimizer.state.items():
        for kind, value in moments.items():
            if torch.is_tensor(value) and value.shape == parameter.shape:
                moments[kind] = torch.empty_like(parameter).copy_(value)


def write_weights(path: Path, network: nn.Module, values: Mapping[str, Any]) -> None:
    """The weights of ``network`` alone, and some words about them."""
    _write(path, network.state_dict(), values)


def read_weights(path: Path, network: nn.Module) -> None:
    """Puts the weights that ``write_weights`` wrote into ``network``.

    Raises:
        TrainingError: The file is damaged or of another network.
    """
    try:
        network.load_state_dict(_read(path)[0])
    except RuntimeError as problem:
        raise TrainingError(f"{path}: does not fit this network ({str(problem)[:200]}); give --out a new folder") from problem


def _write(path: Path, tensors: Mapping[str, torch.Tensor], values: Mapping[str, Any]) -> None:
    data = save({k: v.detach().contiguous() for k, v in tensors.items()}, {HEADER: json.dumps(values)})
    aside = path.with_name(path.name + PARTIAL)
    with storage(path, "the checkpoint before is kept; go on with --resume"):
        try:
            with aside.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(aside, path)
        finally:
            aside.unlink(missing_ok=True)


def _read(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    try:
        with safe_open(path, framework="pt") as file:
            values = json.loads((file.metadata() or {})[HEADER])
            return {name: file.get_tensor(name) for name in file.keys()}, values  # noqa: SIM118 - not a mapping
    except (SafetensorError, KeyError, ValueError, OSError) as problem:
        raise TrainingError(f"{path}: not a checkpoint that can be read ({problem}); delete it to begin this fold anew") from problem


def _under(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
