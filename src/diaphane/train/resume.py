"""What a training was begun with, and whether what is asked for now is that."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from diaphane.errors import UsageError
from diaphane.train import place
from diaphane.train.arrays import Arrays, prepared_arrays
from diaphane.train.bundles import model_recipe
from diaphane.train.dataset import Checked
from diaphane.train.folds import Split, read_split
from diaphane.train.init import kept
from diaphane.train.options import Options
from diaphane.train.planner_draft import FLAGS
from diaphane.train.planner_look import digest_of
from diaphane.train.reasons import loads
from diaphane.train.recipe import TrainRecipe
from diaphane.train.work import Work


def decided(checked: Checked, out: Path, options: Options | None = None, *, texts: Mapping[str, bytes] | None = None) -> Work:
    """Everything as it was decided before, by this process or another; with the ``texts`` that are known.

    Raises:
        UsageError: The data is another, or ``options`` ask for something else.
    """
    recipe = loads((out / place.RECIPE).read_text(), str(out / place.RECIPE))
    if recipe.data.digest != digest_of(checked):
        raise UsageError(f"{out}: was begun with other data (items, sizes or structures differ); give --out a new folder")
    if options is not None:
        check_agrees(options, recipe, str(out))
    parts = read_split(out / place.SPLIT, [item.name for item in checked.dataset.items])
    if options is not None and options.epochs is not None:
        _check_epochs(options.epochs, recipe, len(parts.training(recipe.fold[0])), out)
    init = kept(None, out, goes_on=True)
    return Work(checked, recipe, parts, arrays_of(checked, recipe, parts, out), out, texts or {}, init)


def arrays_of(checked: Checked, recipe: TrainRecipe, parts: Split, out: Path) -> Arrays:
    """The items of all folds, prepared; what is there already is opened."""
    return prepared_arrays(checked, [name for fold in parts.folds for name in fold], model_recipe(recipe), out / place.PREPARED)


def check_agrees(options: Options, recipe: TrainRecipe, where: str) -> None:
    """Only what was said counts; what is left out is as it was.

    Raises:
        UsageError: An option asks for something else than ``recipe`` has; nothing is changed.
    """
    if options.folds is not None and options.fold is None and len(recipe.fold) != recipe.folds:
        raise UsageError(f"{where}: was begun with {len(recipe.fold)} of {recipe.folds} folds: leave --folds out to go on, or give --out a new folder")
    for field in dataclasses.fields(Options):
        said = getattr(options, field.name)
        if said in (None, "auto", field.default):
            continue
        there = _there(field.name, recipe)
        if there is not None and said != there:
            flag = field.name.replace("_", "-")
            raise UsageError(f"{where}: was begun with --{flag} {there}, got {said}: leave it out to go on, or give --out a new folder")


def _check_epochs(said: int, recipe: TrainRecipe, items: int, where: Path) -> None:
    """The recipe has steps; from them, about as many passes as were asked for."""
    there = recipe.loop.steps * recipe.loop.batch_size / items
    if abs(there - said) > max(1, 0.1 * said):
        raise UsageError(f"{where}: was begun with about {there:.0f} passes, got --epochs {said}: leave it out to go on, or give --out a new folder")


def check_plan(overrides: Mapping[str, Any], recipe: TrainRecipe, where: str) -> None:
    """A plan given again must say what the recipe has.

    Raises:
        UsageError: It asks for something else; nothing is changed.
    """
    known = tomllib.loads(tomli_w.dumps(_plain(dataclasses.asdict(recipe))))
    for table, values in overrides.items():
        for key, said in values.items() if isinstance(values, Mapping) else [("", values)]:
            there = known.get(table, {}).get(key) if key else known.get(table)
            if said != there and f"{table}.{key}" != "data.digest":
                name = f"{table}.{key}".rstrip(".")
                raise UsageError(f"{where}: was begun with {name} = {there}, the plan says {said}: leave --plan out to go on, or give --out a new folder")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, tuple | list) else value


def _there(name: str, recipe: TrainRecipe) -> object:
    if name == "fold":
        return recipe.fold[0] if len(recipe.fold) == 1 else "of all"
    if name == "folds":
        return recipe.folds if len(recipe.fold) == recipe.folds or len(recipe.fold) == 1 else None
    if name not in FLAGS:
        return None
    value: object = recipe
    for part in FLAGS[name].split("."):
        value = getattr(value, part)
    return value
