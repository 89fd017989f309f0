"""A look into every file before training: what is wrong with which, and facts on the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from diaphane.acquire.label_names import names_beside, table_of
from diaphane.core.arrays import Array, BoolArray, IntArray
from diaphane.core.image import Image
from diaphane.core.recipe import LabelRecipe
from diaphane.errors import DiaphaneError, InputError, TrainingError
from diaphane.ops.orient import turned, turned_spacing
from diaphane.ops.picture import full_scale
from diaphane.train.dataset import Checked, Dataset, Facts, Fault, Item
from diaphane.train.forms_masks import structure_word
from diaphane.train.losses import IGNORE
from diaphane.train.read import outside_message, read_image, read_mask

MAX_VALUES = 32
QUANTILES = (0.005, 0.995)
WHITE = 255


@dataclass(frozen=True, slots=True)
class Look:
    """What one item's files hold, before it is known which pixel value is which label."""

    facts: Facts
    """``voxels`` by pixel value in the mask."""
    sha256: str


def check(dataset: Dataset) -> Checked:
    """``dataset`` without the items that cannot be used; each file is read once. Items that are only odd stay, with a fault that says so.

    Where no list says what the masks hold, their pixels do: each value is a structure, and black and white is one.

    Raises:
        InputError: Nothing is left, or one class only, or no mask holds anything.
        TrainingError: An item does not fit into memory.
    """
    looks, faults = _looks(dataset)
    faults += _of_other_kind(looks)
    _keep(looks, faults)
    known = dataset
    if dataset.task == "segment" and not dataset.values:
        faults += _other_white(dataset, looks)
        _keep(looks, faults)
        known, more = _named(dataset, looks)
        faults += more
    faults += _outside(known, looks)
    _keep(looks, faults)
    _refuse_unusable(known, looks, faults)
    facts = {name: replace(look.facts, voxels=_by_label(look.facts.voxels, known.values)) for name, look in looks.items()}
    same = _same_bytes(looks)
    odd = _odd(known, facts) + [Fault(b, f"{b}: the image has the same bytes as {a}; the two are kept on one side of every split", False) for a, b in same]
    items = tuple(item for item in known.items if item.name in looks)
    left = replace(known, items=items, duplicates=tuple(dict.fromkeys((*(p for p in known.duplicates if looks.keys() >= set(p)), *same))), faults=())
    return Checked(left, facts, (*dataset.faults, *faults, *odd), known.values)


def _keep(looks: dict[str, Look], faults: list[Fault]) -> None:
    for fault in faults:
        if fault.left_out:
            looks.pop(fault.item, None)


def _looks(dataset: Dataset) -> tuple[dict[str, Look], list[Fault]]:
    looks, faults = {}, []
    ignored = [value for value, label in dataset.values.items() if label == IGNORE]
    for item in tqdm(dataset.items, desc="check", unit="image", disable=None):
        try:
            looks[item.name] = _look(item, ignored, listed=bool(dataset.values))
        except DiaphaneError as problem:
            faults.append(Fault(item.name, str(problem)))
        except MemoryError as problem:
            raise TrainingError(f"{item.image}: out of memory where '{item.name}' is looked at; make it smaller, or leave the item out") from problem
    return looks, faults


def _look(item: Item, ignored: list[int], *, listed: bool) -> Look:
    image = read_image(item.image)
    if image.geometry.calibrated and 1 in (image.shape[0], turned(image.array, image.geometry).shape[0]):
        raise InputError(f"{item.image}: one slice of a volume: neither a picture (8 or 16 bit) nor a volume; convert it to PNG or leave it out")
    if item.mask is None:
        return Look(_facts(image, None, {}), image.source_sha256)
    mask = read_mask(item.mask, image)
    voxels = _counts(mask)
    if not listed:
        _refuse_noise(item.mask, voxels)
    inside = (mask != 0) & ~np.isin(mask, ignored) if ignored else mask != 0
    return Look(_facts(image, inside, voxels), image.source_sha256)


def _counts(mask: IntArray) -> dict[int, int]:
    """How often each value but 0 occurs."""
    total = np.zeros(int(mask.max()) + 1, np.int64)
    for plane in mask:  # a slice at a time: counting takes eight bytes a voxel
        total += np.bincount(plane.ravel(), minlength=total.size)
    return {int(value): int(total[value]) for value in np.flatnonzero(total) if value}


def _refuse_noise(path: Path, voxels: Mapping[int, int]) -> None:
    """Values that compression or smoothing made are no structures."""
    lossy = path.suffix.lower() in (".jpg", ".jpeg") and len(voxels) > 1
    if lossy or len(voxels) > MAX_VALUES:
        cause = "as JPEG makes them" if lossy else f"more than {MAX_VALUES}"
        raise InputError(f"{path}: the mask holds {len(voxels)} values besides 0, {cause}; set a threshold and save it as PNG, one value a structure")


def _facts(image: Image, inside: BoolArray | None, voxels: dict[int, int]) -> Facts:
    is_file_picture = image.array.dtype in (np.uint8, np.uint16) and not image.geometry.calibrated
    scale = 1 / full_scale(image.array) if is_file_picture else 1.0
    chosen = image.array[inside] if inside is not None and inside.any() else image.array
    low, high = np.quantile(chosen, QUANTILES) * scale
    mean, std = _moments(image.array, image.channels, scale)
    within_mean, within_std = _moments(chosen, 1, scale)
    slices, rows, columns = turned(image.array, image.geometry).shape[:3]
    return Facts(
        shape=(slices, rows, columns), channels=image.channels, spacing=turned_spacing(image.geometry), mean=mean, std=std,
        quantiles=(float(low), float(high)), inside=(within_mean[0], within_std[0]), voxels=voxels,
    )  # fmt: skip


def _moments(pixels: Array, channels: int, scale: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel."""
    mean, std = cv2.meanStdDev(pixels.reshape(-1, 1, channels))  # a third of numpy's time
    return tuple((mean[:, 0] * scale).tolist()), tuple((std[:, 0] * scale).tolist())


def _of_other_kind(looks: Mapping[str, Look]) -> list[Fault]:
    """Volumes among pictures, pictures among volumes: those that are fewer."""
    flat = {name: look.facts.shape[0] == 1 for name, look in looks.items()}
    mostly_flat = 2 * sum(flat.values()) >= len(flat)
    what = "a volume, and most images here are pictures" if mostly_flat else "a picture (one slice), and most images here are volumes"
    return [Fault(name, f"{name}: {what}; train on each kind by itself") for name, is_flat in flat.items() if is_flat != mostly_flat]


def _other_white(dataset: Dataset, looks: Mapping[str, Look]) -> list[Fault]:
    """Masks of 0 and 1 among masks of 0 and 255, or the other way round: those that are fewer outside the publisher's test part."""
    held = {name: set(look.facts.voxels) for name, look in looks.items() if look.facts.voxels}
    if set().union(*held.values()) != {1, WHITE} or any(len(values) > 1 for values in held.values()):
        return []
    votes = Counter(value for name in _learnt(dataset, held) for value in held[name])
    rare, common = sorted((1, WHITE), key=lambda value: votes[value])
    path = {item.name: item.mask for item in dataset.items}
    return [
        Fault(name, f"{path[name]}: the mask holds {rare} where most hold {common} for the structure; save them alike")
        for name, values in held.items()
        if values == {rare}
    ]


def _learnt(dataset: Dataset, known: Collection[str]) -> list[str]:
    """Names among ``known`` of items outside the publisher's test part: what is usual, these say."""
    return [item.name for item in dataset.items if item.part != "test" and item.name in known]


def _named(dataset: Dataset, looks: Mapping[str, Look]) -> tuple[Dataset, list[Fault]]:
    """``dataset`` with the labels that the masks hold, their names from ``labels.txt`` in its folder or from what the masks are called.

    Masks of the publisher's test part name nothing: they are judged by the others.
    """
    learnt = set(_learnt(dataset, looks))
    seen = sorted(set().union(*(looks[name].facts.voxels for name in learnt)))
    if len(seen) > MAX_VALUES:
        raise InputError(
            f"{dataset.root}: the masks hold {len(seen)} values together, at most {MAX_VALUES} are structures; save them with one value a structure"
        )
    values = {value: n for n, value in enumerate(seen, start=1)}
    listed = {value: name for value, name in names_beside(dataset.root / "labels").items() if value}
    names = {values[value]: name for value, name in listed.items() if value in values}
    if len(values) == 1:
        word = next(iter(listed.values())) if len(listed) == 1 else names.get(1) or structure_word([item for item in dataset.items if item.name in learnt])
        names = {1: word} if word else {}
    if len(values) != 1 or names:
        return replace(dataset, labels=table_of(values.values(), names), values=values), []
    note = f"{dataset.root}: nothing names the structure in the masks; it is called 'lesion'. A file labels.txt with the line '{seen[0]} NAME' names it"
    return replace(dataset, labels=(LabelRecipe(value=1, name="lesion", role="lesion"),), values=values), [Fault("", note, False)]


def _outside(dataset: Dataset, looks: Mapping[str, Look]) -> list[Fault]:
    faults = []
    for item in dataset.items:
        strange = sorted(looks[item.name].facts.voxels.keys() - dataset.values.keys()) if item.name in looks and item.mask else []
        if strange and item.mask:
            faults.append(Fault(item.name, outside_message(item.mask, strange[0], dataset.values)))
    return faults


def _refuse_unusable(dataset: Dataset, looks: Mapping[str, Look], faults: list[Fault]) -> None:
    first = "; ".join(fault.what for fault in faults[:3] if fault.left_out)
    if not looks:
        raise InputError(f"{dataset.root}: none of {len(dataset.items)} items can be used: {first}")
    if dataset.task == "classify" and len({item.target for item in dataset.items if item.name in looks}) < 2:
        raise InputError(
            f"{dataset.root}: one class only is left of {len(dataset.labels)}; a network learns to tell two or more apart{': ' if first else ''}{first}"
        )
    if dataset.task == "segment" and not any(_by_label(look.facts.voxels, dataset.values) for look in looks.values()):
        raise InputError(f"{dataset.root}: all masks are empty; give masks that hold a structure")


def _by_label(voxels: Mapping[int, int], values: Mapping[int, int]) -> dict[int, int]:
    return {values[value]: count for value, count in voxels.items() if values[value] != IGNORE}


def _same_bytes(looks: Mapping[str, Look]) -> list[tuple[str, str]]:
    first: dict[str, str] = {}
    pairs = [(first.setdefault(look.sha256, name), name) for name, look in looks.items()]
    return [(a, b) for a, b in pairs if a != b]


def _odd(dataset: Dataset, facts: Mapping[str, Facts]) -> list[Fault]:
    faults = []
    learnt = _learnt(dataset, facts)
    votes = Counter(facts[name].channels for name in learnt)
    colours = dict.fromkeys(one.channels for one in facts.values())
    rare = min(colours, key=lambda channels: votes[channels]) if len(colours) > 1 else 0
    for item in dataset.items:
        one = facts.get(item.name)
        if one and one.channels == rare:
            faults.append(Fault(item.name, f"{item.image}: {'grey' if rare == 1 else 'in colour'}, and most images here are not", False))
        if one and item.mask and not one.voxels:
            faults.append(Fault(item.name, f"{item.mask}: the mask is empty", False))
    if dataset.task == "segment":
        seen = set().union(*(facts[name].voxels for name in learnt))
        faults += [Fault("", f"no mask holds '{label.name}'; nothing is learnt of it", False) for label in dataset.labels if label.value not in seen]
    return faults + _small_classes(dataset, learnt)


def _small_classes(dataset: Dataset, learnt: Collection[str]) -> list[Fault]:
    """Classes that no split can have on both sides: with less than two patients outside the publisher's test part."""
    faults = []
    names = set(learnt)
    for label in dataset.labels if dataset.task == "classify" else ():
        patients = [item.patient for item in dataset.items if item.name in names and item.target == label.value]
        if len(set(patients)) < 2:
            whose = ", all of one patient" if len(patients) > 1 else ""
            what = f"class '{label.name}' has {len(patients)} item(s) outside the test part{whose}: it cannot be both learnt and looked at; add some"
            faults.append(Fault("", what, left_out=False))
    return faults
