from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest
from tests.networks import threshold_network, volume_recipe, write_made_bundle

from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.engine.bundle import Bundle, open_bundle
from diaphane.ops.overlap import dice
from diaphane.prepare import prepare
from diaphane.segment import Options, predict
from diaphane.segment.cleanup import cleaned_volume
from diaphane.segment.gate import input_verdict, likeness

OBLIQUE = np.linalg.qr(np.array([[1.0, 0.1, -0.2], [-0.15, 1.0, 0.1], [0.1, -0.05, 1.0]]))[0]
BLOBS_MM = np.array([[-6.0, 4.0, 7.0], [7.0, -5.0, -6.0]])
RADIUS_MM = 5.0


def made_bundle(folder: Path, size: tuple[int, ...], spacing: tuple[float, ...], **more: float) -> Bundle:
    shape = (1, *(size if size[0] > 1 else size[1:]))
    return open_bundle(write_made_bundle(folder, volume_recipe(size, spacing, **more), [threshold_network(shape, [0.5])]))


def blobs(order: tuple[int, ...], flips: tuple[int, ...], spacing: tuple[float, float, float]) -> Image:
    """Two Gaussian blobs that reach 0.5 at ``RADIUS_MM``; array axis n runs along the oblique patient axis ``order[n]``."""
    columns = (OBLIQUE * np.sign(np.diag(OBLIQUE)))[:, list(order)] * np.array(spacing) * np.array(flips)
    shape = np.array([round(40 / s) for s in spacing])
    affine = np.eye(4)
    affine[:3, :3] = columns
    affine[:3, 3] = -columns @ ((shape - 1) / 2)
    geometry = Geometry(affine, calibrated=True)
    world = geometry.to_world(np.moveaxis(np.indices(tuple(shape)), 0, -1).astype(float))
    away = np.linalg.norm(world[..., None, :] - BLOBS_MM, axis=-1)
    return Image(np.exp2(-((away / RADIUS_MM) ** 2)).max(axis=-1).astype(np.float32), geometry)


@pytest.mark.parametrize(("size", "step"), [((16, 16, 16), 5), ((1, 64, 64), 17)])
def test_blobs_come_back_within_half_a_voxel_however_the_volume_is_stored(size: tuple[int, ...], step: int, tmp_path: Path) -> None:
    bundle = made_bundle(tmp_path / "b", size, (2.0, 1.5, 1.5))
    for order, flips in list(product(permutations(range(3)), product((1, -1), repeat=3)))[::step]:
        image = blobs(order, flips, (1.0, 1.3, 2.5))
        labels = predict(prepare(image, bundle.recipe), bundle, Options())
        assert labels.array.shape == image.shape
        assert dice(labels.array > 0, image.array > 0.5) > 0.9
        found = image.geometry.to_world(np.argwhere(labels.array > 0).astype(float))
        for place in BLOBS_MM:
            middle = found[np.linalg.norm(found - place, axis=1) < 2 * RADIUS_MM].mean(axis=0)
            assert (np.abs(image.geometry.to_index(middle) - image.geometry.to_index(place)) < 0.5).all()


def test_on_the_network_s_own_grid_each_voxel_has_the_network_s_word(tmp_path: Path, rng: np.random.Generator) -> None:
    networks = [threshold_network((1, 8, 8, 8), [0.2, 0.6], gain=4)]
    bundle = open_bundle(write_made_bundle(tmp_path / "b", volume_recipe((8, 8, 8), (1, 1, 1), ("low", "high")), networks))
    x = rng.random((9, 12, 20)).astype(np.float32)
    geometry = Geometry(np.array([[0, 0, 1.0, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]]), calibrated=True)
    labels = predict(prepare(Image(x, geometry), bundle.recipe), bundle, Options(threshold=0.6, smallest_part=0))
    soft = np.exp(np.stack([np.zeros_like(x), 4 * (x - 0.2), 4 * (x - 0.6)]))
    soft /= soft.sum(axis=0)
    assert np.array_equal(labels.array, np.where(1 - soft[0] >= 0.6, 1, 0))
    own = replace(bundle, recipe=replace(bundle.recipe, thresholds=(0.5, 0.12)))
    wanted = np.where(soft[2] >= 0.12, 2, np.where(soft[1] >= 0.5, 1, 0))
    assert np.array_equal(predict(prepare(Image(x, geometry), bundle.recipe), own, Options(smallest_part=0)).array, wanted)
    assert set(np.unique(wanted)) == {0, 1, 2}
    assert labels.probability is not None
    assert labels.uncertainty is not None
    assert np.allclose(labels.probability, 1 - soft[0], atol=3e-4)  # half precision
    assert np.allclose(labels.uncertainty, -(soft * np.log(soft)).sum(axis=0) / np.log(3), atol=3e-4)


def test_specks_of_a_volume_go_and_what_a_structure_encloses_stays() -> None:
    labels = np.zeros((9, 9, 9), np.uint8)
    labels[1:6, 1:6, 1:6] = 1
    labels[3, 3, 3] = 0
    labels[6, 6, 6] = 1  # hangs on by a corner
    labels[8, 8, 8] = 1
    labels[0, 0, 0] = 2
    out = cleaned_volume(labels, 0.1)
    expected = labels.copy()
    expected[8, 8, 8] = 0
    assert np.array_equal(out, expected)
    assert np.array_equal(cleaned_volume(labels, 0), labels)


def test_bundle_of_volumes_refuses_a_picture_and_the_other_way_round(tmp_path: Path) -> None:
    volumes, pictures = made_bundle(tmp_path / "b", (8, 8, 8), (1, 1, 1)), open_bundle("skin_lesion")
    picture, volume = Image(np.zeros((1, 64, 64), np.uint8), name="p"), Image(np.zeros((9, 64, 64), np.int16), name="v")
    for image, bundle, reason in ((picture, volumes, "a picture; the bundle 'made' takes volumes"), (volume, pictures, "a volume; .* takes pictures")):
        verdict = input_verdict(image, bundle)
        assert verdict.verdict == "refused"
        assert verdict.reason.startswith(reason.split(";")[0])
        assert reason.split("takes ")[1] in verdict.reason
        assert likeness(image, bundle) == np.inf
    assert "was not checked" in input_verdict(volume, volumes).reason
