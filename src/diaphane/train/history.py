"""How a training went, a row now and then: ``history.csv``."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from diaphane.core.storage import write_whole

COLUMNS = ("step", "minutes", "loss", "learning_rate", "validation")
"""Validation is mean Dice, or AUC of classes; empty between looks. The loss is the mean since the row before."""


def write_history(path: Path, rows: Sequence[Mapping[str, float | None]]) -> None:
    """All rows, whole or not at all."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: v if v is None or k == "step" else f"{v:.6g}" for k, v in row.items()} for row in rows)
    write_whole(path, text.getvalue().encode())


def read_history(path: Path) -> list[dict[str, float | None]]:
    """What ``write_history`` wrote."""
    with path.open(newline="", encoding="utf-8") as file:
        return [{k: float(v) if v else None for k, v in row.items()} for row in csv.DictReader(file)]
