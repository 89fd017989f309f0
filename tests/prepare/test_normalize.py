from __future__ import annotations

import numpy as np
import pytest
from skimage.exposure import equalize_hist

from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.core.recipe import InputRecipe, LabelRecipe, Recipe
from diaphane.prepare import prepare
from diaphane.prepare.normalize import DECILES

PICTURE = {"channels": 1, "size": (40, 60), "fit": "stretch"}
VOLUME = {"channels": 1, "size": (8, 8, 8), "fit": "windows", "spacing_mm": (1.0, 1.0, 1.0)}
STANDARD = tuple(np.linspace(0.1, 0.9, 11) ** 2)


def recipe(**more: object) -> Recipe:
    labels = (LabelRecipe(value=1, name="a"),)
    return Recipe(name="r", task="segment", modality="m", network="unet", licence="x", labels=labels, input=InputRecipe(**more))  # type: ignore[arg-type]


def volume(array: np.ndarray) -> Image:
    return Image(array, Geometry(np.diag([1.0, 1, 1, 1])[[2, 1, 0, 3]], calibrated=True))


def picture(rng: np.random.Generator) -> Image:
    return Image((255 * rng.random((1, 40, 60)) ** 2).astype(np.uint8))


def test_window_takes_its_lower_end_to_0_and_its_upper_one_to_1() -> None:
    values = np.array([-1000, -160, 40, 140, 240, 3000], np.float32).reshape(1, 2, 3).repeat(2, axis=0)
    found = prepare(volume(values), recipe(**VOLUME, normalisation="window", window=(40.0, 400.0))).array[0]
    assert np.allclose(np.sort(found[0].ravel()), [0, 0, 0.5, 0.75, 1, 1])


def test_percentiles_become_0_and_1_and_what_lies_outside_too(rng: np.random.Generator) -> None:
    values = rng.gamma(2, 100, (6, 20, 30)).astype(np.float32)
    found = prepare(volume(values), recipe(**VOLUME, normalisation="percentile", percentiles=(2.0, 98.0))).array[0]
    low, high = np.percentile(values, (2, 98))
    assert np.allclose(np.sort(found.ravel()), np.sort(np.clip((values - low) / (high - low), 0, 1).ravel()), atol=1e-5)
    assert (found == 0).mean() == pytest.approx(0.02, abs=0.002)


def test_equalised_picture_is_that_of_scikit_image_to_half_a_percent(rng: np.random.Generator) -> None:
    image = Image((1000 + 64000 * rng.random((1, 40, 60)) ** 1.5).astype(np.uint16))
    found = prepare(image, recipe(**PICTURE, normalisation="histogram")).array[0]
    assert np.allclose(found, equalize_hist(image.array[0] / 65535, nbins=1 << 16), atol=5e-3)
    assert found.min() == 0
    assert found.max() == 1


def test_percentiles_come_to_lie_on_the_landmarks_whatever_the_scanner_s_scale(rng: np.random.Generator) -> None:
    values = rng.gamma(3, 50, (8, 30, 30)).astype(np.float32)
    matched = recipe(**VOLUME, normalisation="histogram", landmarks=STANDARD)
    found = prepare(volume(values), matched).array
    assert np.percentile(found, DECILES) == pytest.approx(STANDARD, abs=2e-3)
    assert np.allclose(prepare(volume(7 * values - 300), matched).array, found, atol=1e-4)
    assert found.max() > STANDARD[-1], "the last line goes on"
    assert found.min() < STANDARD[0]


def test_colours_keep_their_order_within_a_pixel(rng: np.random.Generator) -> None:
    image = Image(rng.integers(0, 256, (1, 40, 60, 3), dtype=np.uint8))
    found = prepare(image, recipe(**PICTURE | {"channels": 3}, normalisation="histogram")).array
    pixels = image.array[0].transpose(2, 0, 1)
    assert np.array_equal(np.argmax(found, axis=0), np.argmax(pixels, axis=0)), "one scale for all channels"


def test_filling_does_not_count(rng: np.random.Generator) -> None:
    more = {"normalisation": "percentile", "percentiles": (1.0, 99.0)}
    image = picture(rng)
    padded = prepare(image, recipe(**PICTURE | {"fit": "pad", "size": (120, 60)}, **more))
    top, left, height, width = padded.box
    assert np.array_equal(padded.array[:, top : top + height, left : left + width], prepare(image, recipe(**PICTURE, **more)).array)


@pytest.mark.parametrize(
    "more", [{"normalisation": "percentile", "percentiles": (1.0, 99.0)}, {"normalisation": "histogram"}, {"normalisation": "histogram", "landmarks": STANDARD}]
)
def test_constant_image_gives_a_finite_constant(more: dict[str, object]) -> None:
    found = prepare(volume(np.full((3, 8, 9), 7, np.int16)), recipe(**VOLUME, **more)).array
    assert np.isfinite(found).all()
    assert found.min() == found.max()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"normalisation": "window"}, "window must be a centre and a positive width, for 'window' alone"),
        ({"normalisation": "window", "window": (40.0, 0.0)}, "positive width"),
        ({"normalisation": "z-score", "window": (40.0, 400.0)}, "for 'window' alone"),
        ({"normalisation": "percentile", "percentiles": (99.0, 1.0)}, "two rising numbers, 0 to 100"),
        ({"normalisation": "percentile", "percentiles": (1.0, 101.0)}, "two rising numbers, 0 to 100"),
        ({"normalisation": "z-score", "percentiles": (1.0, 99.0)}, "for 'percentile' alone"),
        ({"normalisation": "histogram", "landmarks": (0.0, 1.0)}, "11 rising numbers"),
        ({"normalisation": "histogram", "landmarks": STANDARD[::-1]}, "11 rising numbers"),
        ({"normalisation": "z-score", "landmarks": STANDARD}, "for 'histogram' alone"),
        ({"normalisation": "z-score", "denoise_strength": 0.0}, "denoise_strength must lie above 0"),
        ({"normalisation": "z-score", "bias_field": "n4"}, "bias_field is for volumes"),
    ],
)
def test_contradictions_are_named(more: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        InputRecipe(**PICTURE, **more)  # type: ignore[arg-type]
