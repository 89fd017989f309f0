"""Items prepared once, on disk."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from diaphane.core.arrays import IntArray
from diaphane.core.image import Image
from diaphane.core.recipe import InputRecipe, LabelRecipe, Recipe
from diaphane.engine.bundle import open_bundle
from diaphane.errors import InputError, StorageError, TrainingError
from diaphane.prepare import labels_on_grid, prepare
from diaphane.train import arrays as module
from diaphane.train.arrays import PLACES, prepared_arrays
from diaphane.train.dataset import Checked, Dataset, Item

LABELS = (LabelRecipe(value=1, name="a"), LabelRecipe(value=2, name="b"))
PICTURES = Recipe(
    name="p", task="segment", modality="m", network="unet", labels=LABELS, licence="none",
    input=InputRecipe(channels=3, size=(16, 24), fit="stretch", normalisation="fixed", mean=(0.5,) * 3, std=(0.2,) * 3),
)  # fmt: skip
VOLUMES = replace(PICTURES, input=InputRecipe(channels=1, size=(8, 8, 8), fit="windows", normalisation="z-score", spacing_mm=(1.0, 1.0, 1.0)))


class Made:
    """A data set whose items are made when they are read."""

    def __init__(self, folder: Path, shape: tuple[int, ...], count: int = 5, *, classes: bool = False) -> None:
        self.shape, self.reads = shape, 0
        items = []
        for n in range(count):
            for kind in ("image", "mask"):
                (folder / f"{kind}{n}").write_bytes(bytes(n + 1))
            items.append(Item(f"item{n}", folder / f"image{n}", None if classes else folder / f"mask{n}", target=1 + n % 2 if classes else 0))
        data = Dataset(
            root=folder, form="CSV", task="classify" if classes else "segment", name="made", modality="m", labels=LABELS, items=tuple(items),
            patients_known=False,
        )  # fmt: skip
        self.checked = Checked(data, {}, (), {1: 1, 2: 2})
        self.names = [item.name for item in items]

    def read(self, item: Item, values: Mapping[int, int]) -> tuple[Image, IntArray | None]:
        self.reads += 1
        rng = np.random.default_rng(int(item.name[4:]))
        shape = (self.shape[0] + int(item.name[4:]) * (self.shape[0] > 1), *self.shape[1:])
        image = Image(rng.integers(0, 256, shape, dtype=np.uint8))
        labels = np.zeros(shape[:3], np.uint8)
        labels[:, 2:12, 3:13] = 1
        labels[:, 4:6, 14:16] = 2 * (item.name != "item0")
        return image, None if item.mask is None else labels


@pytest.mark.parametrize(("recipe", "shape"), [(PICTURES, (1, 32, 48, 3)), (VOLUMES, (9, 14, 17))])
def test_stored_equals_prepared_and_is_mapped_from_disk(recipe: Recipe, shape: tuple[int, ...], tmp_path: Path) -> None:
    made = Made(tmp_path, shape)
    arrays = prepared_arrays(made.checked, made.names, recipe, tmp_path / "out", read=made.read)
    assert arrays.names == tuple(made.names)
    assert len(arrays) == 5
    for item in made.checked.dataset.items:
        image, labels = made.read(item, {})
        assert labels is not None
        prepared, stored = prepare(image, recipe), arrays[item.name]
        assert stored.x.dtype == np.float16
        assert stored.y is not None
        assert np.array_equal(stored.x.reshape(prepared.array.shape), prepared.array.astype(np.float16))
        assert np.array_equal(stored.y, labels_on_grid(prepared, labels, 2))
        assert stored.target == 0
        assert not stored.x.flags.owndata
        assert not stored.x.flags.writeable


def test_places_lie_on_their_label_and_only_labels_that_occur_have_some(tmp_path: Path) -> None:
    made = Made(tmp_path, (9, 14, 17))
    arrays = prepared_arrays(made.checked, made.names, VOLUMES, tmp_path / "out", read=made.read)
    assert set(arrays["item0"].places) == {1}
    for name in made.names[1:]:
        stored = arrays[name]
        assert set(stored.places) == {1, 2}
        for label, voxels in stored.places.items():
            assert stored.y is not None
            assert (stored.y[tuple(voxels.T)] == label).all()
            assert len(np.unique(voxels, axis=0)) == len(voxels) == min(PLACES, np.count_nonzero(stored.y == label))


def test_second_time_nothing_is_read_and_the_bytes_are_the_same(tmp_path: Path) -> None:
    made = Made(tmp_path, (9, 14, 17))
    first = prepared_arrays(made.checked, made.names, VOLUMES, tmp_path / "out", read=made.read)
    again = prepared_arrays(made.checked, made.names, VOLUMES, tmp_path / "out", read=made.read)
    assert made.reads == 5
    elsewhere = prepared_arrays(made.checked, made.names, VOLUMES, tmp_path / "other", read=made.read)
    for name in made.names:
        assert np.array_equal(first[name].x, again[name].x)
        assert np.array_equal(first[name].x, elsewhere[name].x)
        assert all(np.array_equal(first[name].places[n], elsewhere[name].places[n]) for n in first[name].places)


def test_another_recipe_a_changed_file_or_other_items_are_not_served_from_old_arrays(tmp_path: Path) -> None:
    made = Made(tmp_path, (9, 14, 17))

    def reads(names: list[str], recipe: Recipe) -> int:
        before = made.reads
        prepared_arrays(made.checked, names, recipe, tmp_path / "out", read=made.read)
        return made.reads - before

    assert VOLUMES.input is not None
    assert [reads(made.names, VOLUMES), reads(made.names, VOLUMES)] == [5, 0]
    assert reads(made.names, replace(VOLUMES, input=replace(VOLUMES.input, clip=(0.0, 100.0)))) == 5
    assert reads(made.names[:3], VOLUMES) == 3
    os.utime(tmp_path / "mask2", ns=(1, 1))
    assert reads(made.names, VOLUMES) == 5


def test_items_of_classes_have_a_target_and_no_labels(tmp_path: Path) -> None:
    made = Made(tmp_path, (1, 32, 48, 3), classes=True)
    arrays = prepared_arrays(made.checked, made.names, replace(PICTURES, task="classify"), tmp_path / "out", read=made.read)
    assert [arrays[name].target for name in made.names] == [1, 2, 1, 2, 1]
    assert all(arrays[name].y is None and not arrays[name].places for name in made.names)


def test_of_pictures_whose_part_is_looked_at_the_part_is_stored_and_those_without_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made = Made(tmp_path, (1, 32, 48, 3), classes=True)

    def halved(image: Image, recipe: Recipe, prepare: object) -> tuple[Image, str]:
        assert recipe.input is not None
        found = recipe.input.around and image.array[0, 0, 0, 0] % 2
        return (Image(image.array[:, 8:24]), "") if found else (image, "not found" if recipe.input.around else "")

    monkeypatch.setattr(module, "focused", halved)
    monkeypatch.setattr(module, "finder_of", lambda recipe: open_bundle("lungs") if recipe.input.around else None)
    assert PICTURES.input is not None
    whole = replace(PICTURES, task="classify")
    part = replace(whole, input=replace(PICTURES.input, around="lungs"))
    missed = []
    with caplog.at_level("WARNING"):
        arrays = prepared_arrays(made.checked, made.names, part, tmp_path / "out", read=made.read)
    for item in made.checked.dataset.items:
        image, _ = made.read(item, {})
        seen, reason = halved(image, part, None)
        missed += [item.name] * bool(reason)
        assert np.array_equal(arrays[item.name].x[:, 0], prepare(seen, part).array.astype(np.float16))
    assert 0 < len(missed) < 5
    assert [r.message for r in caplog.records] == [
        f"'lungs' did not find the part to look at in {len(missed)} of 5 pictures, whose whole is used: {', '.join(missed)}"
    ]
    caplog.clear()
    prepared_arrays(made.checked, made.names, whole, tmp_path / "out", read=made.read)
    assert not caplog.records


def test_arrays_of_parts_are_made_anew_where_the_bundle_that_finds_them_is_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made(tmp_path, (1, 32, 48, 3), classes=True)
    assert PICTURES.input is not None
    part = replace(PICTURES, task="classify", input=replace(PICTURES.input, around="lungs"))
    monkeypatch.setattr(module, "focused", lambda image, *_: (image, ""))
    reads = []
    for finder in ("lungs", "skin_lesion", "lungs"):
        monkeypatch.setattr(module, "finder_of", lambda _, finder=finder: open_bundle(finder))
        before = made.reads
        prepared_arrays(made.checked, made.names, part, tmp_path / "out", read=made.read)
        reads.append(made.reads - before)
    assert reads == [5, 5, 0]


def test_what_was_interrupted_is_not_there_and_its_remains_do_no_harm(tmp_path: Path) -> None:
    made = Made(tmp_path, (9, 14, 17))

    def broken(item: Item, values: Mapping[int, int]) -> tuple[Image, IntArray | None]:
        if item.name == "item3":
            raise InputError("a damaged file")
        return made.read(item, values)

    with pytest.raises(InputError, match="a damaged file"):
        prepared_arrays(made.checked, made.names, VOLUMES, tmp_path / "out", read=broken)
    assert list((tmp_path / "out").iterdir()) == []
    folder = next(iter(_folder_of(made, tmp_path)))
    shutil.move(folder, folder.with_name(folder.name + ".partial"))  # as kill -9 would leave it
    (folder.with_name(folder.name + ".partial") / "index.json").unlink()
    assert len(prepared_arrays(made.checked, made.names, VOLUMES, tmp_path / "out", read=made.read)) == 5
    assert list((tmp_path / "out").iterdir()) == [folder]


def test_full_disk_is_named_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made(tmp_path, (9, 14, 17))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "_append", full)
    with pytest.raises(StorageError, match=r"No space left on device.*make room"):
        prepared_arrays(made.checked, made.names, VOLUMES, tmp_path / "out", read=made.read)
    assert list((tmp_path / "out").iterdir()) == []


def test_altered_files_and_values_beyond_half_precision_are_refused(tmp_path: Path) -> None:
    made = Made(tmp_path, (9, 14, 17))
    (folder,) = _folder_of(made, tmp_path)
    with (folder / "y").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(InputError, match=r"as long as index\.json says; delete this folder"):
        prepared_arrays(made.checked, made.names, VOLUMES, tmp_path / "out", read=made.read)
    assert VOLUMES.input is not None
    unscaled = replace(VOLUMES, input=replace(VOLUMES.input, normalisation="fixed", mean=(0.0,), std=(1e-5,)))
    with pytest.raises(InputError, match=r"within ±65504.*clip"):
        prepared_arrays(made.checked, made.names, unscaled, tmp_path / "out", read=made.read)


def _folder_of(made: Made, tmp_path: Path) -> list[Path]:
    prepared_arrays(made.checked, made.names, VOLUMES, tmp_path / "out", read=made.read)
    return list((tmp_path / "out").iterdir())


def test_an_item_that_does_not_fit_into_memory_is_named_with_what_to_do(tmp_path: Path) -> None:
    made = Made(tmp_path, (9, 14, 17))
    fine = replace(VOLUMES, input=replace(VOLUMES.input, spacing_mm=(1e-4,) * 3))  # type: ignore[type-var]
    with pytest.raises(TrainingError, match=r"image0: out of memory where 'item0' is prepared; give a larger spacing_mm or a smaller size"):
        prepared_arrays(made.checked, made.names, fine, tmp_path / "out", read=made.read)
    assert list((tmp_path / "out").iterdir()) == []
