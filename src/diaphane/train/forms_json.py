"""Data sets with a ``dataset.json``: the Medical Segmentation Decathlon, and nnU-Net v2's raw form.

Source: medicaldecathlon.com; nnU-Net's documentation/dataset_format.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diaphane.acquire.label_names import table_of
from diaphane.core.storage import reading
from diaphane.errors import InputError
from diaphane.train.dataset import Dataset, Fault
from diaphane.train.forms_csv import inside
from diaphane.train.forms_rows import PICTURES, About, Row, dataset_of
from diaphane.train.losses import IGNORE

COLOURS = {"r", "g", "b", "red", "green", "blue"}
FOLDERS = (("imagesTr", "labelsTr", ""), ("imagesTs", "labelsTs", "test"))


def read_json(path: Path) -> Dataset:
    """The data set that the ``dataset.json`` at ``path`` describes.

    Raises:
        InputError: It is neither of the two forms, or has several channels, or labels that overlap.
    """
    document = _document(path)
    if "channel_names" in document:
        return _nnunet(path, document)
    if isinstance(document.get("training"), list):
        return _decathlon(path, document)
    raise InputError(f"{path}: neither of the Decathlon (with 'training') nor of nnU-Net (with 'channel_names'); add what is missing, or an index.csv")


def _decathlon(path: Path, document: Mapping[str, Any]) -> Dataset:
    channels = _table(path, document, "modality")
    _one_channel(path, channels)
    rows = []
    for n, entry in enumerate(document["training"]):
        if not isinstance(entry, dict) or not all(isinstance(entry.get(key), str) and entry[key] for key in ("image", "label")):
            raise InputError(f"{path}:training[{n}]: expected an object with image and label")
        rows.append(Row(image=inside(f"{path}:training[{n}]", entry["image"]), mask=inside(f"{path}:training[{n}]", entry["label"])))
    listed = {row.image for row in rows} | {row.mask for row in rows}
    loose = [p for folder, _, _ in FOLDERS[:1] for p in _files(path.parent / folder) if f"{folder}/{p.name}" not in listed]
    faults = [Fault("", f"{p}: not in the list 'training' of dataset.json; add it there to use it") for p in loose]
    return dataset_of(path.parent, "MSD", rows, _about(path, document, channels), faults)


def _nnunet(path: Path, document: Mapping[str, Any]) -> Dataset:
    channels, ending = _table(path, document, "channel_names"), document.get("file_ending")
    if not isinstance(ending, str) or not ending:
        raise InputError(f"{path}: the key 'file_ending' is missing; expected for example .nii.gz")
    coloured = ending.lower() in PICTURES and {str(name).lower() for name in channels.values()} <= COLOURS
    if not coloured:
        _one_channel(path, channels)
    rows, faults = [], []
    for images, labels, part in FOLDERS:
        stems = {p.name.removesuffix(ending): p for p in _files(path.parent / images) if p.name.endswith(ending)}
        masks = {p.name.removesuffix(ending): p for p in _files(path.parent / labels) if p.name.endswith(ending)}
        if further := sorted(stem for stem in stems if not stem.endswith("_0000")):
            _refuse_further(stems[further[0]], further[0])
        cases = {stem.removesuffix("_0000"): image for stem, image in stems.items()}
        if part == "test" and not masks:
            continue
        for stem, image in cases.items():
            mask = f"{labels}/{masks[stem].name}" if stem in masks else ""
            rows.append(Row(image=f"{images}/{image.name}", mask=mask, part="test" if part else "", name=stem))
        faults += [Fault(stem, f"{mask}: a mask without an image {images}/{stem}_0000{ending}") for stem, mask in masks.items() if stem not in cases]
    return dataset_of(path.parent, "nnU-Net raw", rows, _about(path, document, channels), faults)


def _refuse_further(path: Path, stem: str) -> None:
    channel = stem[-4:].isdigit() and stem[-5:-4] == "_"
    what = "is a second channel, and this version trains on one channel" if channel else "does not end in _0000, as an image of nnU-Net does"
    raise InputError(f"{path}: {what}; keep the files STEM_0000 of the channel that is meant")


def _about(path: Path, document: Mapping[str, Any], channels: Mapping[str, Any]) -> About:
    names, ignored = _labels(path, document)
    if not names:
        raise InputError(f"{path}: 'labels' names no structure but background; expected for example {{'0': 'background', '1': 'lesion'}}")
    if len(names) >= IGNORE or max(names) > 65535:
        raise InputError(f"{path}: at most {IGNORE - 1} labels with values to 65535 are trained, got {len(names)} to {max(names)}")
    values = {value: n for n, value in enumerate(sorted(names), start=1)}
    return About(
        name=str(document.get("name") or ""),
        modality=str(next(iter(channels.values()))) if len(channels) == 1 else "photo",
        licence=str(document.get("licence") or document.get("license") or ""),
        labels=table_of(values.values(), {values[value]: name for value, name in names.items()}),
        values=values | dict.fromkeys(ignored, IGNORE),
    )


def _labels(path: Path, document: Mapping[str, Any]) -> tuple[dict[int, str], list[int]]:
    """Names by pixel value without background, and the values that are not to be learnt; either way round: ``{"1": "x"}`` or ``{"x": 1}``."""
    names: dict[int, str] = {}
    keys: dict[int, str] = {}
    for key, value in _table(path, document, "labels").items():
        if isinstance(value, list):
            raise InputError(f"{path}: the label '{key}' is a region of several values; name each value by itself")
        number, name = (value, key) if isinstance(value, int) else (key, value)
        if not str(number).isdecimal() or not isinstance(name, str):
            raise InputError(f"{path}: 'labels' must pair whole numbers from 0 on with names, got '{key}'")
        if keys.setdefault(int(number), key) != key:
            raise InputError(f"{path}: '{keys[int(number)]}' and '{key}' in 'labels' are both the value {int(number)}; keep one")
        names[int(number)] = name
    names.pop(0, None)
    ignored = [value for value, name in names.items() if name == "ignore"]
    return {value: name for value, name in names.items() if value not in ignored}, ignored


def _one_channel(path: Path, channels: Mapping[str, Any]) -> None:
    if len(channels) != 1:
        names = ", ".join(map(str, channels.values()))
        raise InputError(f"{path}: {len(channels)} channels ({names}), and this version trains on one channel; make a data set of one of them")


def _table(path: Path, document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key)
    if not isinstance(value, dict) or not value:
        raise InputError(f"{path}: the key '{key}' must hold an object that is not empty")
    return value


def _document(path: Path) -> Mapping[str, Any]:
    try:
        with reading(path):
            document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as problem:
        raise InputError(f"{path}: not JSON ({problem}); correct it, or add an index.csv, which is read instead") from problem
    if not isinstance(document, dict):
        raise InputError(f"{path}: expected an object, as of the Decathlon or nnU-Net")
    return document


def _files(folder: Path) -> list[Path]:
    """The files in ``folder`` by name, without hidden ones; none where it is not there."""
    return sorted(p for p in folder.iterdir() if not p.name.startswith(".") and p.is_file()) if folder.is_dir() else []
