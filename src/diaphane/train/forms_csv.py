"""Data sets as a CSV: ``image,mask`` or ``image,class``, optionally ``split`` and ``patient``, and what else is known of the items."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PureWindowsPath

from diaphane.errors import InputError
from diaphane.train.dataset import Dataset, Fault
from diaphane.train.forms_about import about
from diaphane.train.forms_rows import PARTS, About, Row, dataset_of
from diaphane.train.forms_table import read_table


def read_csv(path: Path) -> Dataset:
    """The data set that ``path`` lists, paths relative to its folder; with both columns, the mask counts and not the class.

    Raises:
        InputError: A column is missing, a path leads out of the folder, or a split is neither train, valid nor test.
    """
    table = read_table(path)
    if not table:
        raise InputError(f"{path}: no line below the header; expected the columns image and mask, or image and class")
    image = "image" if "image" in table[0] else "file"
    truth = next((column for column in ("mask", "class") if column in table[0]), None)
    if image not in table[0] or truth is None:
        raise InputError(f"{path}: expected the columns image (or file) and mask or class, separated by commas; found {', '.join(table[0]) or 'none'}")
    listed = [(line, row) for line, row in enumerate(table, start=2) if row[image]]
    more = about([row for _, row in listed], image)
    rows = [replace(_row(f"{path}: line {line}", row, image, truth), about=known) for (line, row), known in zip(listed, more, strict=True)]
    faults = [Fault("", f"{path}: line {line} names no image; fill it in or take it away") for line, row in enumerate(table, start=2) if not row[image]]
    return dataset_of(path.parent, "CSV", rows, About(name="" if path.name == "index.csv" else path.stem), faults)


def _row(where: str, row: dict[str, str], image: str, truth: str) -> Row:
    part = row.get("split", "").lower()
    if part not in PARTS:
        raise InputError(f"{where}: split must be train, valid or test (or empty), got '{part[:20]}'")
    masked = truth == "mask"
    return Row(
        image=inside(where, row[image]),
        mask=inside(where, row[truth]) if masked and row[truth] else "",
        class_name="" if masked else row[truth],
        patient=row.get("patient", ""),
        part=PARTS[part],
    )


def inside(where: str, listed: str) -> str:
    """``listed``, a relative path that stays in its folder, without ``./``.

    Raises:
        InputError: It is absolute or goes up with ``..``.
    """
    path = Path(listed)
    if path.is_absolute() or PureWindowsPath(listed).drive or ".." in PureWindowsPath(listed).parts:
        raise InputError(f"{where}: paths must be relative and stay in the folder of the list, without '..'; put the files beside it")
    return path.as_posix()
