"""Labelled pictures listed in a CSV with ``image`` and ``mask`` (paths relative to it)."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from diaphane.acquire.picture import read_picture
from diaphane.core.arrays import FloatArray, IntArray, frozen
from diaphane.core.image import Image
from diaphane.core.prepared import Prepared
from diaphane.core.recipe import Recipe
from diaphane.errors import InputError
from diaphane.prepare import labels_on_grid, prepare


@dataclass(frozen=True, slots=True)
class Sample:
    """A picture, its label map, and the row of the index that names them."""

    image: Image
    labels: IntArray
    """(row, column), int: 0 background, 1 … the recipe's labels."""
    row: Mapping[str, str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", frozen(self.labels))


def read_rows(index: Path) -> list[dict[str, str]]:
    """The rows of an ``index.csv``.

    Raises:
        InputError: There is none, or it lacks the columns ``image`` and ``mask``.
    """
    if not index.is_file():
        raise InputError(f"{index}: no such file; expected a CSV with the columns image, mask")
    with index.open(newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or not {"image", "mask"} <= rows[0].keys():
        raise InputError(f"{index}: expected rows with the columns image, mask; found {list(rows[0]) if rows else 'no row'}")
    return rows


def read_samples(folder: Path, rows: Iterable[Mapping[str, str]], *, binary: bool) -> list[Sample]:
    """The pictures and masks of ``rows``; a ``binary`` mask is 1 where its pixel is at least half of full scale.

    Raises:
        InputError: A picture or mask cannot be read, or their sizes differ.
    """
    samples = []
    for row in rows:
        image = read_picture(folder / row["image"])
        with Pillow.open(folder / row["mask"], formats=["PNG"]) as file:
            mask = np.asarray(file.convert("L"))
        if mask.shape != image.shape[1:]:
            raise InputError(f"{row['mask']}: mask of {mask.shape}, picture of {image.shape[1:]} pixels; they must be equal")
        samples.append(Sample(image, (mask >= 128).astype(np.uint8) if binary else mask, row))
    return samples


def stacked(samples: Sequence[Sample], recipe: Recipe) -> tuple[FloatArray, IntArray]:
    """All pictures prepared, (sample, channel, row, column) float32, and their labels on the same grid, uint8."""
    prepared = [prepare(sample.image, recipe) for sample in samples]
    labels = [on_grid(p, s.labels, len(recipe.labels)) for p, s in zip(prepared, samples, strict=True)]
    return np.stack([p.array for p in prepared]), np.stack(labels)


def on_grid(prepared: Prepared, labels: IntArray, classes: int) -> IntArray:
    """``labels`` (row, column) of the source grid on the network's grid: the label that covers most of each cell."""
    return np.asarray(labels_on_grid(prepared, labels[None], classes)[0])
