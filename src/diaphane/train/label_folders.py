"""Folders of label maps: which maps belong together, and how well those in one agree with those in another."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from diaphane.acquire.label_names import LESION_WORDS, clean, names_beside
from diaphane.acquire.picture import stem_of
from diaphane.core.arrays import BoolArray, IntArray
from diaphane.core.image import Image
from diaphane.core.storage import reading
from diaphane.errors import InputError
from diaphane.train.evaluate import CaseMetrics, case_metrics, metrics_document
from diaphane.train.forms_masks import GENERIC, SEPARATORS, STRUCTURES
from diaphane.train.forms_table import read_table
from diaphane.train.read import read_image, read_mask

log = logging.getLogger(__name__)
SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".png", ".bmp", ".tif", ".tiff")
BESIDE = ("_overlay", "_probability", "_uncertainty")
"""What ``diaphane segment`` writes beside its label maps."""
LISTED = ("case", "image", "mask", "name")
"""Columns of a list of patients that may name the case."""
WHOLE = 0
"""Stands for all values of a two-valued map together."""
Values = set[int]


@dataclass(frozen=True, slots=True)
class Result:
    """One folder of predictions, measured."""

    name: str
    rows: dict[str, dict[int, CaseMetrics]] = field(default_factory=dict)
    """Case → pixel value → its metrics; values in neither map are left out."""
    values: Values = field(default_factory=set)
    """All that occur."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Case → why it was not measured."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Folders of predictions against one reference."""

    results: tuple[Result, ...]
    values: Values
    """That occur in the reference, without background and what is to be ignored."""
    names: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class _Truth:
    """The reference of one case."""

    image: Image
    labels: IntArray
    known: BoolArray
    """Where the reference does not say ``ignore``."""
    values: Values
    spacing: tuple[float, float, float] | None


def maps_in(folder: Path) -> dict[str, Path]:
    """The label maps in ``folder`` by their stem.

    Raises:
        InputError: There is no such folder, it holds no map, or two of one stem.
    """
    with reading(folder):
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder; give a folder of label maps ({', '.join(SUFFIXES)})")
        files = sorted(p for p in folder.iterdir() if p.name.lower().endswith(SUFFIXES) and not p.name.startswith(".") and p.is_file())
    stems = [stem_of(p) for p in files]
    alike = sorted({stem for stem in stems if stems.count(stem) > 1}) if len(set(stems)) < len(stems) else []
    if alike:
        raise InputError(f"{folder}: two files of the stem {alike[0]}; keep one")
    maps = {stem: path for stem, path in zip(stems, files, strict=True) if not _is_beside(stem, set(stems))}
    if not maps:
        raise InputError(f"{folder}: no label map in this folder; expected files ending in {', '.join(SUFFIXES)}")
    return maps


def by_case(maps: Mapping[str, Path]) -> dict[str, Path]:
    """``maps`` by case: the stem without ``_segmentation``, ``_mask`` or the like, unless two would be alike."""
    trunks = [trunk(stem) for stem in maps]
    count = Counter(trunks)
    return {key if count[key] == 1 else stem: path for key, (stem, path) in zip(trunks, maps.items(), strict=True)}


def trunk(stem: str) -> str:
    """``stem`` without the words at its end that only say that it is a mask, or of what: ``x`` of ``x_lesion_mask``."""
    cuts = [found.start() for found in SEPARATORS.finditer(stem) if found.start() > 0]
    for cut in reversed(cuts):
        word = SEPARATORS.sub("", stem[cut:])
        plain = word.rstrip("0123456789")
        if not plain or not (GENERIC.fullmatch(plain) or STRUCTURES.fullmatch(word) or LESION_WORDS.fullmatch(word)):
            break
        stem = stem[:cut]
    return stem


def names_in(folder: Path) -> dict[int, str]:
    """What ``dataset.json`` (or ``labels.txt``, ``labels.json``) in ``folder`` or above it calls the values; none without one."""
    for candidate in (parent / stem for parent in (folder, folder.resolve().parent) for stem in ("dataset", "labels")):
        try:
            names = names_beside(candidate)
        except InputError as problem:
            log.warning("labels are named by their number: %s", problem)
            continue
        if names:
            return {value: clean(name) for value, name in names.items() if value}
    return {}


def measured(reference: Path, predicted: Mapping[str, Path], spacing_mm: float | None, progress: Callable[[Sequence[str]], Iterable[str]]) -> Measured:
    """Every map in ``reference`` against that of its case in each folder of ``predicted`` (by name); ``progress`` shows how far it is.

    A case that one folder has not, or cannot be compared in, is left out of that folder's result, with the reason.

    Raises:
        InputError: A folder holds no map, the reference no label, or none of a folder's maps could be measured.
    """
    truths, others = by_case(maps_in(reference)), {name: by_stem_or_case(maps_in(folder)) for name, folder in predicted.items()}
    found = Measured(tuple(Result(name) for name in predicted), set(), names_in(reference))
    for case in progress(list(truths)):
        try:
            truth = _truth(truths[case], found, spacing_mm)
        except InputError as problem:
            for result in found.results:
                result.left_out[case] = str(problem)
            continue
        for result in found.results:
            _add(result, case, truth, truths[case], others[result.name])
    for result in found.results:
        if not result.rows:
            raise InputError(f"nothing in {predicted[result.name]} could be measured: {next(iter(result.left_out.values()))}")
    if not found.values:
        raise InputError(f"{reference}: every map is empty, so there is nothing to compare with; a label is a value from 1 on")
    return found


def by_stem_or_case(maps: Mapping[str, Path]) -> dict[str, Path]:
    """``maps`` for ``match``."""
    return {**by_case(maps), **maps}


def match(case: str, reference: Path, maps: Mapping[str, Path]) -> Path:
    """The map of ``case`` among ``maps`` (``by_stem_or_case``): of the stem of the ``reference``, else of the same case.

    Raises:
        InputError: There is none.
    """
    path = maps.get(stem_of(reference)) or maps.get(case)
    if path is None:
        raise InputError(f"{next(iter(maps.values())).parent}: no label map of {case}")
    return path


def _add(result: Result, case: str, truth: _Truth, reference: Path, maps: Mapping[str, Path]) -> None:
    """One case to one result, or why not."""
    try:
        result.rows[case] = _by_value(truth, match(case, reference, maps), result)
    except InputError as problem:
        result.left_out[case] = str(problem)


def _truth(path: Path, found: Measured, spacing_mm: float | None) -> _Truth:
    image = read_image(path)
    labels = read_mask(path, image)
    known = ~np.isin(labels, [value for value, name in found.names.items() if name == "ignore"])
    values = _values(labels, known)
    found.values.update(values)
    if image.geometry.calibrated:
        return _Truth(image, labels, known, values, image.geometry.spacing)
    return _Truth(image, labels, known, values, None if spacing_mm is None else (spacing_mm, spacing_mm, spacing_mm))


def _by_value(truth: _Truth, path: Path, result: Result) -> dict[int, CaseMetrics]:
    """By value; those in neither map are left out."""
    labels = read_mask(path, truth.image)
    values = _values(labels, truth.known)
    result.values.update(values)
    pairs = {value: (labels == value, truth.labels == value) for value in sorted(values | truth.values)}
    if values != truth.values and max(len(values), len(truth.values)) == 1:
        pairs[WHOLE] = (labels > 0, truth.labels > 0)
    return {value: case_metrics("", "", a & truth.known, b & truth.known, truth.spacing) for value, (a, b) in pairs.items()}


def _values(labels: IntArray, known: BoolArray) -> Values:
    return set(np.flatnonzero(np.bincount(labels[known].ravel())).tolist()) - {0}


def document(found: Measured, result: Result, patients: Mapping[str, str] | None) -> dict[str, Any]:
    """``metrics.json`` of one folder; ``patients`` (case → patient) are what intervals draw.

    Every label of the reference counts in every case. One value each, and not the same (0 and 255 here, 0 and 1 there), are one structure,
    unless both are named.
    """
    table, one = _table(found, result)
    cases = [replace(row, case=case, label=name) for case, rows in result.rows.items() for value, name in table.items() for row in [_row(rows, value, one)]]
    groups = None if patients is None else [patients[row.case] for row in cases]
    more = {"left_out": result.left_out, "not_in_reference": [] if one else sorted(result.values - found.values)}
    return {"predicted": result.name} | metrics_document(cases, groups) | more


def _table(found: Measured, result: Result) -> tuple[dict[int, str], bool]:
    """The values that are scored with their names, and whether any value is taken for the one structure."""
    ours, theirs = found.values, result.values
    table = {value: found.names.get(value) or f"label {value}" for value in sorted(ours)}
    if len(ours) == 1 and len(found.names) == 1 and not found.names.keys() & theirs:
        table = dict.fromkeys(ours, next(iter(found.names.values())))
    if len(ours) > 1 or len(theirs) != 1 or ours == theirs or (ours | theirs) <= set(found.names):
        return table, False
    ((value, name),) = table.items()
    log.warning("%s: its value %d and the reference's %d are taken for the same structure, %s", result.name, *theirs, value, name)
    return table, True


def _row(rows: Mapping[int, CaseMetrics], value: int, one: bool) -> CaseMetrics:
    nowhere = CaseMetrics("", "", 1.0, 1.0)
    return rows.get(WHOLE, nowhere) if one else rows.get(value, nowhere)


def read_patients(path: Path, cases: Iterable[str]) -> dict[str, str]:
    """The patient of each of ``cases``, by a CSV with the columns ``patient`` and one of ``case``, ``image``, ``mask``, ``name``.

    Raises:
        InputError: It is no CSV in UTF-8, a column is missing, or a case is not listed with a patient.
    """
    listed = _listed(path)
    missing = [case for case in cases if case not in listed]
    if missing:
        raise InputError(f"{path}: {len(missing)} cases are not listed with a patient, {missing[0]} for one; add them with their patient")
    return {case: listed[case] for case in cases}


def _listed(path: Path) -> dict[str, str]:
    """Patients by stem, and by the stem's trunk where no other stem is that."""
    with reading(path):
        if not path.is_file():
            raise InputError(f"{path}: no such file; give a CSV with the columns patient and one of {', '.join(LISTED)}")
    rows = read_table(path)
    if not rows:
        raise InputError(f"{path}: no line below the header; expected the columns patient and one of {', '.join(LISTED)}")
    columns = rows[0].keys()
    known = [column for column in LISTED if column in columns]
    if not known or "patient" not in columns:
        raise InputError(f"{path}: expected the columns patient and one of {', '.join(LISTED)}, got {', '.join(sorted(columns)) or 'none'}")
    stems = {stem_of(Path(row[column])): row["patient"] for row in rows for column in known if row[column] and row["patient"]}
    return {trunk(stem): patient for stem, patient in stems.items()} | stems


def _is_beside(stem: str, stems: set[str]) -> bool:
    return any(stem.endswith(ending) and stem.removesuffix(ending) in stems for ending in BESIDE)
