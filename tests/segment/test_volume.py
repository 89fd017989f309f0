"""Window by window gives what all classes at once would give; and says so before it would not fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from tests.networks import threshold_network, volume_recipe, write_made_bundle

from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.engine.bundle import Bundle, open_bundle
from diaphane.engine.options import Options as EngineOptions
from diaphane.engine.session import probabilities, running
from diaphane.engine.tiles import slide
from diaphane.errors import InputError
from diaphane.ops.orient import turned, turned_back
from diaphane.ops.resample import resample_volume
from diaphane.prepare import prepare
from diaphane.segment import Options, predict, volume
from diaphane.segment.files import read_labels, write_labels

SIZE, LEVELS = (8, 12, 10), (0.3, 0.5, 0.7)
LYING = Geometry(np.array([[0.0, -2, 0, 30], [0, 0, 1.5, -7], [-3, 0, 0, 50], [0, 0, 0, 1]]), calibrated=True)


def bundle_of(folder: Path, members: int, spacing: tuple[float, float, float] = (2.5, 1.7, 1.9)) -> Bundle:
    networks = [threshold_network((1, *SIZE), [level + 0.05 * n for level in LEVELS], gain=12) for n in range(members)]
    return open_bundle(write_made_bundle(folder, volume_recipe(SIZE, spacing, ("low", "middle", "high")), networks))


@pytest.fixture
def image(rng: np.random.Generator) -> Image:
    smooth = ndimage.gaussian_filter(rng.random((14, 22, 19)), 2)
    low, high = smooth.min(), smooth.max()
    return Image(((smooth - low) / (high - low)).astype(np.float32), LYING)


def textbook(image: Image, bundle: Bundle) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Labels, probability, uncertainty, disagreement by all classes of the whole volume at once."""
    shape = turned(image.array, image.geometry).shape
    array = prepare(image, bundle.recipe).array

    def on_grid(classes: np.ndarray) -> np.ndarray:
        return np.stack([turned_back(resample_volume(one, shape), image.geometry) for one in classes])

    def entropy(p: np.ndarray) -> np.ndarray:
        p = np.clip(p, 1e-7, 1)
        return np.asarray(-(p * np.log(p)).sum(axis=0) / np.log(len(p)))

    def own(windows: np.ndarray) -> np.ndarray:
        logits = [12 * (windows - (level + 0.05 * n)) for n in range(len(bundle.members)) for level in LEVELS]
        each = [np.concatenate([np.zeros_like(windows), *logits[3 * n : 3 * n + 3]], axis=1) for n in range(len(bundle.members))]
        soft = [np.exp(one) / np.exp(one).sum(axis=1, keepdims=True) for one in each]
        return np.mean([np.stack([entropy(sample)[None] for sample in one]) for one in soft], axis=0)

    found = on_grid(slide(array, SIZE, lambda windows: probabilities(bundle, windows)))
    labels = np.where(1 - found[0] >= 0.5, 1 + found[1:].argmax(axis=0), 0)
    return labels, 1 - found[0], entropy(found), entropy(found) - on_grid(slide(array, SIZE, own))[0]


@pytest.mark.parametrize("members", [1, 3])
def test_maps_are_those_of_all_classes_at_once(members: int, image: Image, tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path / "b", members)
    seen = predict(prepare(image, bundle.recipe), bundle, Options(smallest_part=0))
    labels, probability, uncertainty, disagreement = textbook(image, bundle)
    assert np.array_equal(seen.array, labels)
    assert set(np.unique(labels)) == {0, 1}  # the lowest level always wins
    assert seen.probability is not None
    assert seen.uncertainty is not None
    assert np.abs(seen.probability - probability).max() < 5e-4  # half precision
    assert np.abs(seen.uncertainty - uncertainty).max() < 5e-4
    if members == 1:
        assert seen.disagreement is None
    else:
        assert seen.disagreement is not None
        assert np.abs(seen.disagreement - disagreement).max() < 5e-4
        assert float(seen.disagreement.max()) > 0.01
        assert (seen.disagreement <= seen.uncertainty + 1e-3).all()


def test_disagreement_of_members_goes_into_its_own_file_and_comes_back(image: Image, tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path / "b", 2)
    seen = predict(prepare(image, bundle.recipe), bundle, Options())
    write_labels(seen, tmp_path / "out", "x", geometry=image.geometry)
    back = read_labels(tmp_path / "out", "x", bundle.recipe.labels, "made")
    assert back.disagreement is not None
    assert np.array_equal(back.disagreement, seen.disagreement)
    alone = predict(prepare(image, bundle.recipe), bundle, Options(members="first"))
    assert alone.disagreement is None
    assert (alone.array > 0).sum() > (seen.array > 0).sum()  # the second member's levels are higher


def test_volume_that_needs_more_memory_than_there_is_is_refused_before_a_window_is_looked_at(
    image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = bundle_of(tmp_path / "b", 1)
    prepared = prepare(image, bundle.recipe)
    monkeypatch.setattr(volume, "parts", lambda *_: pytest.fail("it looked"))
    with (
        running(EngineOptions(memory_mb=1)),
        pytest.raises(InputError, match="14 x 22 x 19 voxels with 4 classes needs .* limit of 1 MB .* are taken; crop it"),
    ):
        predict(prepared, bundle, Options())


def test_volume_of_numbers_that_are_not_and_smaller_than_a_window_gives_numbers(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path / "b", 1, (3.0, 2.0, 1.5))
    array = np.full((2, 3, 2), np.nan, np.float32)
    array[0, 0, 0], array[1, 2, 1] = 0.0, 1.0
    seen = predict(prepare(Image(array, LYING), bundle.recipe), bundle, Options(smallest_part=0))
    assert seen.array.tolist() == (array == 1).astype(int).tolist()
    assert seen.probability is not None
    assert np.isfinite(seen.probability).all()
    with pytest.raises(InputError, match="made: no voxel holds a finite number"):
        prepare(Image(np.full((2, 3, 2), np.nan, np.float32), LYING, "made"), bundle.recipe)
