"""Simulated faces as ``diaphane simulate skin`` wrote them, cut to what a network that looks at faces is given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from diaphane.acquire.picture import read_picture
from diaphane.core.arrays import Array, BoolArray, FloatArray, IntArray
from diaphane.core.image import Image
from diaphane.core.prepared import Prepared
from diaphane.core.recipe import Recipe
from diaphane.errors import InputError
from diaphane.ops.crop import Box, cropped, face_square
from diaphane.ops.picture import read_png
from diaphane.prepare import labels_on_grid, prepare
from diaphane.train.losses import IGNORE

JITTER = 0.12
"""How far a tracker's box may be off, as a share of the face: its place and its size."""


@dataclass(frozen=True)
class Shot:
    """One simulated picture of one face; boxes are x, y, width, height in its pixels."""

    folder: Path
    entry: Mapping[str, Any]
    """Its entry in ``truth.json``."""

    @cached_property
    def pixels(self) -> Array:
        """(row, column[, 3]) uint8."""
        return np.asarray(read_picture(self.folder / self.entry["image"]).array[0])

    @property
    def identity(self) -> str:
        """Whose face it is."""
        return str(self.entry["face_identity"])

    @property
    def face_box(self) -> tuple[float, ...]:
        """Forehead to chin, ear to ear."""
        return tuple(self.entry["face_box_px"])

    @property
    def lesions(self) -> list[BoolArray]:
        """The mask of each, (row, column)."""
        return [read_png(self.folder / lesion["mask"]) > 127 for lesion in self.entry["lesions"]]

    @property
    def ignore(self) -> BoolArray:
        """(row, column): where the person really has something."""
        return boxes_mask([part["box_px"] for part in self.entry["ignore"]], (self.pixels.shape[0], self.pixels.shape[1]))

    def square(self, box: tuple[float, ...]) -> tuple[Image, Box]:
        """What the network is given for a face found at ``box``, and where in the picture that is."""
        around = face_square(box, (self.pixels.shape[1], self.pixels.shape[0]))
        return Image(np.ascontiguousarray(cropped(self.pixels, around))[None], name=Path(self.entry["image"]).stem), around


def read_shots(folder: Path) -> list[Shot]:
    """Every picture of a folder with ``truth.json``.

    Raises:
        InputError: There is none, or its pictures have no face box.
    """
    path = folder / "truth.json"
    if not path.is_file():
        raise InputError(f"{path}: no such file; make it with diaphane simulate skin")
    entries = json.loads(path.read_text(encoding="utf-8"))["images"]
    if not all("face_box_px" in entry for entry in entries):
        raise InputError(f"{path}: pictures without face_box_px; make them anew with diaphane simulate skin")
    return [Shot(folder, entry) for entry in entries]


def boxes_mask(boxes: list[tuple[int, int, int, int]], shape: tuple[int, int]) -> BoolArray:
    """(row, column): inside any of the boxes."""
    out = np.zeros(shape, bool)
    for x, y, width, height in boxes:
        out[max(0, y) : max(0, y + height), max(0, x) : max(0, x + width)] = True
    return out


def jittered(box: tuple[float, ...], rng: np.random.Generator) -> tuple[float, ...]:
    """The box as a tracker might find it."""
    x, y, width, height = box
    aside, down = rng.uniform(-JITTER, JITTER, 2) * (width, height)
    scale = 1 + rng.uniform(-JITTER, JITTER)
    middle = (x + width / 2 + aside, y + height / 2 + down)
    return middle[0] - scale * width / 2, middle[1] - scale * height / 2, scale * width, scale * height


def stacked_shots(shots: list[Shot], recipe: Recipe, seed: int) -> tuple[FloatArray, IntArray]:
    """Every picture's face, its box jittered, as ``prepare`` makes it, and its labels.

    (sample, channel, row, column) float16, to fit into memory; labels (sample, row, column) uint8 with ``losses.IGNORE``.
    """
    rng = np.random.default_rng(seed)
    out: list[FloatArray] = []
    labels = []
    for shot in shots:
        image, around = shot.square(jittered(shot.face_box, rng))
        prepared = prepare(image, recipe)
        lesion = np.any([np.zeros(shot.pixels.shape[:2], bool), *shot.lesions], axis=0)
        known = on_grid(prepared, cropped(lesion, around).astype(np.uint8), 1)
        unknown = on_grid(prepared, cropped(shot.ignore, around).astype(np.uint8), 1)
        out.append(prepared.array.astype(np.float16))
        labels.append(np.where((unknown > 0) & (known == 0), IGNORE, known).astype(np.uint8))
    return np.stack(out), np.stack(labels)


def on_grid(prepared: Prepared, labels: IntArray, classes: int) -> IntArray:
    """``labels`` (row, column) of the source grid on the network's grid: the label that covers most of each cell."""
    return np.asarray(labels_on_grid(prepared, labels[None], classes)[0])
