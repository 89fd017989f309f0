"""A recipe as text: TOML with the reason beside each value."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from typing import Any

import tomli_w

from diaphane.core.strict import from_mapping
from diaphane.errors import UsageError
from diaphane.train.planner_draft import Planned
from diaphane.train.recipe import TrainRecipe

HEADER = """\
# What this training is, decided: the same recipe, data and seed give the same bytes on one machine.
# Each value can be given in a plan: diaphane train --plan PLAN.toml, where PLAN.toml holds those lines that are to be otherwise
# (under their [table]), or is this file.
"""


def dumps(planned: Planned) -> str:
    """The recipe as TOML, a comment beside each value; `loads` gives exactly it back."""
    fields = {f.name: getattr(planned.recipe, f.name) for f in dataclasses.fields(planned.recipe)}
    tables = {name: value for name, value in fields.items() if dataclasses.is_dataclass(value)}
    lines = [HEADER, *(_line(name, value, planned.reasons, name) for name, value in fields.items() if name not in tables)]
    for name, table in tables.items():
        lines += ["", f"[{name}]"]
        lines += [_line(f.name, getattr(table, f.name), planned.reasons, f"{name}.{f.name}") for f in dataclasses.fields(table)]
    return "\n".join(lines) + "\n"


def loads(text: str, where: str) -> TrainRecipe:
    """The recipe in ``text``, which messages call ``where``.

    Raises:
        UsageError: Not TOML, or not a recipe: an unknown key, one that is missing, a wrong type.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise UsageError(f"{where}: not TOML ({problem}): take a recipe.toml that a training wrote") from problem
    return from_mapping(TrainRecipe, values, f"{where}:")


def _line(key: str, value: Any, reasons: Mapping[str, str], name: str) -> str:
    reason = "".join(c for c in " ".join(reasons.get(name, "").split()) if c.isprintable())
    return f"{key} = {_text(value)}" + (f"  # {reason}" if reason else "")


def _text(value: Any) -> str:
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_text, value))}]"
    if dataclasses.is_dataclass(value):
        return "{ " + ", ".join(f"{f.name} = {_text(getattr(value, f.name))}" for f in dataclasses.fields(value)) + " }"
    return tomli_w.dumps({"x": value}).removeprefix("x = ").rstrip("\n")
