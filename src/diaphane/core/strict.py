"""Dataclasses read strictly from parsed TOML or JSON: an unknown key or a wrong type is named, never ignored."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from diaphane.errors import DiaphaneError, UsageError

T = TypeVar("T")


def from_mapping(cls: type[T], values: object, where: str, error: type[DiaphaneError] = UsageError) -> T:
    """An instance of the dataclass ``cls`` from nested mappings.

    ``where`` is what a message calls this place, for example ``ct.toml:segment``; ``error`` is what is raised.

    Raises:
        DiaphaneError: As ``error``: an unknown key (with the nearest known one), a missing key, a wrong type.
    """
    if not isinstance(values, Mapping):
        raise error(f"{where.rstrip(':')}: expected a table of keys, got {_kind(values)}")
    hints = typing.get_type_hints(cls)
    known = {f.name: f for f in dataclasses.fields(cls) if f.init}  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            raise error(f"{where.rstrip(':')}: unknown key '{key}'{did_you_mean(str(key), known)}")
    built = {key: _value(hints[key], value, _inside(where, key), error) for key, value in values.items()}
    for name, f in known.items():
        has_default = f.default is not dataclasses.MISSING or f.default_factory is not dataclasses.MISSING
        if name not in built and not has_default:
            raise error(f"{where.rstrip(':')}: the key '{name}' is missing")
    try:
        return cls(**built)
    except (ValueError, OverflowError) as problem:
        raise error(f"{where.rstrip(':')}: {problem}") from problem


def _inside(where: str, key: str) -> str:
    """``ct.toml:segment``, ``ct.toml:segment.overlap``."""
    return f"{where}{'' if where.endswith(':') else '.'}{key}"


def did_you_mean(key: str, known: typing.Iterable[str]) -> str:
    """The end of a message about an unknown ``key``: the nearest known one, or all of them."""
    import difflib

    names = sorted(known)
    near = difflib.get_close_matches(key, names, n=1)
    return f"; did you mean '{near[0]}'?" if near else f"; known here: {', '.join(names) or 'none'}"


def _value(hint: Any, value: Any, where: str, error: type[DiaphaneError]) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        inner = next(a for a in arguments if a is not type(None))
        return None if value is None and type(None) in arguments else _value(inner, value, where, error)
    if origin in _READERS:
        return _READERS[origin](arguments, value, where, error)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return from_mapping(hint, value, where, error)
    return _scalar(hint, value, where, error)


def _literal(arguments: tuple[Any, ...], value: Any, where: str, error: type[DiaphaneError]) -> Any:
    if value not in arguments:
        raise error(f"{where}: '{value}' is not one of {', '.join(map(str, arguments))}")
    return value


def _mapping(arguments: tuple[Any, ...], value: Any, where: str, error: type[DiaphaneError]) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise error(f"{where.rstrip(':')}: expected a table of keys, got {_kind(value)}")
    return {str(key): _value(arguments[1], v, f"{where}.{key}", error) for key, v in value.items()}


def _tuple(arguments: tuple[Any, ...], value: Any, where: str, error: type[DiaphaneError]) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise error(f"{where}: expected a list, got {_kind(value)}")
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return tuple(_value(arguments[0], v, f"{where}[{n}]", error) for n, v in enumerate(value))
    if len(value) != len(arguments):
        raise error(f"{where}: expected {len(arguments)} values, got {len(value)}")
    return tuple(_value(a, v, f"{where}[{n}]", error) for n, (a, v) in enumerate(zip(arguments, value, strict=True)))


_READERS: dict[Any, Callable[[tuple[Any, ...], Any, str, type[DiaphaneError]], Any]] = {
    typing.Literal: _literal,
    Mapping: _mapping,
    tuple: _tuple,
}


def _scalar(hint: Any, value: Any, where: str, error: type[DiaphaneError]) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise error(f"{where}: expected {hint.__name__}, got {_kind(value)}")
    return value


def _kind(value: object) -> str:
    return f"{type(value).__name__} {str(value)[:40]!r}" if isinstance(value, str | int | float) else type(value).__name__
