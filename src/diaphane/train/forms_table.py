"""Tables in CSV."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diaphane.core.storage import reading
from diaphane.errors import InputError

UNKNOWN = ("", "unknown", "not known", "unk", "missing", "na", "n/a", "nan", "null", "-", "?")
"""Words for that a value is not known."""
LARGEST = 1e100
"""Beyond it nothing is measured."""
TOO_MANY = "\0"
"""The key of cells beyond the last column."""


def read_table(path: Path) -> list[dict[str, str]]:
    """The rows, column names in lower case, spaces around a value taken away; an absent value is empty.

    Raises:
        InputError: It cannot be read, or is no CSV in UTF-8; two columns have one name, or a line more cells than there are columns.
    """
    try:
        with reading(path), path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restkey=TOO_MANY, restval="")
            columns = Counter(name.strip().lower() for name in reader.fieldnames or () if name.strip())
            rows = [_whole(row, f"{path}: line {reader.line_num}") for row in reader]
    except (UnicodeDecodeError, csv.Error) as problem:
        raise InputError(f"{path}: not a table of comma-separated values in UTF-8; save it as CSV, UTF-8") from problem
    if columns and columns.most_common(1)[0][1] > 1:
        raise InputError(f"{path}: has more than one column '{columns.most_common(1)[0][0]}'; rename or remove all but one")
    return [{key.strip().lower(): value.strip() for key, value in row.items() if key and isinstance(value, str)} for row in rows]


def _whole(row: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    if any(row.get(TOO_MANY, ())):
        raise InputError(f"{where} has more cells than there are columns; put a value that holds a comma between quotes")
    return row


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
