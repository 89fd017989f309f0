"""Lines of a list of images with their truth, and the data set that they make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from diaphane.acquire.label_names import clean, table_of
from diaphane.acquire.picture import SUFFIXES, stem_of
from diaphane.core.recipe import LabelRecipe
from diaphane.errors import InputError
from diaphane.train.dataset import Dataset, Fault, Form, Item, Part
from diaphane.train.forms_duplicates import listed_duplicates

PICTURES = SUFFIXES
VOLUMES = (".nii", ".nii.gz", ".nrrd", ".nhdr")
PARTS: Mapping[str, Part] = {
    "": "", "train": "train", "training": "train", "valid": "valid", "validation": "valid", "val": "valid", "dev": "valid", "test": "test", "testing": "test",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line; paths relative to the folder of the data set, with ``/``."""

    image: str
    mask: str = ""
    class_name: str = ""
    """Empty in a data set of masks."""
    patient: str = ""
    part: Part = ""
    name: str = ""
    """In place of the image's stem."""
    about: Mapping[str, str] = field(default_factory=dict)
    """What else is known of it, by column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a data set says of itself; empty what it does not."""

    name: str = ""
    modality: str = ""
    licence: str = ""
    labels: tuple[LabelRecipe, ...] = ()
    values: Mapping[int, int] = field(default_factory=dict)


def dataset_of(root: Path, form: Form, rows: Sequence[Row], about: About, faults: Sequence[Fault] = ()) -> Dataset:
    """The data set of ``rows``: of classes if they have any, else of masks. An image that is listed twice counts once.

    Raises:
        InputError: There is no row left, or one class only.
    """
    once, doubled = _once(rows)
    missing = [
        Fault(row.image, f"{root / row.image}: no mask or class for this image; give one, or take the image away") for row in once if not _has_truth(row)
    ]
    kept = [row for row in once if _has_truth(row)]
    faults = (*faults, *doubled, *missing, *_without_patient(root, kept))
    if not kept:
        raise InputError(f"{root}: no image with a mask or a class was found{'; ' + faults[0].what if faults else ''}")
    classes = _classes(root, kept)
    target = {label.name: label.value for label in classes}
    names = _names(kept)
    items = tuple(
        Item(name, root / row.image, root / row.mask if row.mask else None, target.get(clean(row.class_name), 0), row.patient or name, row.part, row.about)
        for name, row in zip(names, kept, strict=True)
    )
    name = clean(about.name) or clean(root.resolve().name)
    return Dataset(
        root=root, form=form, task="classify" if classes else "segment", name=name, modality=clean(about.modality) or name, labels=classes or about.labels,
        items=items, patients_known=all(row.patient for row in kept), duplicates=listed_duplicates(root, items), values=about.values, faults=faults,
        licence=clean(about.licence) or "not stated",
    )  # fmt: skip


def natural(name: str) -> tuple[bool, float, str]:
    """A key that sorts names which are numbers as numbers, before all others."""
    try:
        return False, float(name), name
    except ValueError:
        return True, 0.0, name


def _has_truth(row: Row) -> bool:
    return bool(row.mask or row.class_name)


def _once(rows: Sequence[Row]) -> tuple[list[Row], list[Fault]]:
    first: dict[str, Row] = {}
    faults = []
    for row in rows:
        if first.setdefault(row.image, row) is not row:
            same = (first[row.image].mask, first[row.image].class_name) == (row.mask, row.class_name)
            what = f"{row.image}: listed twice{'' if same else ' with another truth'}; the first line counts, take the other away"
            faults.append(Fault("", what, left_out=False))
    return list(first.values()), faults


def _without_patient(root: Path, rows: Sequence[Row]) -> list[Fault]:
    """What is said where some have a patient and some have not."""
    count = sum(not row.patient for row in rows)
    if count in (0, len(rows)):
        return []
    what = f"{root}: {count} of {len(rows)} items have no patient, so patients count as not known, and each of those as a patient of its own; fill them in"
    return [Fault("", what, left_out=False)]


def _classes(root: Path, rows: Sequence[Row]) -> tuple[LabelRecipe, ...]:
    names = sorted({clean(row.class_name) for row in rows if row.class_name}, key=natural)
    if len(names) == 1:
        raise InputError(f"{root}: one class only ('{names[0]}'); a network learns to tell two or more apart: add another, or give masks")
    return table_of(range(1, len(names) + 1), dict(enumerate(names, start=1)))


def _names(rows: Sequence[Row]) -> list[str]:
    """The stem of each image; where stems repeat, with the folders before it, and at last with its suffix."""
    stems = [row.name or stem_of(Path(row.image)) for row in rows]
    names = list(stems)
    for depth in range(1, 1 + max(len(PurePosixPath(row.image).parts) for row in rows)):
        twice = {name for name, count in Counter(names).items() if count > 1}
        if not twice:
            return names
        for n, row in enumerate(rows):
            if names[n] in twice:
                folders = PurePosixPath(row.image).parts[:-1][-depth:]
                names[n] = "-".join([*folders, stems[n]])
    twice = {name for name, count in Counter(names).items() if count > 1}
    return [row.image.replace("/", "-") if name in twice else name for name, row in zip(names, rows, strict=True)]
