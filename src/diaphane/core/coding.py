"""How nouns are written as text: run-length masks and JSON lines."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from diaphane.core.arrays import BoolArray
from diaphane.errors import InputError


def to_rle(mask: BoolArray) -> list[int]:
    """Run lengths of ``mask`` (row, column) in row-major order, beginning with the run of False (maybe 0)."""
    flat = np.concatenate([[False], mask.ravel(), [not mask.ravel()[-1]]]) if mask.size else np.array([False])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    return [int(n) for n in np.diff(np.concatenate([[0], edges]))]


def from_rle(runs: list[int], rows: int, columns: int) -> BoolArray:
    """The mask (``rows``, ``columns``) of ``to_rle``.

    Raises:
        InputError: The runs are negative or do not fill the mask.
    """
    if any(n < 0 for n in runs) or sum(runs) != rows * columns:
        raise InputError(f"mask_rle: runs must be non-negative and add up to {rows * columns} pixels, got {sum(runs)}")
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape(rows, columns)


def json_text(value: Any, *, indent: int | None = None) -> str:
    """JSON with NaN and infinity as null, keys in the order given."""
    return json.dumps(_finite(value), indent=indent, allow_nan=False, ensure_ascii=False)


def json_lines(values: Iterable[Any]) -> str:
    """One JSON document a line."""
    return "".join(json_text(value) + "\n" for value in values)


def from_json(text: str, where: str) -> Any:
    """Parsed JSON.

    Raises:
        InputError: It is none.
    """
    try:
        return json.loads(text)
    except ValueError as problem:
        raise InputError(f"{where}: not JSON ({problem})") from problem


def from_json_lines(text: str, where: str) -> list[Any]:
    """A parsed document a non-empty line."""
    return [from_json(line, f"{where}: line {n}") for n, line in enumerate(text.splitlines(), start=1) if line.strip()]


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
