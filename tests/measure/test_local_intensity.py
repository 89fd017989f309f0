"""Peaks against the mean of what lies in a ball, voxel by voxel."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from tests.measure.volumes import by_key, geometry, labels_of, measured

from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.measure import Configuration, grid, radiomics, regions_of
from diaphane.measure.local_intensity import ball_of
from diaphane.measure.sample import RADIUS_MM, reach, sample_of

PEAKS = Configuration(families=("local_intensity",))


def slow(image: np.ndarray, mask: np.ndarray, matrix: np.ndarray) -> tuple[float, float]:
    """Around the brightest voxels of the region, and around any."""
    places = np.stack(np.meshgrid(*map(np.arange, image.shape), indexing="ij"), axis=-1) @ matrix.T
    means = {tuple(p): image[np.linalg.norm(places - places[tuple(p)], axis=-1) <= RADIUS_MM].mean() for p in np.argwhere(mask)}
    return max(m for p, m in means.items() if image[p] == image[mask].max()), max(means.values())


def peaks(image: np.ndarray, mask: np.ndarray, place: Geometry, c: Configuration = PEAKS) -> tuple[float, float]:
    """Local and global."""
    (region,) = regions_of(labels_of(mask))
    local, best = radiomics.features(Image(image, place), region, c, "HU")
    assert (local.name, local.unit, best.name, best.ibsi_code) == ("local_peak", "HU", "global_peak", "0F91")
    return local.value, best.value


@pytest.mark.parametrize("spacing", [(1, 1, 1), (5, 2, 3), (9, 1.5, 1.5), (7, 7, 7)])
@pytest.mark.parametrize("kind", [np.int16, np.uint8, np.float32, np.int64])
def test_peaks_are_means_in_a_ball_wherever_the_region_lies(spacing: tuple[float, float, float], kind: type, rng: np.random.Generator) -> None:
    image = (rng.integers(0, 12, (7, 15, 13)) * 10).astype(kind)  # of several brightest voxels the one with the highest mean counts
    image[:4] //= 2
    if kind is np.int64:
        image *= 10**12
    for part in (np.s_[:], np.s_[:2, :3, :2], np.s_[3:5, 6:9, 4:8], np.s_[4:, 9:, 10:]):
        mask = np.zeros(image.shape, bool)
        mask[part] = rng.random(mask[part].shape) < 0.3
        place = geometry(spacing)
        assert peaks(image, mask, place) == pytest.approx(slow(image, mask, place.affine[:3, :3]), rel=1e-12)


def test_ball_in_a_sheared_volume_is_a_ball_in_space(rng: np.random.Generator) -> None:
    image, mask = rng.normal(50, 20, (6, 9, 10)).astype(np.float32), rng.random((6, 9, 10)) < 0.5
    affine = np.eye(4)
    affine[:3, :3] = [[0.2, 0.1, 2], [1.5, 2.5, -0.3], [4, 0.4, 0.1]]
    assert peaks(image, mask, Geometry(affine, calibrated=True)) == pytest.approx(slow(image, mask, affine[:3, :3]), rel=1e-6)
    ball = ball_of(affine[:3, :3], reach(affine[:3, :3], RADIUS_MM))
    centre = np.stack(np.meshgrid(*[np.arange(-9, 10)] * 3, indexing="ij"), axis=-1)
    wanted = int((np.linalg.norm(centre @ affine[:3, :3].T, axis=-1) <= RADIUS_MM).sum())
    assert sum(len(away) * (b - a + 1) for disc, away in ball.discs.items() for _, (a, b) in disc) == wanted
    assert wanted * abs(np.linalg.det(affine[:3, :3])) == pytest.approx(1000, rel=0.1)


def test_region_wider_than_a_tile_is_measured_as_one_within(rng: np.random.Generator) -> None:
    image = rng.integers(0, 1000, (2, 400, 300)).astype(np.int16)
    image[0, 300:310, 100:120] += 900
    mask = np.ones(image.shape, bool)
    small = np.zeros_like(mask)
    small[:, 280:330, 80:140] = True
    assert peaks(image, mask, geometry())[1] == peaks(image, small, geometry())[1]


@pytest.mark.parametrize("interpolation", ["linear", "cubic"])
def test_new_grid_goes_on_around_the_region(interpolation: str, rng: np.random.Generator) -> None:
    image, mask = rng.normal(100, 30, (9, 20, 18)).astype(np.float32), np.zeros((9, 20, 18), bool)
    mask[3:5, 8:11, 7:12] = True
    c = replace(PEAKS, resample_mm=2.5, interpolation=interpolation)  # type: ignore[arg-type]
    (everything,) = regions_of(labels_of(np.ones(image.shape)))
    new = sample_of(Image(image, geometry((4, 1, 2))), everything, c).values
    axes = [grid.axis_of(n, s, 2.5, (0, n), centred=True) for n, s in zip(image.shape, (4, 1, 2), strict=True)]
    where = grid.mask_on(mask, tuple((0, n) for n in mask.shape), mask.shape, (axes[0], axes[1], axes[2]), 1)
    assert peaks(image, mask, geometry((4, 1, 2)), c) == pytest.approx(slow(new, where, np.eye(3) * 2.5), rel=1e-6)


def test_re_segmentation_moves_centres_and_not_what_is_around_them() -> None:
    image = np.full((9, 9, 9), 10, np.int16)
    image[4, 4, 4], image[4, 4, 5] = 500, 90
    number = sum(len(away) * (b - a + 1) for disc, away in ball_of(2 * np.eye(3), (3, 3, 3)).discs.items() for _, (a, b) in disc)
    (region,) = measured(image, image > 50, replace(PEAKS, highest=100), (2, 2, 2))
    assert region.value("local_peak") == pytest.approx(10 + (490 + 80) / number)


def test_peaks_that_do_not_exist_say_why(rng: np.random.Generator) -> None:
    image, mask = rng.random((5, 30, 30)).astype(np.float32), np.zeros((5, 30, 30))
    mask[2, 3:6, 3:6] = 1
    image[0, 20, 20] = math.nan
    far = by_key(measured(image, mask, PEAKS)[0])
    assert math.isfinite(far["local_intensity", "local_peak", ""].value), "no ball holds it"
    image[2, 8, 8] = math.inf
    near = by_key(measured(image, mask, PEAKS)[0])["local_intensity", "global_peak", ""]
    assert near.nan_reason == "voxels within 6.2 mm of the region's box that are not finite numbers: 1"
    (picture,) = regions_of(labels_of(np.ones((1, 9, 9))))
    (local, _) = radiomics.features(Image(np.ones((1, 9, 9), np.uint8)), picture, PEAKS, "1")
    assert local.nan_reason == "the size of a pixel in mm is not known"


def test_ball_of_too_many_voxels_is_a_reason() -> None:
    mask = np.zeros((70, 70, 70), bool)
    mask[35, 35, 35] = True
    (region,) = measured(mask.astype(np.uint8), mask, PEAKS, (0.05, 0.05, 0.05))
    assert by_key(region)["local_intensity", "local_peak", ""].nan_reason == "the box of a ball of 1 cm3 has 2685619 voxels, more than 2097152"
