from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.core.recipe import InputRecipe, LabelRecipe, Recipe
from diaphane.errors import InputError
from diaphane.ops.orient import turned
from diaphane.ops.resample import resample_volume
from diaphane.prepare import labels_on_grid, prepare

LYING = np.array([[0.0, -2, 0, 30], [0, 0, 1.5, -7], [-3, 0, 0, 50], [0, 0, 0, 1]])
"""Slices run from head to feet, rows from left to right, columns from front to back."""


def recipe(**more: object) -> Recipe:
    given = {"channels": 1, "size": (8, 8, 8), "fit": "windows", "normalisation": "fixed", "mean": (0.0,), "std": (1.0,), "spacing_mm": (3.0, 1.5, 2.0)} | more
    return Recipe(
        name="r", task="segment", modality="m", network="unet", licence="x", labels=(LabelRecipe(value=1, name="a"), LabelRecipe(value=2, name="b")),
        input=InputRecipe(**given),  # type: ignore[arg-type]
    )  # fmt: skip


def scan(rng: np.random.Generator, shape: tuple[int, int, int] = (6, 10, 12)) -> Image:
    return Image(rng.normal(size=shape).astype(np.float32), Geometry(LYING, calibrated=True))


def test_volume_is_turned_and_at_its_own_spacing_nothing_else(rng: np.random.Generator) -> None:
    image = scan(rng)
    prepared = prepare(image, recipe())
    assert prepared.array.dtype == np.float32
    assert prepared.box == ()
    assert np.array_equal(prepared.array[0], image.array.transpose(0, 2, 1)[::-1, :, ::-1])


def test_resampling_equals_linear_interpolation_when_it_grows_and_means_when_it_shrinks(rng: np.random.Generator) -> None:
    array = rng.normal(size=(5, 6, 7))
    grown = resample_volume(array, (9, 13, 7))
    places = np.meshgrid(*((np.arange(n) + 0.5) * m / n - 0.5 for n, m in zip(grown.shape, array.shape, strict=True)), indexing="ij")
    assert np.allclose(grown, map_coordinates(array, places, order=1, mode="nearest"), atol=1e-5)
    fine = rng.normal(size=(6, 8, 9))
    assert np.allclose(resample_volume(fine, (3, 2, 3)), fine.reshape(3, 2, 2, 4, 3, 3).mean(axis=(1, 3, 5)), atol=1e-5)
    mixed = resample_volume(fine, (12, 4, 9))
    assert mixed.mean() == pytest.approx(fine.mean(), abs=1e-5)


def test_grid_has_the_recipe_s_spacing_and_the_scan_s_extent(rng: np.random.Generator) -> None:
    assert prepare(scan(rng), recipe(spacing_mm=(1.5, 3.0, 2.0))).array.shape == (1, 12, 6, 10)


def test_values_are_clipped_then_normalised(rng: np.random.Generator) -> None:
    image = scan(rng)
    fixed = prepare(image, recipe(clip=(-0.5, 1.0), mean=(0.2,), std=(2.0,))).array[0]
    assert np.allclose(fixed, (turned(np.clip(image.array, -0.5, 1), image.geometry) - 0.2) / 2, atol=1e-6)
    own = prepare(image, recipe(normalisation="z-score", mean=(), std=()))
    assert float(own.array.mean()) == pytest.approx(0, abs=1e-5)
    assert float(own.array.std()) == pytest.approx(1, abs=1e-5)


def test_voxels_that_are_no_numbers_count_as_the_lowest(rng: np.random.Generator) -> None:
    array = scan(rng).array.copy()
    array[0, 0, :2] = np.nan, np.inf
    prepared = prepare(Image(array, Geometry(LYING, calibrated=True)), recipe())
    assert prepared.array.min() == array[np.isfinite(array)].min()
    with pytest.raises(InputError, match="made: no voxel holds a finite number"):
        prepare(Image(np.full((2, 3, 4), np.nan), Geometry(LYING, calibrated=True), "made"), recipe())


def test_grid_that_a_wrong_spacing_would_make_huge_is_refused_before_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("diaphane.prepare.prepare"), "resample_volume", lambda *_: pytest.fail("it was made"))
    far = Image(np.zeros((30, 30, 30), np.float32), Geometry(np.diag([2000.0, 2000, 2000, 1]), calibrated=True), "far")
    with pytest.raises(InputError, match=r"far: brought from voxels of 2000 x 2000 x 2000 mm .* needs .* of memory .* look whether the spacing"):
        prepare(far, recipe())


def test_picture_and_colours_are_refused(rng: np.random.Generator) -> None:
    with pytest.raises(InputError, match="takes volumes, got a picture of 1 x 8 x 9"):
        prepare(Image(np.zeros((1, 8, 9), np.uint8)), recipe())
    with pytest.raises(InputError, match="takes volumes of one channel, got a volume of 2 x 8 x 9, channels: 3"):
        prepare(Image(np.zeros((2, 8, 9, 3), np.uint8)), recipe())


def test_each_cell_has_the_label_that_covers_most_of_it(rng: np.random.Generator) -> None:
    image = scan(rng, (6, 10, 12))
    labels = rng.choice(np.array([0, 1, 2, 255], np.uint8), image.shape)
    found = labels_on_grid(prepare(image, recipe(spacing_mm=(6.0, 3.0, 4.0))), labels, 2)
    assert found.dtype == np.uint8
    blocks = turned(labels, image.geometry).reshape(3, 2, 6, 2, 5, 2).transpose(0, 2, 4, 1, 3, 5).reshape(3, 6, 5, 8)
    counts = np.stack([(blocks == value).sum(axis=-1) for value in (0, 1, 2, 255)])
    assert np.array_equal(found, np.array([0, 1, 2, 255])[counts.argmax(axis=0)])
    with pytest.raises(InputError, match="must lie on the grid of their image"):
        labels_on_grid(prepare(image, recipe()), labels[1:], 2)


def test_labels_of_a_padded_picture_lie_where_the_picture_does() -> None:
    padded = Recipe(
        name="r", task="segment", modality="m", network="unet", licence="x", labels=(LabelRecipe(value=1, name="a"),),
        input=InputRecipe(channels=1, size=(8, 16), fit="pad", normalisation="z-score"),
    )  # fmt: skip
    labels = np.zeros((1, 16, 16), np.uint8)
    labels[0, :8] = 1
    found = labels_on_grid(prepare(Image(np.zeros((1, 16, 16), np.uint8)), padded), labels, 1)
    expected = np.zeros((1, 8, 16), np.uint8)
    expected[0, :4, 4:12] = 1
    assert np.array_equal(found, expected)
