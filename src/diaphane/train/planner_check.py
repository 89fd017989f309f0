"""What the values of a recipe may be, and whether they go together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from diaphane.errors import UsageError
from diaphane.train.planner_network import Asked, stride_of
from diaphane.train.recipe import TrainRecipe

LOWEST = 4
"""Points along each axis that the lowest resolution should keep: below, normalisation has too little to look at."""
RANGES: dict[str, tuple[float, float]] = {
    "loop.steps": (1, 10_000_000),
    "loop.batch_size": (1, 4096),
    "loop.learning_rate": (1e-9, 10),
    "loop.weight_decay": (0, 1),
    "loop.warmup_steps": (0, 1_000_000),
    "loop.clip_norm": (1e-6, 1e6),
    "loop.ema": (0, 0.999999),
    "loop.foreground": (0, 1),
    "loop.validations": (1, 10_000),
    "loop.validation_items": (1, 1_000_000),
    "loop.checkpoint_minutes": (0, 1e6),
    "loop.patience": (0, 10_000),
    "loop.seed": (0, 2**63 - 1),
    "augment.rotation_deg": (0, 180),
    "augment.rotation_out_deg": (0, 180),
    "augment.scale": (0, 3),
    "augment.shift": (0, 1),
    "augment.gain": (0, 1),
    "augment.offset": (0, 10),
    "augment.gamma": (0, 3),
    "augment.noise": (0, 10),
    "augment.blur": (0, 20),
    "output.smallest_part": (0, 1),
    "folds": (2, 1000),
    "minutes": (1e-3, 1e6),
    "threads": (1, 1024),
}
"""Least and greatest value, both allowed."""


def check_value(name: str, value: Any, where: str) -> None:
    """Look at one value by itself.

    Raises:
        UsageError: It is out of range.
    """
    least, greatest = RANGES.get(name, (-math.inf, math.inf))
    if name in RANGES and not least <= value <= greatest:
        raise UsageError(f"{where}:{name}: must lie between {least} and {greatest}, got {value}")


def check_folds(folds: int, fold: Sequence[int], where: str) -> None:
    """Look at which folds are trained.

    Raises:
        UsageError: None, one twice, or one that is not there.
    """
    if not fold or len(set(fold)) != len(fold) or not set(fold) <= set(range(folds)):
        raise UsageError(f"{where}:fold: must be different numbers from 0 to {folds - 1}, as there are {folds} folds, got {list(fold)}")


def check_final(folds: int, fold: Sequence[int], where: str, *, final: bool) -> None:
    """Look at whether a final network can be said how good it is.

    Raises:
        UsageError: It is asked for and not all folds are trained.
    """
    if final and len(fold) < folds:
        raise UsageError(f"{where}:final: takes all {folds} folds, which say how good the final network is, got {list(fold)}")


def check_mirror(recipe: TrainRecipe, where: str) -> None:
    """Look at the mirror images that are to be seen at use.

    Raises:
        UsageError: Along slices, where the network sees one at a time; or along an axis that training does not mirror.
    """
    mirror, flip = recipe.output.mirror, recipe.augment.flip
    if mirror[0] and len(recipe.input.tensor_shape) == 3:
        raise UsageError(f"{where}:output.mirror: the network sees one slice at a time and has no first axis to mirror: give [false, …, …]")
    if any(wanted and not learnt for wanted, learnt in zip(mirror, flip, strict=True)):
        raise UsageError(
            f"{where}:output.mirror: a network that was not trained on mirror images says nonsense of them: give augment.flip the same axes, "
            f"got {list(mirror)} and {list(flip)}"
        )
    if any(wanted and not learnt for wanted, learnt in zip(recipe.input.mirror, flip[-len(recipe.input.size) :], strict=False)):
        raise UsageError(f"{where}:input.mirror: says where --mirror may look, and training mirrors {list(flip)}: leave it out, or give augment.flip the same")


def check_thresholds(recipe: TrainRecipe, where: str) -> None:
    """Look at the thresholds of single structures.

    Raises:
        UsageError: There are not as many as structures, or one is no probability.
    """
    given, wanted = recipe.output.thresholds, len(recipe.data.labels) if recipe.data.task == "segment" else 0
    if given and (len(given) != wanted or not all(0 < threshold < 1 for threshold in given)):
        raise UsageError(f"{where}:output.thresholds: must be a number between 0 and 1 for each of {wanted} structures, got {list(given)}")


def check_ranges(recipe: TrainRecipe, where: str) -> None:
    """Look at each value by itself.

    Raises:
        UsageError: A value out of range, named with its table.
    """
    for name in RANGES:
        value: Any = recipe
        for part in name.split("."):
            value = getattr(value, part)
        check_value(name, value, where)
    check_folds(recipe.folds, recipe.fold, where)
    check_final(recipe.folds, recipe.fold, where, final=recipe.final)
    check_mirror(recipe, where)
    check_thresholds(recipe, where)
    if recipe.input.around and recipe.data.task != "classify":
        raise UsageError(f"{where}:input.around: is for networks that tell classes of pictures apart, this data has masks: leave it out")
    if recipe.final and recipe.network.deep_supervision:
        raise UsageError(f"{where}:network.deep_supervision: with --final nothing is held out by which the last network could be pruned: give false")


def check_size(size: Sequence[int] | None, volume: bool, where: str) -> None:
    """Look at the size that a user gave for the input.

    Raises:
        UsageError: Too many or too few numbers, or one below 1.
    """
    if size is not None and (len(size) != 2 + volume or min(size) < 1):
        what = "slices, rows and columns of a window" if volume else "rows and columns"
        raise UsageError(f"{where}:input.size: must be {2 + volume} positive numbers, {what}, got {list(size)}")


def check_spacing(spacing: Sequence[float], where: str) -> None:
    """Look at the voxels' spacing that a user gave.

    Raises:
        UsageError: Not three positive numbers.
    """
    if len(spacing) != 3 or not all(0 < mm < math.inf for mm in spacing):
        raise UsageError(f"{where}:input.spacing_mm: must be three positive numbers, of slices, rows and columns, got {list(spacing)}")


def check_network(asked: Asked, size: Sequence[int], where: str) -> None:
    """Look at a network and the ``size`` of its input together.

    Raises:
        UsageError: A network that cannot be built, a size that is no multiple of its stride, too low a resolution.
    """
    table, task, dims = asked[:3]
    seen, stride = size[-dims:], stride_of(table, task, dims)
    if any(s % step for s, step in zip(seen, stride, strict=True)):
        nearest = [max(1, round(s / step)) * step for s, step in zip(seen, stride, strict=True)]
        size = [*size[:-dims], *nearest]
        raise UsageError(
            f"{where}:input.size: must be a multiple of {_times(stride)} for {table.name} with {len(table.widths)} widths, "
            f"got {_times(seen)}: give {size}, or fewer network.widths"
        )
    lowest = [s // step for s, step in zip(seen, stride, strict=True)]
    if len(table.widths) > 2 and any(low < LOWEST and step > 1 for low, step in zip(lowest, stride, strict=True)):
        raise UsageError(
            f"{where}:network.widths: the lowest resolution must keep {LOWEST} points along each axis that is halved, "
            f"got {_times(lowest)} with {len(table.widths)} widths at {_times(seen)}: give fewer widths or a larger input.size"
        )


def _times(numbers: Sequence[int]) -> str:
    return "x".join(map(str, numbers))
