"""Occlusion maps of a network whose answer is known in closed form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tests.classifiers import colour_bundle

from diaphane.assess import judged, occlusion, occlusion_picture
from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.core.prepared import Prepared
from diaphane.engine.bundle import Bundle, open_bundle
from diaphane.prepare import prepare

RED, BLUE = 0, 2


def prepared(rgb: np.ndarray, bundle: Bundle) -> Prepared:
    return prepare(Image(rgb[None], Geometry.of_picture(), name="picture"), bundle.recipe)


def spots() -> np.ndarray:
    """A red square upper left, a blue one lower right, on black."""
    rgb = np.zeros((16, 16, 3), np.uint8)
    rgb[0:4, 0:4] = (255, 0, 0)
    rgb[12:16, 12:16] = (0, 0, 255)
    return rgb


def test_what_speaks_for_a_class_is_positive_and_what_speaks_for_another_negative(tmp_path: Path) -> None:
    bundle = open_bundle(colour_bundle(tmp_path / "judge"))
    red, blue = (occlusion(prepared(spots(), bundle), bundle, place) for place in (RED, BLUE))
    assert np.unravel_index(red.argmax(), red.shape)[0] < 4
    assert np.unravel_index(red.argmax(), red.shape)[1] < 4
    assert red[:4, :4].min() > 0 > red[12:, 12:].max()
    np.testing.assert_allclose(red, blue[::-1, ::-1], atol=1e-6)


def test_each_place_has_the_mean_of_the_squares_that_cover_it(tmp_path: Path) -> None:
    bundle = open_bundle(colour_bundle(tmp_path / "judge"))
    given = prepared(spots(), bundle)
    side, starts = 4, (0, 2, 4, 6, 8, 10, 12)
    mean = given.array.mean(axis=(1, 2))
    total, times = np.zeros((16, 16)), np.zeros((16, 16))

    def log_odds(array: np.ndarray) -> float:
        share = judged(Prepared(array, given.image, given.box), bundle)[RED].probability
        return float(np.log(share / (1 - share)))

    for row in starts:
        for column in starts:
            hidden = given.array.copy()
            hidden[:, row : row + side, column : column + side] = mean[:, None, None]
            total[row : row + side, column : column + side] += log_odds(given.array) - log_odds(hidden)
            times[row : row + side, column : column + side] += 1
    np.testing.assert_allclose(occlusion(given, bundle, RED), total / times, atol=1e-5)


def test_picture_of_one_colour_has_nothing_to_hide_and_its_map_no_colour(tmp_path: Path) -> None:
    bundle = open_bundle(colour_bundle(tmp_path / "judge"))
    given = prepared(np.full((30, 20, 3), 90, np.uint8), bundle)
    drops = occlusion(given, bundle, RED)
    np.testing.assert_allclose(drops, 0, atol=1e-6)
    rgb = occlusion_picture(given, np.zeros_like(drops), 60)
    assert rgb.shape == (60, 40, 3)
    np.testing.assert_array_equal(rgb, 90)


def test_filling_around_a_picture_is_no_part_of_the_map(tmp_path: Path) -> None:
    bundle = open_bundle(colour_bundle(tmp_path / "judge"))
    array = np.full((3, 16, 16), -1, np.float32)
    array[0, 4:12] = np.linspace(-1, 1, 16)
    drops = occlusion(Prepared(array, Image(np.zeros((1, 8, 16, 3), np.uint8), Geometry.of_picture()), (4, 0, 8, 16)), bundle, RED)
    assert drops.shape == (8, 16)
    assert drops[:, -2:].min() > 0 > drops[:, :2].max()
