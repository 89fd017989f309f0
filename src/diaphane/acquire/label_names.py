"""What label values are called: by the file itself, by a list of names beside it, or by their number."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.etree import ElementTree

from diaphane.core.recipe import LabelRecipe
from diaphane.core.storage import reading
from diaphane.errors import InputError

LESION_WORDS = re.compile(
    r"lesion|tumou?r|nodule|cyst(?!ic)|metasta|carcinoma|\bmass(es)?\b|melanoma|polyp|aneurysm|ha?emorrhage|infarct",
    re.IGNORECASE,
)
NAME_LENGTH = 60
MAX_LIST_BYTES = 4 * 2**20
VALUE_AND_NAME = re.compile(r"\s*(\d{1,9})[\s:,;=]+(.+)")
SIDECARS = (".txt", ".json")


def table_of(values: Iterable[int], names: Mapping[int, str]) -> tuple[LabelRecipe, ...]:
    """The meaning of each of ``values``, rising: its name, or ``label N``; a lesion where the name says so, else anatomy."""
    cleaned = {value: clean(names.get(value, "")) or f"label {value}" for value in sorted(map(int, values))}
    return tuple(LabelRecipe(value=value, name=name, role="lesion" if LESION_WORDS.search(name) else "anatomy") for value, name in cleaned.items())


def clean(name: str) -> str:
    """``name`` on one line, in words, without control characters, of at most 60 characters."""
    visible = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in name.replace("_", " "))
    return " ".join(visible.split())[:NAME_LENGTH].rstrip()


def names_in_xml(content: bytes) -> dict[int, str]:
    """The names in the ``LabelTable`` of a NIfTI extension as Connectome Workbench and TotalSegmentator write it; none in any other."""
    text = content.rstrip(b"\0 \r\n\t")
    if b"LabelTable" not in text or b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        return {}
    try:
        labels = ElementTree.fromstring(text).iter("Label")  # noqa: S314 - no document type, so no entities to expand
        return {int(label.get("Key", "0")): label.text or "" for label in labels}
    except (ElementTree.ParseError, ValueError, LookupError):  # LookupError: an encoding that there is not
        return {}


def names_beside(path: Path) -> dict[int, str]:
    """The names in a list beside ``path``: ``aal.nii.txt``, ``aal.txt`` or ``aal.json`` beside ``aal.nii.gz``; none without one.

    A text has a line ``value name …`` for each label; a JSON document ``{"1": "name"}``, ``{"name": 1}``, or either under ``labels``.

    Raises:
        InputError: The list is there and cannot be understood.
    """
    stems = {path.name.removesuffix(".gz"), path.name.removesuffix(".gz").removesuffix(".nii").removesuffix(".nrrd").removesuffix(".seg")}
    for stem in sorted(stems, key=len, reverse=True):
        for suffix in SIDECARS:
            sidecar = path.with_name(stem + suffix)
            with reading(sidecar):
                if sidecar.is_file():
                    return _names_in(sidecar)
    return {}


def _names_in(path: Path) -> dict[int, str]:
    if path.stat().st_size > MAX_LIST_BYTES:
        raise InputError(f"{path}: a list of label names has at most {MAX_LIST_BYTES} bytes; rename it if it is none")
    try:
        text = path.read_text(encoding="utf-8-sig")
        return _from_json(json.loads(text)) if path.suffix == ".json" else _from_lines(text)
    except (UnicodeDecodeError, ValueError, RecursionError) as problem:
        raise InputError(f"{path}: not a list of label names ({problem}); expected lines 'value name', or rename it if it is none") from problem


def _from_lines(text: str) -> dict[int, str]:
    names: dict[int, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = VALUE_AND_NAME.fullmatch(line)
        if not found:
            raise ValueError(f"line {number} does not begin with a value")
        words = found[2].split()
        trailing = len(words) > 1 and words[-1].isdigit() and "_" in words[0]  # an atlas' own code behind the name, as in AAL
        names[int(found[1])] = " ".join(words[:-1] if trailing else words)
    return names


def _from_json(document: object) -> dict[int, str]:
    if isinstance(document, dict) and isinstance(document.get("labels"), dict):
        document = document["labels"]
    if not isinstance(document, dict):
        raise ValueError("expected an object of values and names")
    pairs = [(key, value) if str(key).isdigit() else (value, key) for key, value in document.items()]
    if not all(str(value).isdigit() and isinstance(name, str) for value, name in pairs):
        raise ValueError("expected an object of values and names")
    return {int(value): name for value, name in pairs}
