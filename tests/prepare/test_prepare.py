from __future__ import annotations

import numpy as np
import pytest

from diaphane.core.image import Image
from diaphane.core.recipe import InputRecipe, LabelRecipe, Recipe
from diaphane.errors import InputError, UsageError
from diaphane.prepare import prepare


def recipe(**more: object) -> Recipe:
    given = {"channels": 3, "size": (32, 48), "fit": "stretch", "normalisation": "fixed", "mean": (0.5,) * 3, "std": (0.25,) * 3} | more
    if given["normalisation"] == "z-score":
        given["mean"] = given["std"] = ()
    return Recipe(
        name="r", task="segment", modality="m", network="unet", licence="x", labels=(LabelRecipe(value=1, name="a"),),
        input=InputRecipe(**given),  # type: ignore[arg-type]
    )  # fmt: skip


def test_fixed_normalisation_is_that_of_the_recipe() -> None:
    prepared = prepare(Image(np.full((1, 64, 96, 3), 255, np.uint8)), recipe())
    assert prepared.array.shape == (3, 32, 48)
    assert prepared.array.dtype == np.float32
    assert np.allclose(prepared.array, 2)


def test_z_score_has_mean_0_and_deviation_1_inside_the_image(rng: np.random.Generator) -> None:
    image = Image(rng.integers(0, 256, (1, 64, 64), dtype=np.uint8))
    prepared = prepare(image, recipe(channels=1, fit="pad", size=(64, 96), normalisation="z-score"))
    top, left, height, width = prepared.box
    inside = prepared.array[0, top : top + height, left : left + width]
    assert (top, left, height, width) == (0, 16, 64, 64)
    assert abs(float(inside.mean())) < 1e-5
    assert abs(float(inside.std()) - 1) < 1e-4


def test_constant_image_becomes_0_not_nan() -> None:
    prepared = prepare(Image(np.full((1, 20, 20), 7, np.uint8)), recipe(channels=1, normalisation="z-score"))
    assert not prepared.array.any()


def test_16_bit_and_8_bit_of_the_same_picture_agree(rng: np.random.Generator) -> None:
    small = rng.integers(0, 256, (1, 40, 40), dtype=np.uint8)
    same = recipe(channels=1, normalisation="z-score")
    for factor in (257, 16, 4):  # 16, 12 and 10 bits in 16
        wide = prepare(Image(small.astype(np.uint16) * factor), same)
        assert np.allclose(prepare(Image(small), same).array, wide.array, atol=1e-4)


def test_grey_is_repeated_and_colour_becomes_luma() -> None:
    grey = prepare(Image(np.full((1, 8, 8), 51, np.uint8)), recipe())
    assert np.allclose(grey.array, (0.2 - 0.5) / 0.25)
    red = np.zeros((1, 64, 96, 3), np.uint8)
    red[..., 0] = 255
    red[:, :32] = 0
    luma = prepare(Image(red), recipe(channels=1, mean=(0.0,), std=(1.0,)))
    assert luma.array.max() == pytest.approx(0.299, abs=1e-5)


def test_preparing_twice_gives_the_same_bytes(rng: np.random.Generator) -> None:
    image = Image(rng.integers(0, 256, (1, 61, 83, 3), dtype=np.uint8))
    assert prepare(image, recipe()).array.tobytes() == prepare(image, recipe()).array.tobytes()


def test_volume_and_float_pixels_and_feature_models_are_refused() -> None:
    with pytest.raises(InputError, match="takes pictures, got a volume of 2 x 8 x 8"):
        prepare(Image(np.zeros((2, 8, 8), np.uint8)), recipe())
    with pytest.raises(InputError, match="integer pixels"):
        prepare(Image(np.zeros((1, 8, 8))), recipe())
    table = Recipe(name="r", task="classify", modality="m", network="l", licence="x", labels=(LabelRecipe(value=1, name="a"),))
    with pytest.raises(UsageError, match="takes features"):
        prepare(Image(np.zeros((1, 8, 8), np.uint8)), table)
