"""Nouns of a data set: what is on disk, before anything is decided about a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from diaphane.core.recipe import LabelRecipe

Form = Literal["MSD", "nnU-Net raw", "images and masks", "pairs side by side", "class folders", "CSV", "cases"]
Task = Literal["segment", "classify"]
Part = Literal["", "train", "valid", "test"]


@dataclass(frozen=True, slots=True)
class Item:
    """One picture or volume with its truth."""

    name: str
    """Unique in its data set; the stem of its image, or that with its folder where stems repeat (``cat-0001``)."""
    image: Path
    mask: Path | None = None
    """A label map on the image's grid; None in a data set of classes."""
    target: int = 0
    """Value of its class, from 1 on; 0 in a data set of masks."""
    patient: str = ""
    """Its own name where patients are not known."""
    part: Part = ""
    """The publisher's split, if there is one."""
    about: Mapping[str, str] = field(default_factory=dict)
    """What else the list says of it, by column: ``{"sex": "female", "age": "55"}``. Figures are also given by these groups; nothing is learnt from them."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an item is left out, or what is odd about it."""

    item: str
    """Its name; empty where it concerns the data set."""
    what: str
    """What is wrong with which file and what to do."""
    left_out: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Where everything is, and what it is called. Nothing but lists has been read."""

    root: Path
    form: Form
    """What it was recognised as."""
    task: Task
    name: str
    modality: str
    """In words: ``MRI``, as ``dataset.json`` says it; else the name of the data set."""
    labels: tuple[LabelRecipe, ...]
    """Structures or classes, values 1, 2, 3 …; empty where only the masks' pixels tell (``check`` then fills it)."""
    items: tuple[Item, ...]
    patients_known: bool
    duplicates: tuple[tuple[str, str], ...] = ()
    """Names of items that a list beside the data calls near-duplicates; ``check`` adds those of the same bytes."""
    values: Mapping[int, int] = field(default_factory=dict)
    """Pixel value in the masks → label value, where ``dataset.json`` says it; ``losses.IGNORE`` for what is not to be learnt."""
    faults: tuple[Fault, ...] = ()
    """What the lists alone show: an image without a mask, a mask without an image."""
    licence: str = "not stated"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a look into one item's files showed."""

    shape: tuple[int, int, int]
    """Slices, rows, columns; 1 slice is a picture."""
    channels: int
    spacing: tuple[float, float, float]
    """mm along slices, rows, columns of the turned volume (``ops.orient``); pixels of a picture: 1, 1, 1."""
    mean: tuple[float, ...]
    """A channel: of a picture on the scale 0-1, of a volume in its own units."""
    std: tuple[float, ...]
    quantiles: tuple[float, float]
    """0.5 % and 99.5 % of what lies in the structures (of everything, where there are none)."""
    inside: tuple[float, float]
    """Mean and standard deviation in the structures."""
    voxels: Mapping[int, int]
    """How many voxels each label value has; those absent are left out."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A data set without what cannot be used, and what was seen in the rest."""

    dataset: Dataset
    facts: Mapping[str, Facts]
    """By item name."""
    faults: tuple[Fault, ...]
    values: Mapping[int, int]
    """Pixel value in the masks → label value: ``{255: 1}`` for black and white ones."""
