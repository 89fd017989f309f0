"""A bundle judged as it will be used: from the files, through ``prepare`` and ``predict``, on items that its network never saw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from diaphane.core.arrays import FloatArray, IntArray
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.engine.bundle import Bundle
from diaphane.engine.session import probabilities
from diaphane.nets.cost import Cost
from diaphane.ops.orient import turned, turned_spacing
from diaphane.prepare import prepare
from diaphane.segment import Options, focused, predict
from diaphane.segment.files import write_labels
from diaphane.segment.gate_output import descriptors
from diaphane.train.dataset import Checked, Item
from diaphane.train.evaluate import CaseMetrics, case_metrics
from diaphane.train.losses import IGNORE
from diaphane.train.read import read_item
from diaphane.train.sheets import Shown, cut

KEPT = 12
"""Pictures kept for the sheet: the worst, and some from best to worst."""


@dataclass(frozen=True, slots=True)
class Exported:
    """The network in a fold's bundle, which may be smaller than the one that was trained."""

    cost: Cost
    depth: tuple[int, int] | None = None
    """Of a UNet++ that validation might cut: as exported, and as trained."""


@dataclass(slots=True)
class Judged:
    """What came out."""

    cases: list[CaseMetrics] = field(default_factory=list)
    """Of each item and structure."""
    groups: list[str] = field(default_factory=list)
    """The patient of each of ``cases``."""
    shown: list[Shown] = field(default_factory=list)
    """Of each item; only the worst and a few others keep their pixels."""
    sizes: dict[int, list[tuple[float, float]]] = field(default_factory=dict)
    """Share of the image and mean probability of each structure that was found."""
    shapes: dict[int, dict[str, FloatArray]] = field(default_factory=dict)
    """What each structure is like (``segment.gate_output``), by label and name of the item; items without it are left out."""
    classes: dict[str, tuple[int, tuple[float, ...]]] = field(default_factory=dict)
    """Of a classifier: item to its true value and the probability of each class."""

    networks: list[Exported] = field(default_factory=list)
    """That were judged."""

    def add(self, other: Judged) -> None:
        """Also what another fold's bundle gave."""
        self.cases += other.cases
        self.groups += other.groups
        self.shown = kept(self.shown + other.shown)
        self.classes |= other.classes
        self.networks += other.networks
        for label, found in other.shapes.items():
            self.shapes.setdefault(label, {}).update(found)


def judged(bundle: Bundle, items: Iterable[Item], checked: Checked, predictions: Path) -> Judged:
    """Every item predicted; label maps go into ``predictions`` under the item's name, with the values of its mask."""
    out = Judged()
    wanted = list(items)
    for item in tqdm(wanted, desc=f"evaluate {bundle.name}", unit="item", mininterval=1, disable=None):
        image, truth = read_item(item, checked.values)
        if truth is None:
            _classify(out, bundle, item, image)
        else:
            labels = predict(prepare(image, bundle.recipe), bundle, Options())
            as_given = with_values(labels, source_values(checked, 255 if image.is_picture else 65535))
            write_labels(as_given, predictions, item.name, geometry=None if image.is_picture else image.geometry, probabilities=False)
            _segment(out, item, image, truth, labels)
    return out


def source_values(checked: Checked, most: int) -> dict[int, int]:
    """Label value → pixel value in the masks; each as it is where several pixel values are one label, or one is above ``most``, which a file can hold."""
    own = [label.value for label in checked.dataset.labels]
    pairs = [(label, pixel) for pixel, label in checked.values.items() if label in own]
    fits = len({label for label, _ in pairs}) == len(pairs) == len(own) and all(0 < pixel <= most for _, pixel in pairs)
    return dict(pairs) if fits else {value: value for value in own}


def with_values(labels: Labels, values: Mapping[int, int]) -> Labels:
    """``labels`` with each value replaced by what ``values`` has for it; 0 stays."""
    if all(new == old for old, new in values.items()):
        return labels
    table: IntArray = np.zeros(max(values) + 1, np.uint8 if max(values.values()) < 256 else np.uint16)
    table[list(values)] = list(values.values())
    named = sorted((replace(label, value=values[label.value]) for label in labels.table), key=lambda label: label.value)
    return replace(labels, array=np.asarray(table[labels.array]), table=tuple(named))


def _classify(out: Judged, bundle: Bundle, item: Item, image: Image) -> None:
    part, _ = focused(image, bundle.recipe, prepare)
    found = probabilities(bundle, prepare(part, bundle.recipe).array[None])[0]
    out.classes[item.name] = (item.target, tuple(map(float, found)))
    words = [label.name for label in bundle.recipe.labels]
    best = int(np.argmax(found))
    score = float(found[item.target - 1])
    shown = Shown(name=item.name, image=part.array, reference=words[item.target - 1], predicted=f"{words[best]} {found[best]:.0%}", score=score)
    out.shown = kept([*out.shown, shown])


def _segment(out: Judged, item: Item, image: Image, truth: IntArray, labels: Labels) -> None:
    known = truth != IGNORE
    spacing = image.geometry.spacing if image.geometry.calibrated else None
    scores = []
    for label in labels.table:
        found, there = labels.mask(label.value) & known, truth == label.value
        out.cases.append(case_metrics(item.name, label.name, found, there, spacing))
        out.groups.append(item.patient)
        if found.any() or there.any():
            scores.append(out.cases[-1].dice)
        out.sizes.setdefault(label.value, []).append(_size(labels, label.value))
        shape = descriptors(labels, label.value, None if image.is_picture else image.geometry)
        if shape is not None:
            out.shapes.setdefault(label.value, {})[item.name] = shape
    score = float(np.mean(scores)) if scores else 1.0
    where = image.geometry
    axial = [turned(a, where) for a in (image.array, np.where(known, truth, 0), labels.array)]
    shown = Shown(name=item.name, image=axial[0], reference=axial[1], predicted=axial[2], score=score, spacing=turned_spacing(where))
    out.shown = kept([*out.shown, cut(shown)])


def _size(labels: Labels, value: int) -> tuple[float, float]:
    mask = labels.mask(value)
    sure = float(labels.probability[mask].mean()) if labels.probability is not None and mask.any() else 0.0
    return float(mask.mean()), sure


def kept(shown: Sequence[Shown]) -> list[Shown]:
    """The worst half of a sheet, and others spread evenly over the rest; worst first."""
    ordered = sorted(shown, key=lambda s: s.score)
    if len(ordered) <= KEPT:
        return ordered
    rest = ordered[KEPT // 2 :]
    spread = np.linspace(0, len(rest) - 1, KEPT - KEPT // 2).round().astype(int)
    return ordered[: KEPT // 2] + [rest[n] for n in spread]


def by_name(checked: Checked, names: Sequence[str]) -> list[Item]:
    """The items of these names."""
    every: Mapping[str, Item] = {item.name: item for item in checked.dataset.items}
    return [every[name] for name in names]
