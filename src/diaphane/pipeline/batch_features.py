"""One ``features.csv`` over many cases, such as ``diaphane train --table`` takes."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from diaphane.core.case_folder import FEATURES
from diaphane.core.region import COLUMNS
from diaphane.core.storage import PARTIAL, storage


def write_features(folder: Path, cases: Iterable[str]) -> Path | None:
    """The features of all ``cases`` below ``folder``, line by line; None where none has any.

    The column ``image`` has the case's name, followed by ``/`` and the image's where a case has several; regions are counted in each case.
    """
    path = folder / FEATURES
    aside = path.with_name(path.name + PARTIAL)
    with storage(path):
        try:
            with aside.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(COLUMNS)
                lines = 0
                for case in cases:
                    for row in _rows(folder / case / FEATURES, case):
                        writer.writerow(row)
                        lines += 1
            if lines:
                os.replace(aside, path)
        finally:
            aside.unlink(missing_ok=True)
        if not lines:
            path.unlink(missing_ok=True)
    return path if lines else None


def _rows(path: Path, case: str) -> Iterator[list[str]]:
    if not path.exists():
        return
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    several = len({row[0] for row in rows}) > 1
    for image, *rest in rows:
        yield [f"{case}/{image}" if several else case, *rest]
