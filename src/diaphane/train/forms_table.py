"""Tables in CSV."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from diaphane.core.storage import reading
from diaphane.errors import InputError

UNKNOWN = ("", "unknown", "not known", "unk", "missing", "na", "n/a", "nan", "null", "-", "?")
"""Words for that a value is not known."""
LARGEST = 1e100
"""Beyond it nothing is measured."""


def read_table(path: Path) -> list[dict[str, str]]:
    """The rows, column names in lower case, spaces around a value taken away; an absent value is empty.

    Raises:
        InputError: It cannot be read, or is no CSV in UTF-8.
    """
    try:
        with reading(path), path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file, restkey="", restval=""))
    except (UnicodeDecodeError, csv.Error) as problem:
        raise InputError(f"{path}: not a table of comma-separated values in UTF-8; save it as CSV, UTF-8") from problem
    return [{key.strip().lower(): value.strip() for key, value in row.items() if key and isinstance(value, str)} for row in rows]


def is_known(value: str) -> bool:
    """Whether a value says anything: neither empty nor a word for that it is not known."""
    return value.lower() not in UNKNOWN


def number(value: str) -> float:
    """The number that ``value`` is; NaN if it is none, or larger than anything that is measured."""
    try:
        found = float(value)
    except ValueError:
        return math.nan
    return found if abs(found) < LARGEST else math.nan
