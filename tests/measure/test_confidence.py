from __future__ import annotations

import numpy as np
import pytest

from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.core.recipe import LabelRecipe
from diaphane.measure import Options, extract

TABLE = (LabelRecipe(value=1, name="spot"),)
MEANS = ["mean_probability", "mean_uncertainty", "mean_disagreement"]


@pytest.mark.parametrize("slices", [1, 6])
def test_each_region_has_the_mean_of_the_maps_inside_it(slices: int, rng: np.random.Generator) -> None:
    array = np.zeros((slices, 20, 20), np.uint8)
    array[:, 2:5, 3:9] = array[:, 11:17, 10:18] = 1
    maps = [rng.random(array.shape).astype(np.float16) for _ in MEANS]
    image = Image(rng.integers(0, 255, array.shape).astype(np.uint8), Geometry(calibrated=True))
    regions = extract(image, Labels(array, TABLE, maps[0], maps[1], "net", maps[2]), Options())
    places = [np.s_[:, 11:17, 10:18], np.s_[:, 2:5, 3:9]]  # the larger one first
    for region, place in zip(regions, places, strict=True):
        assert [region.value(name) for name in MEANS] == pytest.approx([float(m[place].astype(np.float64).mean()) for m in maps], abs=1e-12)


def test_what_a_person_drew_has_no_confidence_and_one_look_no_disagreement() -> None:
    array = np.ones((1, 8, 8), np.uint8)
    image = Image(np.arange(64, dtype=np.uint8).reshape(1, 8, 8))
    (drawn,), (seen,) = (extract(image, Labels(array, TABLE, *maps), Options()) for maps in ((), (array / 2, array / 4)))
    assert [drawn.feature(name) for name in MEANS] == [None] * 3
    assert [seen.value(name) for name in MEANS[:2]] == [0.5, 0.25]
    assert seen.feature(MEANS[2]) is None
