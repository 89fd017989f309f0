"""Folds: who is learnt from and who is looked at."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diaphane.core.recipe import LabelRecipe
from diaphane.errors import InputError
from diaphane.train.check import check
from diaphane.train.dataset import Checked, Dataset, Facts, Item, Part
from diaphane.train.folds import Split, groups, overlaps, read_split, split, write_split
from diaphane.train.forms import read_dataset

PARTS: tuple[Part, ...] = ("", "train", "valid", "test")


def checked_of(items: list[Item], duplicates: tuple[tuple[str, str], ...] = (), voxels: dict[str, dict[int, int]] | None = None) -> Checked:
    dataset = Dataset(
        root=Path("d"), form="CSV", task="classify", name="d", modality="d", labels=tuple(LabelRecipe(value=n, name=f"c{n}") for n in (1, 2)),
        items=tuple(items), patients_known=True, duplicates=duplicates,
    )  # fmt: skip
    facts = {item.name: Facts((1, 10, 10), 1, (1, 1, 1), (0.5,), (0.1,), (0, 1), (0.5, 0.1), (voxels or {}).get(item.name, {})) for item in items}
    return Checked(dataset, facts, (), {})


def item(name: str, patient: str = "", part: Part = "", target: int = 1) -> Item:
    return Item(name, Path(name), target=target, patient=patient or name, part=part)


@st.composite
def data_sets(draw: st.DrawFn) -> Checked:
    count = draw(st.integers(1, 40))
    patients = draw(st.lists(st.integers(0, 15), min_size=count, max_size=count))
    targets = draw(st.lists(st.integers(1, 3), min_size=count, max_size=count))
    parts = draw(st.lists(st.sampled_from(PARTS), min_size=count, max_size=count))
    items = [item(f"i{n}", f"p{patients[n]}", parts[n], targets[n]) for n in range(count)]
    pairs = draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=4))
    return checked_of(items, tuple((f"i{a}", f"i{b}") for a, b in pairs if a != b))


@given(data_sets(), st.integers(2, 5), st.integers(0, 3), st.booleans())
@settings(max_examples=60, deadline=None)
def test_nobody_is_on_two_sides(checked: Checked, folds: int, seed: int, published: bool) -> None:
    try:
        drawn = split(checked, folds, seed, published=published)
    except InputError:
        return
    assert drawn == split(checked, folds, seed, published=published)
    places = [*drawn.folds, drawn.test]
    assert sorted(name for place in (*places, drawn.left_out) for name in place) == sorted(one.name for one in checked.dataset.items)
    side = {name: n for n, place in enumerate(places) for name in place}
    patient = {one.name: one.patient for one in checked.dataset.items}
    assert all(len({side[name] for name in side if patient[name] == one}) == 1 for one in {patient[name] for name in side})
    assert all(side[a] == side[b] for a, b in checked.dataset.duplicates if a in side and b in side)
    assert all(drawn.folds)
    for fold in range(len(drawn.folds)):
        assert set(drawn.training(fold)).isdisjoint((*drawn.validation(fold), *drawn.test))
        assert len(drawn.training(fold)) + len(drawn.validation(fold)) == sum(map(len, drawn.folds))


def test_another_seed_is_another_split() -> None:
    checked = checked_of([item(f"i{n}") for n in range(40)])
    assert split(checked, 5, 0) != split(checked, 5, 1)


def test_classes_are_spread_evenly() -> None:
    checked = checked_of([item(f"i{n}", target=1 if n < 75 else 2) for n in range(100)])
    counts = [Counter(int(name[1:]) < 75 for name in fold) for fold in split(checked, 5, 3).folds]
    assert counts == [{True: 15, False: 5}] * 5


def test_labels_and_sizes_of_structures_are_spread_evenly() -> None:
    voxels = {f"i{n}": {1: n + 1} | ({2: 1} if n % 4 == 0 else {}) for n in range(80)}
    folds = split(checked_of([item(name) for name in voxels], voxels=voxels), 4, 0).folds
    assert [len(fold) for fold in folds] == [20] * 4
    assert all(abs(sum(2 in voxels[name] for name in fold) - 5) <= 1 for fold in folds)
    means = [np.mean([voxels[name][1] for name in fold]) for fold in folds]
    assert np.ptp(means) < 6  # by chance 4 means of 20 would differ by about 11


def test_a_published_validation_part_is_fold_0() -> None:
    items = [item("a", part="train"), item("b"), item("v", part="valid"), item("t", part="test"), item("w", "p", "valid"), item("x", "p", "train")]
    assert split(checked_of(items), 1, 0, published=True) == Split((("v", "w"), ("a", "b")), ("t",), ("x",))
    with pytest.raises(InputError, match="no item is left in the published validation part"):
        split(checked_of(items[:2]), 1, 0, published=True)


def test_what_leaks_into_the_test_part_is_named_and_left_out() -> None:
    items = [
        item("a", "Jane Doe", "train"),
        item("b", "Jane Doe", "train"),
        item("t", part="test"),
        item("u", "q", "test"),
        item("v", "q", "valid"),
        item("c"),
        item("d"),
    ]
    checked = checked_of(items, (("b", "t"), ("t", "u")))
    found = overlaps(checked.dataset)
    assert (found.with_test, found.with_valid) == (("a", "b", "v"), ())
    assert found.messages == (
        "patients on several sides of the published split: 1, those of u (test) and v (valid)",
        "pairs of near-duplicates on two sides of the published split: 1, b and t",
        "left out of training: 3 items because of the test part, and 0 because of the validation part if that is used",
    )
    drawn = split(checked, 2, 0)
    assert (drawn.left_out, drawn.test, sorted(map(len, drawn.folds))) == (("a", "b", "v"), ("t", "u"), [1, 1])
    assert overlaps(replace(checked.dataset, items=tuple(items[-2:]))).messages == ()


def test_fewer_patients_than_folds_are_refused() -> None:
    checked = checked_of([item("a", "p"), item("b", "p"), item("c", "q")])
    with pytest.raises(InputError, match="2 patients are fewer than 3 folds; give --folds 2 or add data"):
        split(checked, 3, 0)


def test_groups_are_joined_by_chains() -> None:
    items = [item("a", "p"), item("b", "q"), item("c", "p"), item("d", "q"), item("e")]
    assert groups(items, [("c", "d"), ("e", "elsewhere")]) == [["a", "b", "c", "d"], ["e"]]


def test_a_written_split_is_reused_and_must_fit(tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    drawn = Split((("ä", "b"), ("c",)), ("t",), ("x",))
    write_split(path, drawn)
    assert read_split(path, "äbctx") == drawn
    for names, message in (("äbctxy", r"1 items missing \(y\)"), ("äbct", r"1 items that the data set has not \(x\)")):
        with pytest.raises(InputError, match=message + "; take the data it was drawn from, or delete it"):
            read_split(path, names)
    for text, message in (
        ('{"folds": [["a"], ["a"]]}', r"1 items twice \(a\)"),
        ('{"folds": [["a"]], "tests": []}', "unknown key 'tests'; did you mean 'test'"),
        ('{"folds": [["a"], [1]]}', "expected str, got int"),
        ('{"folds": [["a"]]}', "at least two folds"),
        ("{", "not JSON"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=message):
            read_split(path, "a")


@pytest.mark.data
def test_real_patients_are_in_one_fold_and_classes_even(data: Path) -> None:
    dataset = read_dataset(data / "cxr_pneumonia")
    checked = checked_of(list(dataset.items))
    folds = split(checked, 5, 0).folds
    by_name = {one.name: one for one in dataset.items}
    patients = [{by_name[name].patient for name in fold} for fold in folds]
    assert sum(map(len, patients)) == len(set().union(*patients))
    shares = [np.mean([by_name[name].target == 2 for name in fold]) for fold in folds]
    assert max(shares) - min(shares) < 0.02


@pytest.mark.data
def test_isic_training_pictures_that_are_in_the_test_are_left_out(data: Path) -> None:
    dataset = read_dataset(data / "isic2017")
    found = overlaps(dataset)
    assert len(found.with_test) == 2
    parts = {one.name: one.part for one in dataset.items}
    pairs = [(a, b) for a, b in dataset.duplicates if {parts[a], parts[b]} == {"train", "test"}]
    assert set(found.with_test) == {name for pair in pairs for name in pair if parts[name] == "train"}


@pytest.mark.data
def test_a_check_and_its_split_fit_together(data: Path) -> None:
    dataset = read_dataset(data / "cxr_lungs")
    checked = check(replace(dataset, items=dataset.items[:24]))
    drawn = split(checked, 4, 1)
    assert sum(map(len, drawn.folds)) == 24
    assert checked.values == {1: 1, 2: 2}
