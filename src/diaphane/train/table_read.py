"""A table of features and a table of truths, joined: one line of numbers for each image."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path, PurePath

import numpy as np

from diaphane.acquire.label_names import clean
from diaphane.assess.columns import Column
from diaphane.assess.table import UNNAMED, regions_from_csv
from diaphane.core.arrays import BoolArray, FloatArray, IntArray
from diaphane.core.region import Region
from diaphane.core.storage import reading
from diaphane.errors import InputError
from diaphane.train.dataset import Part
from diaphane.train.forms_about import about
from diaphane.train.forms_rows import PARTS, natural
from diaphane.train.forms_table import is_known, number, read_table
from diaphane.train.table_columns import NETWORK, beside, counted, measured

FEATURES = "features.csv"
NIFTI = ".nii.gz"
LARGEST = 2**31
"""Bytes of a table of features."""
LEAST = 10
"""Patients of each class, at least."""
MOST_CLASSES = 20
YES_NO = (("0", "1"), ("no", "yes"), ("false", "true"))
"""Targets of which the second is the class and the first the rest."""
YES = {yes for _, yes in YES_NO}
GROUPS = ("patient", "group")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What a classifier is fitted to; n images, d columns."""

    names: tuple[str, ...]
    values: FloatArray
    """(n, d); NaN where the patient's age or sex is not known."""
    columns: tuple[Column, ...]
    truth: IntArray
    """(n,), which of ``words``."""
    words: tuple[str, ...]
    """The classes, of a target of yes and no ``not TARGET`` and ``TARGET``."""
    classes: tuple[str, ...]
    """What the model names: ``words``, or of yes and no the target alone."""
    groups: tuple[str, ...]
    """The patient of each image, or what else must not be torn apart."""
    grouped_by: str
    """The column; empty: each image counts as a patient of its own."""
    parts: tuple[Part, ...]
    about: tuple[Mapping[str, str], ...]
    """What else is known of each image, by column, for figures in groups."""
    label: str
    """The structure whose regions were measured."""
    faults: tuple[str, ...]
    """What was left out, and why."""

    def only(self, rows: IntArray | BoolArray) -> Table:
        """Some of its images."""
        n = np.arange(len(self.names))[rows].tolist()
        return replace(
            self, names=tuple(self.names[i] for i in n), values=self.values[n], truth=self.truth[n], groups=tuple(self.groups[i] for i in n),
            parts=tuple(self.parts[i] for i in n), about=tuple(self.about[i] for i in n),
        )  # fmt: skip


def read(features: Path, table: Path, target: str, *, label: str = "", left_out: Sequence[str] = ()) -> Table:
    """The largest region of ``label`` of each image with its line in ``table``; ``left_out`` names columns that are not learnt from.

    Raises:
        InputError: A table is none, they have no image in common, the target is missing, constant or no class, or a class has fewer than ten patients.
    """
    lines = read_table(table)
    regions, name, said = _regions(features, label)
    rows, faults = rows_of(lines, target.lower(), str(table), regions)
    return joined(regions, rows, target, label=name, left_out=left_out, faults=[*faults, *said], where=str(table))


def joined(
    regions: Mapping[str, Region], rows: Mapping[str, Mapping[str, str]], target: str, *, label: str, left_out: Sequence[str], faults: Sequence[str], where: str
) -> Table:
    """Regions of ``label`` and lines of a table, both by the name of the image; ``where`` is what messages call the table.

    Raises:
        InputError: As ``read`` says.
    """
    apart = [
        *counted(sorted(rows.keys() - regions.keys()), "are in the table and have no region in the features; left out"),
        *counted(sorted(regions.keys() - rows.keys()), "have features and are not in the table; left out"),
    ]
    names = [image for image in rows if image in regions]
    if not names:
        raise InputError(f"{where}: no image of it has features; the column image must hold the names of the measured images")
    kept = [rows[image] for image in names]
    words, classes, truth = _target([row[target.lower()] for row in kept], target, where)
    left_out = _known_names(left_out, [regions[image] for image in names], list(kept[0]))
    columns, values, said = measured([regions[image] for image in names], left_out)
    known, more, told = beside(kept, classes, (*left_out, target.lower()))
    there: BoolArray = np.asarray(np.isfinite(values).all(axis=1))
    lacking = counted([n for n, ok in zip(names, there, strict=True) if not ok], "lack a feature that the others have; left out")
    grouped_by = next((g for g in GROUPS if any(row.get(g) for row in kept)), "")
    without = [n for n, row in zip(names, kept, strict=True) if grouped_by and not row.get(grouped_by)]
    alone = counted(without, f"have no {grouped_by}; each counts as one of its own")
    found = Table(
        names=tuple(names), values=np.concatenate([values, more], axis=1), columns=(*columns, *known), truth=truth, words=words, classes=classes,
        groups=tuple(row.get(grouped_by) or (f"image {image}" if grouped_by else image) for row, image in zip(kept, names, strict=True)),
        grouped_by=grouped_by, parts=tuple(_part(row, where) for row in kept), label=label, about=_about(kept, target.lower()),
        faults=(*faults, *apart, *said, *told, *alone, *lacking),
    ).only(there)  # fmt: skip
    return _checked(found, where)


def _known_names(names: Sequence[str], regions: Sequence[Region], columns: Sequence[str]) -> list[str]:
    """``names`` as the features, families and columns of the table are spelt.

    Raises:
        InputError: One of them is none of these: what should have been left out would be learnt from.
    """
    there = [*dict.fromkeys(w for region in regions for f in region.features for w in (f.name, f.family)), *columns]
    spelt = {word.lower(): word for word in there}
    unknown = [name for name in names if name.lower() not in spelt]
    if unknown:
        near = get_close_matches(unknown[0].lower(), spelt, n=1)
        raise InputError(f"--leave-out {unknown[0]}: is no feature, no family and no column of the table{f'; did you mean {spelt[near[0]]}?' if near else ''}")
    return [spelt[name.lower()] for name in names]


def rows_of(rows: Sequence[dict[str, str]], target: str, where: str, measured: Collection[str]) -> tuple[dict[str, dict[str, str]], list[str]]:
    """By the name of the image among those ``measured``, of others by its stem; and what is to be said.

    Raises:
        InputError: A column is missing, or an image has two lines that differ.
    """
    columns = list(rows[0]) if rows else []
    for column in ("image", target):
        if column not in columns:
            raise InputError(f"{where}: there is no column '{column}'; it has {', '.join(columns) or 'no line'}")
    found: dict[str, dict[str, str]] = {}
    twice, unknown = [], []
    for row in rows:
        image = row["image"] if row["image"] in measured else _stem(row["image"])
        if not is_known(row[target]):
            unknown.append(image)
        elif found.setdefault(image, row) is not row:
            if found[image] != row:
                raise InputError(f"{where}: image '{image}' has two lines that differ; keep one of them")
            twice.append(image)
    return found, [*counted(unknown, f"have no {target}; left out"), *counted(twice, "are listed twice with the same words; each counts once")]


def _stem(image: str) -> str:
    """As ``acquire`` names a file of that name; whether there is one is not asked."""
    name = PurePath(image).name
    return name[: -len(NIFTI)] if name.lower().endswith(NIFTI) else PurePath(name).stem


def _regions(features: Path, label: str) -> tuple[dict[str, Region], str, list[str]]:
    """Of each image the largest region of the structure; its name; and what is to be said."""
    whole = features / FEATURES if features.is_dir() else features
    files = [whole] if whole.exists() or not features.is_dir() else sorted(features.rglob(FEATURES))
    found: dict[tuple[str, str], list[Region]] = {}
    for file in files:
        own: dict[tuple[str, str], list[Region]] = {}
        for image, region in regions_from_csv(_text(file), str(file)):
            own.setdefault((image, region.name), []).append(region)
        if both := found.keys() & own.keys():
            raise InputError(f"{file}: image '{min(both)[0]}' has its features in another file too; give each image another name, or one of the files")
        found |= own
    if not found:
        raise InputError(f"{features}: there are no features in it; give a features.csv, or a folder of cases, as diaphane measure and diaphane run write them")
    names = sorted({name for _, name in found})
    chosen = label if label in names else _unnamed(names, label, features)
    of = {image: sorted(regions, key=lambda r: r.index) for (image, name), regions in found.items() if name == chosen}
    several = counted([image for image, regions in of.items() if len(regions) > 1], f"have several regions of {chosen}; the largest counts")
    return {image: regions[0] for image, regions in of.items()}, label or chosen, several


def _text(file: Path) -> str:
    with reading(file):
        if file.stat().st_size > LARGEST:
            raise InputError(f"{file}: a table of features has at most {LARGEST} bytes")
        data = file.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise InputError(f"{file}: not UTF-8 text; give a features.csv as diaphane measure writes it") from problem


def _unnamed(names: list[str], label: str, features: Path) -> str:
    """The only structure there is, if it may be called ``label``."""
    if len(names) > 1:
        raise InputError(f"{features}: has regions of {', '.join(names)}; say with --label whose are to be learnt from")
    if label and not UNNAMED.fullmatch(names[0]):
        raise InputError(f"{features}: has no region of '{label}', only of '{names[0]}'")
    return names[0]


def _target(values: Sequence[str], target: str, where: str) -> tuple[tuple[str, ...], tuple[str, ...], IntArray]:
    """Words of the classes, what the model names, and which each image is."""
    plain = ["0" if number(v) == 0 else "1" if number(v) == 1 else v for v in values]
    kinds = sorted(set(plain), key=natural)
    if len(kinds) < 2:
        raise InputError(f"{where}: '{target}' is '{kinds[0]}' of all {len(values)} images that have features; there is nothing to tell apart")
    if len(kinds) > MOST_CLASSES:
        raise InputError(f"{where}: '{target}' has {len(kinds)} different values; a class is one of at most {MOST_CLASSES}: give words, or 0 and 1")
    if any({kind.lower() for kind in kinds} == set(pair) for pair in YES_NO):
        return (f"not {clean(target)}", clean(target)), (clean(target),), np.array([v.lower() in YES for v in plain], int)
    words = tuple(clean(kind) for kind in kinds)
    if len(set(words)) < len(words):
        raise InputError(f"{where}: two classes of '{target}' read alike when written in 60 characters without underscores; give them other names")
    return words, words, np.array([kinds.index(v) for v in plain], int)


def _part(row: Mapping[str, str], where: str) -> Part:
    part = row.get("split", "").lower()
    if part not in PARTS:
        raise InputError(f"{where}: split must be train, valid or test (or empty), got '{part[:20]}'")
    return PARTS[part]


def _about(rows: Sequence[Mapping[str, str]], target: str) -> tuple[Mapping[str, str], ...]:
    own = (target, *GROUPS)
    return tuple(about([{k: v for k, v in row.items() if k not in own and not k.startswith(NETWORK)} for row in rows], "image"))


def _checked(table: Table, where: str) -> Table:
    """Every class has enough patients to learn from."""
    learnt = np.array([part in ("", "train") for part in table.parts])
    for n, word in enumerate(table.words):
        count = len({group for group, t, yes in zip(table.groups, table.truth, learnt, strict=True) if yes and t == n})
        if count < LEAST:
            raise InputError(f"{where}: '{word}' has {count} {'patients' if table.grouped_by else 'images'} to learn from; at least {LEAST} are needed")
    return table
