"""What a data set looks like as a whole: the numbers that the planner's rules read, and its symmetry."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from diaphane.core.arrays import Array, FloatArray
from diaphane.errors import UsageError
from diaphane.train.dataset import Checked, Facts, Item

THUMBNAIL = 32
"""Pixels along each side of what is compared with its mirror image."""
SEEN, SIDED = 10, 0.5
COLOURED = 0.005
"""Difference between the channels' means, of 1, from which a picture with three channels is one in colour."""


@dataclass(frozen=True, slots=True)
class Overview:
    """A checked data set but for its test part, in a few numbers; medians over its items."""

    items: tuple[Item, ...]
    facts: tuple[Facts, ...]
    shape: tuple[float, float, float]
    spacing: tuple[float, float, float]
    lateral: tuple[str, ...]
    """Names of labels that are about a side."""
    named: bool
    """Labels have names, or there is but one: if any were about a side, it would be known."""

    @property
    def is_volume(self) -> bool:
        """More than one slice, in any item."""
        return any(f.shape[0] > 1 for f in self.facts)

    @property
    def aspects(self) -> FloatArray:
        """Columns / rows of each picture."""
        return np.array([f.shape[2] / f.shape[1] for f in self.facts])

    @property
    def coloured(self) -> float:
        """Share of the items that have colours."""
        return float(np.mean([f.channels == 3 and max(f.mean) - min(f.mean) > COLOURED for f in self.facts]))


def overview(checked: Checked) -> Overview:
    """The numbers of a checked data set.

    Raises:
        UsageError: Nothing usable is left in it.
    """
    items = tuple(i for i in checked.dataset.items if i.name in checked.facts and i.part != "test")
    facts = tuple(checked.facts[i.name] for i in items)
    if not facts:
        raise UsageError(
            f"a training needs at least one usable item outside the test part, got none of {len(checked.dataset.items)}: see what the check says of them"
        )
    shape, spacing = (np.median([getattr(f, what) for f in facts], axis=0) for what in ("shape", "spacing"))
    lateral = tuple(label.name for label in checked.dataset.labels if {"left", "right"} & set(re.split(r"[^a-z]+", label.name.lower())))
    named = len(checked.dataset.labels) < 2 or not any(re.fullmatch(r"(label|class)? ?\d+", label.name) for label in checked.dataset.labels)
    return Overview(items, facts, _three(shape), _three(spacing), lateral, named)


def digest_of(checked: Checked) -> str:
    """SHA-256 over names, sizes of files, parts, patients and classes of all items, and the labels."""
    lines = [f"{label.value} {label.name}" for label in checked.dataset.labels]
    for item in sorted(checked.dataset.items, key=lambda i: i.name):
        sizes = [path.stat().st_size for path in (item.image, item.mask) if path is not None]
        lines.append(repr((item.name, sizes, item.part, item.patient, item.target)))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def symmetry(pairs: Iterable[tuple[Array, Array | None]]) -> tuple[float, float]:
    """Correlation of the mean picture with its up-down and with its left-right mirror image; NaN where it is one grey.

    ``pairs`` are a picture (row, column[, 3]) and its mask, if it has one. Where the mean mask of a structure that ``SEEN`` pictures show
    is less like its mirror image than ``SIDED``, that lower number stands in its place: such a structure has a side, whatever it is called.

    Of the first hundred of three sets: dermoscopy 1.00 and 0.95, chest X-rays -0.18 and 0.97 (another set -0.12 and 0.98). With fewer
    pictures less is sure, and the value falls: of eight dermoscopies 0.92 and 0.83. Left-right of mean masks: skin lesions 0.99, opacities
    in both lungs 0.83 and 0.69; the left lung -0.38, the right one -0.34.
    """
    mean: FloatArray = np.zeros((THUMBNAIL, THUMBNAIL))
    masks: dict[int, list[FloatArray]] = {}
    for picture, mask in pairs:
        mean = mean + _thumbnail(picture.astype(np.float32).mean(axis=2) if picture.ndim == 3 else picture)
        for value in () if mask is None else np.unique(mask[mask > 0]).tolist():
            masks.setdefault(value, []).append(_thumbnail(mask == value))
    structures = [np.sum(found, axis=0) for found in masks.values() if len(found) >= SEEN]
    found = [[_alike(each, each[turn]) for each in (mean, *structures)] for turn in (np.s_[::-1], np.s_[:, ::-1])]
    up_down, left_right = (min([values[0], *(v for v in values[1:] if v < SIDED)]) for values in found)
    return up_down, left_right


def _thumbnail(picture: Array) -> FloatArray:
    return np.asarray(cv2.resize(picture.astype(np.float32), (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA), np.float64)


def _alike(a: FloatArray, b: FloatArray) -> float:
    spread = float(a.std() * b.std())
    return float(np.mean((a - a.mean()) * (b - b.mean())) / spread) if spread > 0 else float("nan")


def _three(values: FloatArray) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])
