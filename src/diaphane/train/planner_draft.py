"""A recipe in the making: each value is decided once and has a reason; what the user said always wins."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from diaphane.core.strict import from_mapping
from diaphane.errors import UsageError
from diaphane.train.options import Options
from diaphane.train.planner_check import check_ranges, check_value
from diaphane.train.recipe import TrainRecipe

T = TypeVar("T")
Said = dict[str, tuple[Any, str]]
"""``table.key`` → the value that the user gave, and where."""

COMMAND_LINE = "given on the command line"
FLAGS = {
    "network": "network.name",
    "encoder": "network.encoder",
    "batch_size": "loop.batch_size",
    "learning_rate": "loop.learning_rate",
    "optimizer": "loop.optimizer",
    "schedule": "loop.schedule",
    "loss": "loop.loss",
    "seed": "loop.seed",
    "minutes": "minutes",
    "final": "final",
}
"""Which option sets which value of the recipe."""


@dataclasses.dataclass(frozen=True, slots=True)
class Planned:
    """A recipe, and why each of its values is what it is."""

    recipe: TrainRecipe
    reasons: Mapping[str, str]
    """``loop.steps`` → one sentence; ``folds`` and the like stand in no table."""
    given: frozenset[str] = frozenset()
    """Keys of the values that the user gave: nothing changes them."""
    again: Callable[[dict[str, Any]], Planned] | None = dataclasses.field(default=None, compare=False, repr=False)
    """The same plan with other choices in the place of the planner's own, such as ``{"network.name": "segnet"}``."""


def changed(planned: Planned, table: str, key: str, value: object, reason: str) -> Planned:
    """``planned`` with another value; as it was where the user gave that value.

    Raises:
        UsageError: The recipe has no such value, or it may not be this.
    """
    name = f"{table}.{key}" if table else key
    if name not in planned.reasons:
        raise UsageError(f"a recipe has no value '{name}': take one of {', '.join(planned.reasons)}")
    if name in planned.given:
        return planned
    inner: Any = dataclasses.replace(getattr(planned.recipe, table), **{key: value}) if table else value
    recipe = dataclasses.replace(planned.recipe, **{table or key: inner})
    check_ranges(recipe, "the plan")
    return dataclasses.replace(planned, recipe=recipe, reasons={**planned.reasons, name: reason})


class Draft:
    """Values and reasons as they are decided; the order in which they are put is the order of the rules."""

    def __init__(self, said: Said, chosen: Mapping[str, Any] | None = None) -> None:
        self.said, self.chosen = dict(said), chosen or {}
        self.values: dict[str, Any] = {}
        self.reasons: dict[str, str] = {}

    def put(self, key: str, value: T, reason: str) -> T:
        """What ``key`` is: ``value``, or what the user said."""
        self.values[key], self.reasons[key] = self.said.get(key, (self.chosen.get(key, value), reason))
        return typing.cast(T, self.values[key])

    def given(self, key: str) -> Any:
        """What the user said ``key`` is; None: nothing."""
        return self.said.get(key, (None, ""))[0]

    def recipe(self, where: str) -> TrainRecipe:
        """The finished recipe.

        Raises:
            UsageError: Values that do not go together.
        """
        nested: dict[str, Any] = {}
        for name, value in self.values.items():
            table, _, key = name.rpartition(".")
            (nested.setdefault(table, {}) if table else nested)[key] = _plain(value)
        recipe = from_mapping(TrainRecipe, nested, f"{where}:")
        check_ranges(recipe, where)
        return recipe


def said(options: Options, overrides: Mapping[str, Any], where: str) -> Said:
    """What the user gave: on the command line, or else in the plan ``where``, which is read strictly.

    An option that has its default value counts as not given.

    Raises:
        UsageError: An unknown table or key in the plan (the nearest known one is named), or a wrong type.
    """
    read = from_mapping(_loose(TrainRecipe), overrides, f"{where}:")
    out: Said = {}
    for table, values in overrides.items():
        found = getattr(read, table)
        keys = values if dataclasses.is_dataclass(found) else ("",)
        out.update({f"{table}.{key}" if key else table: (getattr(found, key) if key else found, f"given in {where}") for key in keys})
    for name, (value, _) in out.items():
        check_value(name, value, where)
    defaults = {f.name: f.default for f in dataclasses.fields(Options)}
    given = {name: getattr(options, name) for name in FLAGS if getattr(options, name) not in (defaults[name], "auto")}
    out.update({FLAGS[name]: (value, COMMAND_LINE) for name, value in given.items()})
    if options.folds is not None or options.fold is not None:
        folds = options.folds or out.get("folds", (5, ""))[0]
        out["folds"] = folds, COMMAND_LINE
        out["fold"] = tuple(range(folds)) if options.fold is None else (options.fold,), COMMAND_LINE
    return out


def _loose(cls: type[Any]) -> type[Any]:
    """The dataclass ``cls`` and its tables with every key optional and no checks across keys."""
    hints = typing.get_type_hints(cls)
    kinds = {f.name: hints[f.name] for f in dataclasses.fields(cls)}
    tables = {name: _loose(kind) if isinstance(kind, type) and dataclasses.is_dataclass(kind) else kind for name, kind in kinds.items()}
    return dataclasses.make_dataclass(cls.__name__, [(name, kind, dataclasses.field(default=None)) for name, kind in tables.items()])


def _plain(value: Any) -> Any:
    """Dataclasses in a tuple as mappings, which `from_mapping` reads."""
    return [dataclasses.asdict(v) if dataclasses.is_dataclass(v) and not isinstance(v, type) else v for v in value] if isinstance(value, tuple) else value
