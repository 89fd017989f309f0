"""Who is learnt from and who is looked at: folds by patient, stratified, drawn once and written down."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from diaphane.core.storage import reading, write_whole
from diaphane.core.strict import from_mapping
from diaphane.errors import InputError
from diaphane.train.dataset import Checked, Dataset, Facts, Item, Part

QUARTERS = (0.25, 0.5, 0.75)
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Split:
    """Names of items; each is in one fold, in the test, or left out."""

    folds: tuple[tuple[str, ...], ...]
    test: tuple[str, ...] = ()
    """The publisher's; never learnt from nor chosen by."""
    left_out: tuple[str, ...] = ()
    """Of a patient, or a near-duplicate of an item, on the other side of the publisher's split."""

    def validation(self, fold: int) -> tuple[str, ...]:
        """What fold ``fold`` is looked at with."""
        return self.folds[fold]

    def training(self, fold: int) -> tuple[str, ...]:
        """What fold ``fold`` learns from: the other folds."""
        return tuple(name for n, names in enumerate(self.folds) if n != fold for name in names)


@dataclass(frozen=True, slots=True)
class Overlaps:
    """What lies on both sides of the publisher's split."""

    messages: tuple[str, ...]
    with_test: tuple[str, ...]
    """Items of the training and validation parts that share a patient or are near-duplicates with a test item."""
    with_valid: tuple[str, ...]
    """Items of the training part, not in ``with_test``, that do with a validation item."""


def split(checked: Checked, folds: int, seed: int, *, published: bool = False) -> Split:
    """Folds with all of a patient, and near-duplicates, in one of them; classes, labels and sizes of structures are spread evenly.

    With ``published`` there is one fold to look at, number 0: the publisher's validation part; the rest is number 1. Else training and
    validation parts are drawn from as one. The publisher's test part is in no fold.

    Raises:
        InputError: There are fewer patients than folds, or no validation part was published.
    """
    apart = overlaps(checked.dataset)
    left_out = apart.with_test + (apart.with_valid if published else ())
    items = [item for item in checked.dataset.items if item.part != "test" and item.name not in set(left_out)]
    test = tuple(item.name for item in checked.dataset.items if item.part == "test")
    drawn = _published(checked.dataset, items) if published else _drawn(checked, items, folds, seed)
    return Split(drawn, test, left_out)


def overlaps(dataset: Dataset) -> Overlaps:
    """Patients and near-duplicates on both sides of the publisher's split, as messages for people and as names of items to leave out.

    Near-duplicates of near-duplicates, and other items of their patients, count as well.
    """
    by_name = {item.name: item for item in dataset.items}
    messages = [*_patient_messages(dataset), *_duplicate_messages(dataset, by_name)]
    with_test, with_valid = [], []
    for group in groups(dataset.items, dataset.duplicates):
        parts = {_side(by_name[name].part) for name in group}
        if "test" in parts:
            with_test += [name for name in group if by_name[name].part != "test"]
        elif "valid" in parts:
            with_valid += [name for name in group if by_name[name].part != "valid"]
    if with_test or with_valid:
        messages.append(
            f"left out of training: {len(with_test)} items because of the test part, and {len(with_valid)} because of the validation part if that is used"
        )
    return Overlaps(tuple(messages), tuple(with_test), tuple(with_valid))


def groups(items: Sequence[Item], duplicates: Collection[tuple[str, str]]) -> list[list[str]]:
    """Names of items that belong on one side: of one patient, or near-duplicates, or joined by a chain of both. In the order of ``items``."""
    root = {item.name: item.name for item in items}

    def top(name: str) -> str:
        while root[name] != name:
            root[name] = name = root[root[name]]
        return name

    first: dict[str, str] = {}
    pairs = [(first.setdefault(item.patient, item.name), item.name) for item in items]
    for a, b in (*pairs, *(pair for pair in duplicates if root.keys() >= set(pair))):
        root[top(b)] = top(a)
    found: dict[str, list[str]] = {}
    for item in items:
        found.setdefault(top(item.name), []).append(item.name)
    return list(found.values())


def check_split(dataset: Dataset, parts: Split, where: str) -> tuple[str, ...]:
    """A split that someone brings; what is returned are near-duplicates on two sides, as messages.

    Raises:
        InputError: Items of the publisher's test part are in folds, or items of one patient on two sides.
    """
    side = {name: str(n) for n, fold in enumerate(parts.folds) for name in fold} | dict.fromkeys(parts.test, "test")
    tests = [item.name for item in dataset.items if item.part == "test" and side.get(item.name, "test") != "test"]
    if tests:
        raise InputError(f"{where}: {len(tests)} items of the publisher's test part are in folds ({_some(tests)}); move them to test, or delete the file")
    sides: dict[str, set[str]] = {}
    for item in dataset.items:
        if item.name in side:
            sides.setdefault(item.patient, set()).add(side[item.name])
    torn = [item.name for item in dataset.items if len(sides.get(item.patient, ())) > 1]
    if torn:
        raise InputError(f"{where}: items of one patient are on two sides ({_some(torn)}); put them on one, or delete the file")
    pairs = [f"{a} and {b}" for a, b in dataset.duplicates if side.get(a) != side.get(b) and {a, b} <= side.keys()]
    return (f"{len(pairs)} pairs of near-duplicates are on two sides of {where}: {_some(pairs)}",) if pairs else ()


def write_split(path: Path, split: Split) -> None:
    """``split.json``: ``{"folds": [[name, …], …], "test": [name, …], "left_out": [name, …]}``.

    Raises:
        StorageError: No space, no permission.
    """
    document = {"folds": split.folds, "test": split.test, "left_out": split.left_out}
    write_whole(path, (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode())


def read_split(path: Path, names: Collection[str]) -> Split:
    """The split in ``path``, which must hold each of ``names`` once and nothing else.

    Raises:
        InputError: It is no such list, or of another data set.
    """
    try:
        with reading(path):
            document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as problem:
        raise InputError(f"{path}: not JSON ({problem}); delete it to draw another split") from problem
    read = from_mapping(Split, document, f"{path}:", InputError)
    counts = Counter(name for part in (*read.folds, read.test, read.left_out) for name in part)
    wrong = {
        "twice": [name for name, count in counts.items() if count > 1],
        "that the data set has not": sorted(counts.keys() - set(names)),
        "missing": sorted(set(names) - counts.keys()),
    }
    for what, which in wrong.items():
        if which:
            raise InputError(f"{path}: {len(which)} items {what} ({_some(which)}); take the data it was drawn from, or delete it to draw another split")
    if len(read.folds) < 2 or not all(read.folds):
        raise InputError(f"{path}: a split has at least two folds and none is empty; delete it to draw another")
    return read


def _published(dataset: Dataset, items: Sequence[Item]) -> tuple[tuple[str, ...], ...]:
    valid = tuple(item.name for item in items if item.part == "valid")
    rest = tuple(item.name for item in items if item.part != "valid")
    if not valid or not rest:
        which = "validation" if not valid else "training"
        raise InputError(f"{dataset.root}: no item is left in the published {which} part; leave the column split (or the folder) out to draw one")
    return valid, rest


def _drawn(checked: Checked, items: Sequence[Item], folds: int, seed: int) -> tuple[tuple[str, ...], ...]:
    """The largest groups first, in seeded order, each into the fold that has least of what it holds."""
    together = groups(items, checked.dataset.duplicates)
    if len(together) < folds:
        known = "patients" if checked.dataset.patients_known else "images (near-duplicates count once)"
        raise InputError(f"{checked.dataset.root}: {len(together)} {known} are fewer than {folds} folds; give --folds {max(2, len(together))} or add data")
    strata = _strata(items, checked.facts)
    total = Counter(strata.values())
    order = np.random.default_rng(seed).permutation(len(together))
    fold_of: dict[str, int] = {}
    held: list[Counter[Hashable]] = [Counter() for _ in range(folds)]
    for n in sorted(order, key=lambda n: -len(together[n])):
        kinds = Counter(strata[name] for name in together[n])
        fold = min(range(folds), key=lambda f: (sum(count * held[f][kind] / total[kind] for kind, count in kinds.items()), held[f].total()))
        held[fold] += kinds
        fold_of |= dict.fromkeys(together[n], fold)
    return tuple(tuple(item.name for item in items if fold_of[item.name] == fold) for fold in range(folds))


def _strata(items: Sequence[Item], facts: Mapping[str, Facts]) -> dict[str, Hashable]:
    """The class of each item, or which labels its mask holds and the quarter in which the size of its structures lies."""
    shares = {item.name: sum(facts[item.name].voxels.values()) / float(np.prod(facts[item.name].shape)) for item in items}
    edges = np.quantile(list(shares.values()) or [0.0], QUARTERS)
    return {item.name: (item.target, frozenset(facts[item.name].voxels), int(np.searchsorted(edges, shares[item.name]))) for item in items}


def _side(part: Part) -> Part:
    return part or "train"


def _patient_messages(dataset: Dataset) -> list[str]:
    """Patients by an item on each side: what a list calls them may be their name."""
    sides: dict[str, dict[Part, str]] = {}
    for item in dataset.items:
        sides.setdefault(item.patient, {}).setdefault(_side(item.part), item.name)
    both = [" and ".join(f"{name} ({part})" for part, name in parts.items()) for parts in sides.values() if len(parts) > 1]
    return [f"patients on several sides of the published split: {len(both)}, those of {_some(both)}"] if both else []


def _duplicate_messages(dataset: Dataset, by_name: Mapping[str, Item]) -> list[str]:
    pairs = [pair for pair in dataset.duplicates if by_name.keys() >= set(pair)]
    both = [f"{a} and {b}" for a, b in pairs if _side(by_name[a].part) != _side(by_name[b].part)]
    return [f"pairs of near-duplicates on two sides of the published split: {len(both)}, {_some(both)}"] if both else []


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
