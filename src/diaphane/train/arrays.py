"""All items of a data set prepared once, on disk: data larger than memory trains, and a resumed training starts at once."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from tqdm import tqdm

from diaphane.core.arrays import Array, FloatArray, IntArray
from diaphane.core.image import Image
from diaphane.core.recipe import Recipe
from diaphane.core.storage import PARTIAL, reading, storage
from diaphane.errors import InputError, TrainingError
from diaphane.prepare import labels_on_grid, prepare
from diaphane.segment import finder_of, focused
from diaphane.train.dataset import Checked, Item
from diaphane.train.losses import IGNORE
from diaphane.train.read import read_item

log = logging.getLogger(__name__)
Reader = Callable[[Item, Mapping[int, int]], tuple[Image, IntArray | None]]
PLACES = 500
"""How many voxels of each label of an item are remembered as centres of windows."""
FILES: dict[str, np.dtype[Any]] = {"x": np.dtype("<f2"), "y": np.dtype("u1"), "places": np.dtype("<i4")}
INDEX = "index.json"


@dataclass(frozen=True, slots=True)
class Stored:
    """One prepared item: read-only views of the files."""

    x: FloatArray
    """(channel, k, j, i), float16."""
    y: IntArray | None
    """(k, j, i), uint8; None in a data set of classes."""
    target: int
    """Value of its class, from 1 on; 0 in a data set of masks."""
    places: Mapping[int, IntArray]
    """Of each label that occurs: up to ``PLACES`` of its voxels, drawn once, (n, 3) as k, j, i."""


@dataclass(frozen=True, slots=True)
class Row:
    """An item in the index of the files."""

    name: str
    shape: tuple[int, ...]
    """Of x."""
    labelled: bool
    target: int
    places: tuple[tuple[int, int], ...]
    """Label and how many voxels of it are kept."""

    def lengths(self) -> dict[str, int]:
        """How many numbers of each file are its own."""
        voxels = int(np.prod(self.shape[1:]))
        return {"x": self.shape[0] * voxels, "y": self.labelled * voxels, "places": 3 * sum(n for _, n in self.places)}


class Arrays:
    """Prepared items by name: three flat files in a folder, one item after the other, and an index.

    Raises:
        InputError: A file is missing or not as long as the index says.
    """

    def __init__(self, folder: Path) -> None:
        with reading(folder):
            rows = [Row(**row) for row in json.loads((folder / INDEX).read_text())]
            found = {file: (folder / file).stat().st_size for file in FILES}
        lengths = [row.lengths() for row in rows]
        ends = {file: np.cumsum([0, *(n[file] for n in lengths)]) for file in FILES}
        if any(found[file] != kind.itemsize * ends[file][-1] for file, kind in FILES.items()):
            raise InputError(f"{folder}: its files must be as long as {INDEX} says; delete this folder and it is made again")
        self._files = {file: _mapped(folder / file, kind) for file, kind in FILES.items()}
        self._rows = {row.name: (row, {file: slice(ends[file][n], ends[file][n + 1]) for file in FILES}) for n, row in enumerate(rows)}

    @property
    def names(self) -> tuple[str, ...]:
        """Of all items, in their order."""
        return tuple(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, name: str) -> Stored:
        row, where = self._rows[name]
        x, y, places = (self._files[file][where[file]] for file in FILES)
        parts = np.split(places.reshape(-1, 3), np.cumsum([n for _, n in row.places])[:-1])
        by_label = {label: part for (label, _), part in zip(row.places, parts, strict=False)}
        return Stored(x.reshape(row.shape), y.reshape(row.shape[1:]) if row.labelled else None, row.target, by_label)


def prepared_arrays(checked: Checked, names: Sequence[str], recipe: Recipe, folder: Path, *, read: Reader = read_item) -> Arrays:
    """The items ``names`` as ``recipe`` prepares them, in a folder of ``folder`` that is named by what it was made from.

    What is there already, from the same files by the same recipe, is opened only. Otherwise it is made aside and appears
    whole: a training that is killed meanwhile leaves nothing that could be mistaken for it.

    Raises:
        InputError: An item cannot be read, or prepared values do not fit half precision.
        TrainingError: An item does not fit into memory.
        StorageError: No space, no permission.
    """
    items = {item.name: item for item in checked.dataset.items}
    chosen = [items[name] for name in names]
    place = folder / f"arrays-{_digest(checked, chosen, recipe)}"
    if not place.is_dir():
        aside = place.with_name(place.name + PARTIAL)
        with storage(place):
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir(parents=True)
        try:
            _write(checked, chosen, recipe, aside, read)
            with storage(place):
                os.replace(aside, place)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return Arrays(place)


def _digest(checked: Checked, items: Sequence[Item], recipe: Recipe) -> str:
    """Of everything that the arrays depend on; files count by size and time of change."""
    rows = [[item.name, item.target, *(_state(path) for path in (item.image, item.mask) if path)] for item in items]
    finder = finder_of(recipe)
    found_by = [finder.weights_sha256, finder.recipe_sha256] if finder else []
    document = [recipe.task, asdict(recipe.input) if recipe.input else None, len(recipe.labels), sorted(checked.values.items()), rows, *found_by]
    return hashlib.sha256(json.dumps(document).encode()).hexdigest()[:16]


def _state(path: Path) -> tuple[str, int, int]:
    with reading(path):
        status = path.stat()
    return str(path), status.st_size, status.st_mtime_ns


def _write(checked: Checked, items: Sequence[Item], recipe: Recipe, folder: Path, read: Reader) -> None:
    rows = []
    unfound: list[str] = []
    with ExitStack() as stack:
        with storage(folder):
            files = {file: stack.enter_context((folder / file).open("wb")) for file in FILES}
        for item in tqdm(items, desc="prepare", unit="item", mininterval=1, disable=None):
            try:
                stored = _stored(item, checked.values, recipe, read, unfound)
                with storage(folder):
                    rows.append(_append(item.name, stored, files))
            except MemoryError as problem:
                remedy = "give a larger spacing_mm or a smaller size under [input] in --plan, or leave the item out"
                raise TrainingError(f"{item.image}: out of memory where '{item.name}' is prepared; {remedy}") from problem
    with storage(folder):
        (folder / INDEX).write_text(json.dumps([asdict(row) for row in rows]))
    if unfound and recipe.input:
        some = ", ".join(unfound[:5]) + (" …" if len(unfound) > 5 else "")
        log.warning("'%s' did not find the part to look at in %d of %d pictures, whose whole is used: %s", recipe.input.around, len(unfound), len(rows), some)


def _append(name: str, stored: Stored, files: Mapping[str, BinaryIO]) -> Row:
    files["x"].write(stored.x.astype(FILES["x"]).tobytes())
    if stored.y is not None:
        files["y"].write(stored.y.astype(FILES["y"]).tobytes())
    for voxels in stored.places.values():
        files["places"].write(voxels.astype(FILES["places"]).tobytes())
    counts = tuple((label, len(voxels)) for label, voxels in stored.places.items())
    return Row(name, stored.x.shape, stored.y is not None, stored.target, counts)


def _stored(item: Item, values: Mapping[int, int], recipe: Recipe, read: Reader, unfound: list[str]) -> Stored:
    """``item`` read and prepared; its name goes to ``unfound`` where the part to look at was not found."""
    image, labels = read(item, values)
    part, reason = focused(image, recipe, prepare)
    if reason:
        unfound.append(item.name)
    prepared = prepare(part, recipe)
    x = prepared.array if prepared.array.ndim == 4 else prepared.array[:, None]
    with np.errstate(over="ignore"):
        half = x.astype(np.float16)
    if not np.isfinite(half).all():
        raise InputError(f"{item.image}: prepared values must be finite and within ±65504, got {x.min():g} to {x.max():g}; give [input] clip or leave it out")
    if labels is None:
        return Stored(half, None, item.target, {})
    y = np.asarray(labels_on_grid(prepared, labels, len(recipe.labels)), np.uint8).reshape(x.shape[1:])
    return Stored(half, y, item.target, _places(y, item.name))


def _places(labels: IntArray, name: str) -> dict[int, IntArray]:
    """Voxels of each label; the draw depends on the item's name alone."""
    rng = np.random.default_rng(list(hashlib.sha256(name.encode()).digest()[:8]))
    out: dict[int, IntArray] = {}
    for label in np.unique(labels[(labels > 0) & (labels != IGNORE)]).tolist():
        flat = np.flatnonzero(labels == label)
        kept = rng.choice(flat, PLACES, replace=False) if len(flat) > PLACES else flat
        out[label] = np.stack(np.unravel_index(np.sort(kept), labels.shape), axis=1)
    return out


def _mapped(path: Path, kind: np.dtype[Any]) -> Array:
    """The file as a read-only array that is read where it is looked at."""
    if path.stat().st_size == 0:
        return np.zeros(0, kind)  # an empty file cannot be mapped
    return np.asarray(np.memmap(path, kind, mode="r"))
