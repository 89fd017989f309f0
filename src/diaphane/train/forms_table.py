"""Tables in CSV."""

from __future__ import annotations

import csv
from pathlib import Path

from diaphane.core.storage import reading
from diaphane.errors import InputError


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
