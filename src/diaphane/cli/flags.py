"""Command-line flags from the stages' Options: the docstring under a field is its help."""

from __future__ import annotations

import argparse
import ast
import dataclasses
import inspect
import textwrap
import types
import typing
from typing import Any, TypeVar

from diaphane.errors import UsageError

T = TypeVar("T")


def add_flags(parser: argparse.ArgumentParser, options: type[Any], names: list[str]) -> None:
    """A flag ``--some-name`` for each named field of the dataclass ``options``; unset flags stay None."""
    texts, hints = field_docs(options), typing.get_type_hints(options)
    for f in dataclasses.fields(options):
        if f.name in names:
            if hints[f.name] is bool:
                parser.add_argument(f"--{f.name.replace('_', '-')}", action="store_true", default=None, help=texts[f.name].replace("%", "%%"))
                continue
            kind, choices = _kind(hints[f.name])
            shown = "" if f.default in (None, dataclasses.MISSING) else f" (default: {f.default})"
            text = texts[f.name].replace("%", "%%") + shown
            parser.add_argument(f"--{f.name.replace('_', '-')}", type=kind, choices=choices, default=None, help=text)


def changed(options: T, parsed: argparse.Namespace, names: list[str]) -> T:
    """``options`` with the flags that were given.

    Raises:
        UsageError: A value out of range.
    """
    given = {name: getattr(parsed, name) for name in names if getattr(parsed, name) is not None}
    try:
        return dataclasses.replace(options, **given)  # type: ignore[type-var]
    except ValueError as problem:
        raise UsageError(str(problem)) from problem


def field_docs(options: type[Any]) -> dict[str, str]:
    """The docstring under each field of a dataclass."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(options))).body
    body = typing.cast(ast.ClassDef, definition).body
    found = {}
    for here, after in zip(body, body[1:], strict=False):
        if isinstance(here, ast.AnnAssign) and isinstance(here.target, ast.Name) and isinstance(after, ast.Expr):
            found[here.target.id] = " ".join(str(typing.cast(ast.Constant, after.value).value).split())
    return found


def _kind(hint: Any) -> tuple[type[Any], tuple[str, ...] | None]:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        hint = next(a for a in typing.get_args(hint) if a is not type(None))
    if typing.get_origin(hint) is typing.Literal:
        return str, typing.get_args(hint)
    return hint, None
