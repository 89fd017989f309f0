"""Data sets as they come: which of seven forms a folder or list has, and what is in it. No pixel is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from diaphane.acquire.picture import stem_of
from diaphane.core.storage import reading
from diaphane.errors import InputError
from diaphane.train.dataset import Dataset, Fault, Part
from diaphane.train.forms_cases import holds_cases, read_cases
from diaphane.train.forms_csv import read_csv
from diaphane.train.forms_json import read_json
from diaphane.train.forms_masks import is_mask_of, names_masks, paired, stems_of
from diaphane.train.forms_rows import PARTS, PICTURES, VOLUMES, About, Row, dataset_of

IMAGES = ("images", "image", "imgs")
LOSSY = (".jpg", ".jpeg")
MASKS = ("masks", "mask", "labels", "annotations")
TRAINED = "recipe.toml"
"""Lies in the folder of a training and of a bundle: neither is data."""


def read_dataset(path: Path) -> Dataset:
    """The data set in the folder, or of the CSV, at ``path``.

    Looked for in this order: ``index.csv``, ``dataset.json``, case folders, ``images/`` with ``masks/``, class folders, images with masks beside them;
    the last three also in ``train/``, ``valid/`` and ``test/``.

    Raises:
        InputError: It is not there, of no such form, without labels, of one class only, or its list is wrong.
    """
    with reading(path):
        if path.is_file():
            return _read_list(path)
        if not path.is_dir():
            raise InputError(f"{path}: no such folder or CSV; give the folder of a data set")
        for name, read in (("index.csv", read_csv), ("dataset.json", read_json)):
            if (path / name).is_file():
                return read(path / name)
        if holds_cases(path):
            return read_cases(path)
        return _images_and_masks(path) or _class_folders(path) or _side_by_side(path) or _refuse(path)


def _read_list(path: Path) -> Dataset:
    if path.name == "dataset.json":
        return read_json(path)
    if path.suffix.lower() == ".csv":
        return read_csv(path)
    raise InputError(f"{path}: a file that is no CSV; give the folder of a data set, or a CSV with the columns image and mask, or image and class")


def _images_and_masks(root: Path) -> Dataset | None:
    rows: list[Row] = []
    faults: list[Fault] = []
    for part, folder in _parts(root):
        images = next((child for child in _folders(folder) if child.name.lower() in IMAGES), None)
        masks = _folder_of_masks(folder) if images else None
        if images and masks:
            more, wrong = paired(root, _files(images, PICTURES + VOLUMES), _files(masks, PICTURES + VOLUMES), part)
            rows, faults = rows + more, faults + wrong
    return dataset_of(root, "images and masks", rows, About(), faults) if rows else None


def _class_folders(root: Path) -> Dataset | None:
    rows: list[Row] = []
    faults: list[Fault] = []
    for part, place in _parts(root):
        for folder in _folders(place):
            if part or folder.name.lower() not in PARTS:
                images, masks = _apart(_files(folder, PICTURES))
                rows += [Row(image=image.relative_to(root).as_posix(), class_name=folder.name, part=part) for image in images]
                faults += [Fault("", f"{mask}: a mask in a folder of a class; to train on masks put the pairs into one folder") for mask in masks]
    return dataset_of(root, "class folders", rows, About(), faults) if rows else None


def _side_by_side(root: Path) -> Dataset | None:
    rows: list[Row] = []
    faults: list[Fault] = []
    for part, folder in _parts(root):
        images, masks = _apart(_files(folder, PICTURES + VOLUMES))
        photos = {stem_of(image) for image in images if image.suffix.lower() in LOSSY}
        drawn = [image for image in images if stem_of(image) in photos and image.suffix.lower() not in LOSSY]  # x.png beside x.jpg
        more, wrong = paired(root, [image for image in images if image not in drawn], masks + drawn, part)
        rows, faults = rows + more, faults + wrong
    return dataset_of(root, "pairs side by side", rows, About(), faults) if any(row.mask for row in rows) else None


def _apart(files: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Images, and the masks of them that lie beside."""
    stems = stems_of(files)
    masks = [file for file in files if is_mask_of(stem_of(file), stems)]
    return sorted(set(files) - set(masks)), masks


def _parts(root: Path) -> Iterator[tuple[Part, Path]]:
    """The folder itself, and the publisher's parts of it."""
    yield "", root
    for folder in _folders(root):
        if folder.name.lower() in PARTS:
            yield PARTS[folder.name.lower()], folder


def _folder_of_masks(folder: Path) -> Path | None:
    """``masks/`` or the like, or else the one folder with such a word in its name (``lung_masks/``)."""
    found = [child for child in _folders(folder) if names_masks(child.name)]
    exact = [child for child in found if child.name.lower() in MASKS]
    if len(exact or found) > 1:
        names = ", ".join(child.name for child in exact or found)
        raise InputError(f"{folder}: several folders of masks ({names}); keep one, or say in an index.csv (image, mask) which belongs to an image")
    return next(iter(exact or found), None)


def _folders(folder: Path) -> list[Path]:
    """The folders in ``folder``, without hidden ones and those of trainings."""
    return sorted(child for child in folder.iterdir() if child.is_dir() and not child.name.startswith(".") and not (child / TRAINED).is_file())


def _files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.name.lower().endswith(suffixes) and not file.name.startswith(".") and file.is_file())


def _refuse(root: Path) -> Dataset:
    count = sum(len(_files(folder, PICTURES + VOLUMES)) for folder in (root, *_folders(root)))
    found = f"{count} images and no labels" if count else "no image"
    raise InputError(
        f"{root}: {found}; expected index.csv (image, mask or class), dataset.json (Decathlon, nnU-Net), images/ and masks/, a folder for each class, "
        "case folders with corrected labels, or masks beside the images (x.png, x_mask.png)"
    )
