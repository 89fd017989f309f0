"""Data sets made of case folders: what a person outlined or corrected, as ``diaphane run --labels`` keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from diaphane.core.case_folder import IMAGES, MANIFEST, SEGMENTATION
from diaphane.core.manifest import read_manifest
from diaphane.core.provenance import sha256_of
from diaphane.core.recipe import LabelRecipe
from diaphane.core.strict import from_mapping
from diaphane.errors import InputError
from diaphane.train.dataset import Dataset, Fault
from diaphane.train.forms_rows import About, Row, dataset_of

GIVEN = "given"
"""The source of labels that a person gave, in a case."""
KIND_OF_GIVEN = ", labels given"
"""What a run adds to the kind of image where the labels were given."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """One case folder with labels that a person gave."""

    row: Row
    labels: tuple[LabelRecipe, ...]
    kind: str
    """Of image, in words: ``CT``, ``picture``."""


def holds_cases(path: Path) -> bool:
    """Whether there are case folders in the folder ``path``."""
    return any(path.glob(f"*/{MANIFEST}"))


def read_cases(path: Path) -> Dataset:
    """The data set of the case folders in ``path``: an item a case, called as its folder is.

    Left out and named: a case whose labels a model made, or nobody; one that is not finished, damaged or was altered after its run.

    Raises:
        InputError: No case is left, or two call the same value by different names.
    """
    kept: list[Corrected] = []
    faults: list[Fault] = []
    for manifest in sorted(path.glob(f"*/{MANIFEST}")):
        case = manifest.parent
        try:
            kept.append(_corrected(case))
        except InputError as problem:
            faults.append(Fault(case.name, str(problem)))
    if not kept:
        why = f": {faults[0].what}" if faults else f", nor a folder with {MANIFEST}"
        raise InputError(f"{path}: no case with labels that a person gave{why}; make cases with diaphane run IMAGE --labels EDITED --out {path.name}/NAME")
    values, labels = _labels_of_all(path, kept)
    kinds = {one.kind for one in kept}
    about = About(modality=kinds.pop() if len(kinds) == 1 else "", labels=labels, values=values)
    return dataset_of(path, "cases", [one.row for one in kept], about, faults)


def _corrected(case: Path) -> Corrected:
    """The image and the given labels of a case.

    Raises:
        InputError: There are none, or the manifest or a file is not as the run left it.
    """
    manifest = read_manifest(case / MANIFEST)
    if not manifest["complete"]:
        raise InputError(f"{case}: the run was not finished; give the same diaphane run again")
    try:
        acquired, segmented = (manifest["stages"][name] for name in ("acquire", "segment"))
        image, parts = acquired["result"]["image"], segmented["result"]["parts"]
        part = next((p for p in parts if p["source"] == GIVEN), None)
        if part is None or image is None:
            by = ", ".join(sorted({str(p["source"]) for p in parts if p["source"]}))
            made = f"labels were made by {by}, not given by a person" if by else "has no labels"
            raise InputError(f"{case}: {made}; correct them and give them to diaphane run --labels, with --out another folder")
        name = f"{image['name']}{image['suffix']}"
        files = [_unaltered(case, f"{folder}/{name}", stage["files"]) for folder, stage in ((IMAGES, acquired), (SEGMENTATION, segmented))]
        labels = tuple(from_mapping(LabelRecipe, label, f"{case / MANIFEST}: labels", InputError) for label in part["table"])
        kind = str(part["modality"]).removesuffix(KIND_OF_GIVEN)
    except (KeyError, TypeError, AttributeError) as problem:
        raise InputError(f"{case / MANIFEST}: not the manifest of a finished case ({problem!r}); run it again") from problem
    return Corrected(Row(image=files[0], mask=files[1], name=case.name), labels, kind)


def _unaltered(case: Path, name: str, known: Mapping[str, str]) -> str:
    """The path of the file ``name`` of ``case``, from the folder of all cases."""
    if not (case / name).is_file() or sha256_of(case / name) != known[name]:
        raise InputError(f"{case / name}: missing, or not as the run left it; give a corrected file to diaphane run --labels")
    return f"{case.name}/{name}"


def _labels_of_all(path: Path, cases: Sequence[Corrected]) -> tuple[dict[int, int], tuple[LabelRecipe, ...]]:
    """Pixel value to label value 1, 2, 3 …, and what those are called."""
    found: dict[int, tuple[LabelRecipe, str]] = {}
    for one in cases:
        for label in one.labels:
            known, first = found.setdefault(label.value, (label, one.row.name))
            if known.name != label.name:
                told = f"'{known.name}' in {first} and '{label.name}' in {one.row.name}"
                raise InputError(f"{path}: the value {label.value} is {told}; run them again with one list of names beside the labels")
    pairs = list(enumerate((found[value][0] for value in sorted(found)), start=1))
    return {label.value: n for n, label in pairs}, tuple(LabelRecipe(value=n, name=label.name, role=label.role) for n, label in pairs)
