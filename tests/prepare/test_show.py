from __future__ import annotations

import numpy as np
import pytest

from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.core.recipe import InputRecipe, LabelRecipe, Recipe
from diaphane.prepare import before_after, prepare, steps
from diaphane.prepare.show import INK, SIDE


def recipe(**more: object) -> Recipe:
    labels = (LabelRecipe(value=1, name="a"),)
    return Recipe(name="r", task="segment", modality="m", network="unet", licence="x", labels=labels, input=InputRecipe(**more))  # type: ignore[arg-type]


def halves(page: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two squares of a page."""
    middle = page.shape[1] // 2
    return page[5 : 5 + SIDE, 10 : 10 + SIDE], page[5 : 5 + SIDE, middle + 10 : middle + 10 + SIDE]


def test_picture_stands_as_it_came_beside_what_was_scaled() -> None:
    ramp = np.tile(np.arange(64, 128, dtype=np.uint8), (64, 1))[None]
    prepared = prepare(Image(ramp), recipe(channels=1, size=(64, 64), fit="stretch", normalisation="percentile", percentiles=(0.0, 100.0)))
    page = before_after(prepared, np.zeros((1, 64, 64), np.uint8))
    assert page.dtype == np.uint8
    before, after = halves(page)
    assert (before.min(), before.max()) == pytest.approx((64, 127), abs=3)
    assert (after.min(), after.max()) == (0, 255)
    assert (page[SIDE + 10 :] == INK).all(axis=-1).any(axis=0).sum() > 2 * 0.5 * SIDE, "two histograms"


def test_of_a_volume_the_slice_with_most_of_the_structure_is_shown() -> None:
    array = np.zeros((8, 20, 30), np.float32)
    array[5, 5:15, 5:15] = 100
    array[2, 0, 0] = 400
    labels = (array == 100).astype(np.uint8)
    image = Image(array, Geometry(np.array([[0, 0, 1.0, 0], [0, 1, 0, 0], [3, 0, 0, 0], [0, 0, 0, 1]]), calibrated=True))
    scaled = recipe(channels=1, size=(8, 8, 8), fit="windows", normalisation="window", window=(50.0, 100.0), spacing_mm=(1.5, 1.0, 1.0))
    for half in halves(before_after(prepare(image, scaled), labels)):
        assert half[SIDE // 2, SIDE // 3].tolist() == [255, 255, 255]
        assert half[SIDE // 2, 4 * SIDE // 5].tolist() == [0, 0, 0]


def test_nothing_to_show_is_shown_all_the_same() -> None:
    image = Image(np.zeros((2, 9, 9), np.float32), Geometry(np.diag([1.0, 1, 1, 1])[[2, 1, 0, 3]], calibrated=True))
    plain = prepare(image, recipe(channels=1, size=(8, 8, 8), fit="windows", normalisation="z-score", spacing_mm=(1.0, 1.0, 1.0)))
    assert before_after(plain, np.zeros((2, 9, 9), np.uint8)).shape[2] == 3


def test_every_step_is_told_in_words() -> None:
    grid = {"channels": 1, "size": (8, 8, 8), "fit": "windows", "spacing_mm": (3.0, 0.75, 0.75)}
    told = steps(recipe(**grid, normalisation="window", window=(40.0, 400.0), clip=(-500.0, 900.0), denoise="median", bias_field="n4"))
    words = ("3 x 0.75 x 0.75 mm", "(N4)", "middle one", "below -500 and above 900", "from -160 to 240")
    assert len(told) == len(words)
    assert all(word in step for word, step in zip(words, told, strict=True))
    picture = steps(recipe(channels=3, size=(144, 192), fit="pad", normalisation="histogram"))
    assert picture[1] == "brought to 192 x 144 pixels, its own aspect ratio kept and the rest filled with its edge"
    assert "evened out" in picture[2]
    table = Recipe(name="r", task="classify", modality="m", network="l", licence="x", labels=(LabelRecipe(value=1, name="a"),))
    assert steps(table) == ()
