"""The list of near-duplicates that may lie beside a data set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from diaphane.acquire.picture import stem_of
from diaphane.errors import InputError
from diaphane.train.dataset import Item
from diaphane.train.forms_table import read_table

LIST = "near_duplicates.csv"
COLUMNS = (("id_a", "id_b"), ("image_a", "image_b"))


def listed_duplicates(root: Path, items: Sequence[Item]) -> tuple[tuple[str, str], ...]:
    """Names of items that ``near_duplicates.csv`` in ``root`` pairs, by stem; pairs that the data set has not both of are passed over.

    Raises:
        InputError: The list is there and has not the columns ``id_a, id_b`` or ``image_a, image_b``.
    """
    listed = root / LIST
    if not listed.is_file():
        return ()
    rows = read_table(listed)
    columns = next((pair for pair in COLUMNS if set(pair) <= rows[0].keys()), None) if rows else COLUMNS[0]
    if columns is None:
        raise InputError(f"{listed}: expected the columns id_a, id_b or image_a, image_b, found {', '.join(rows[0])}")
    known = _known(items)
    pairs = [tuple(_looked_up(known, row[column]) for column in columns) for row in rows]
    return tuple((a, b) for a, b in pairs if a and b and a != b)


def _known(items: Sequence[Item]) -> dict[str, str]:
    """Names by name and, where it is of one item only, by stem."""
    stems = Counter(stem_of(item.image) for item in items)
    return {stem: item.name for item in items if stems[stem := stem_of(item.image)] == 1} | {item.name: item.name for item in items}


def _looked_up(known: dict[str, str], listed: str) -> str:
    return known.get(listed) or known.get(stem_of(Path(listed)), "")
