"""Which group each item is in: by what the data's list says of it, and by the size of what its mask holds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from diaphane.train.dataset import Checked, Facts
from diaphane.train.forms_about import AGE, MOST_VALUES
from diaphane.train.forms_rows import natural
from diaphane.train.forms_table import number

SIZE = "size of the structures"
AGES, AGE_GROUPS = (40.0, 60.0), ("below 40", "40 to 59", "60 and more")
THIRDS = (1 / 3, 2 / 3)


@dataclass(frozen=True, slots=True)
class Grouping:
    """Groups that an item is in one of."""

    groups: tuple[str, ...]
    """In the order in which they are shown."""
    of: Mapping[str, str]
    """By name of the item; those of which it is not known are left out."""


def groupings(checked: Checked) -> dict[str, Grouping]:
    """By column of ``Item.about``, and by ``SIZE``. The whole data set says where groups begin: every fold and the test part are grouped alike.

    Ages are below 40, 40 to 59, and 60 and more; other numbers are in thirds; up to six values of any kind stand for themselves. What is
    neither groups nothing.
    """
    items = checked.dataset.items
    columns = dict.fromkeys(column for item in items for column in item.about)
    found = {column: _by_value(column, {item.name: item.about[column] for item in items if column in item.about}) for column in columns}
    found[SIZE] = _by_size({item.name: checked.facts[item.name] for item in items if item.mask is not None})
    return {column: grouping for column, grouping in found.items() if grouping is not None}


def _by_value(column: str, values: Mapping[str, str]) -> Grouping | None:
    numbers = {name: number(value) for name, value in values.items()}
    if not any(map(math.isnan, numbers.values())):
        if column == AGE:
            return _cut(numbers, AGES, AGE_GROUPS)
        if edges := _thirds(numbers.values()):
            return _cut(numbers, edges, _ranges(edges))
    different = sorted(set(values.values()), key=natural)
    return Grouping(tuple(different), values) if len(different) <= MOST_VALUES else None


def _by_size(facts: Mapping[str, Facts]) -> Grouping | None:
    """Thirds of the volume of all structures together, or of their share of a picture; empty masks are a group of their own."""
    volumes = any(one.shape[0] > 1 for one in facts.values())
    sizes = {name: sum(one.voxels.values()) * (math.prod(one.spacing) if volumes else 100 / math.prod(one.shape)) for name, one in facts.items()}
    there = {name: size for name, size in sizes.items() if size > 0}
    edges = _thirds(there.values())
    if not edges:
        return None
    kinds = ("small", "middle", "large") if len(edges) == len(THIRDS) else ("small", "large")
    words = [f"{kind}: {words}" for kind, words in zip(kinds, _ranges(edges, " mm3" if volumes else " % of the picture"), strict=True)]
    cut = _cut(there, edges, words)
    return Grouping(("none", *cut.groups), {**dict.fromkeys(sizes, "none"), **cut.of})


def _thirds(values: Iterable[float]) -> tuple[float, ...]:
    """Where thirds of ``values`` meet, each to two significant digits; empty where no more than six values differ."""
    known = sorted(values)
    if len(set(known)) <= MOST_VALUES:
        return ()
    return tuple(sorted({float(f"{known[int(len(known) * share)]:.2g}") for share in THIRDS}))


def _ranges(edges: Sequence[float], unit: str = "") -> list[str]:
    words = [f"{edge:.10g}" for edge in edges]
    between = [f"{low} to {high}{unit}" for low, high in zip(words, words[1:], strict=False)]
    return [f"below {words[0]}{unit}", *between, f"{words[-1]}{unit} and more"]


def _cut(numbers: Mapping[str, float], edges: Sequence[float], groups: Sequence[str]) -> Grouping:
    """A value on an edge is in the group above."""
    return Grouping(tuple(groups), {name: groups[int(np.searchsorted(edges, value, side="right"))] for name, value in numbers.items()})
