from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis.extra import numpy as hnp

from diaphane.core.image import Image
from diaphane.core.recipe import Fingerprint, Kind
from diaphane.ops.components import components, filled
from diaphane.ops.fingerprint import descriptors, distance
from diaphane.ops.overlap import dice, jaccard
from diaphane.ops.paint import colours, overlay, with_legend
from diaphane.ops.picture import png_bytes, read_png, to_rgb, write_png
from diaphane.ops.resample import resample

masks = hnp.arrays(bool, (7, 9))


def flood(mask: np.ndarray, start: tuple[int, int], steps: list[tuple[int, int]]) -> set[tuple[int, int]]:
    """Slow and obvious."""
    seen, todo = {start}, [start]
    while todo:
        y, x = todo.pop()
        for dy, dx in steps:
            n = (y + dy, x + dx)
            if 0 <= n[0] < mask.shape[0] and 0 <= n[1] < mask.shape[1] and mask[n] and n not in seen:
                seen.add(n)
                todo.append(n)
    return seen


EIGHT = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if (a, b) != (0, 0)]
FOUR = [(-1, 0), (1, 0), (0, -1), (0, 1)]


@given(masks)
def test_components_equal_flood_fill(mask: np.ndarray) -> None:
    parts = components(mask)
    assert [int(p.sum()) for p in parts] == sorted((int(p.sum()) for p in parts), reverse=True)
    assert np.array_equal(np.any(parts, axis=0) if parts else np.zeros_like(mask), mask)
    for part in parts:
        inside = {(int(y), int(x)) for y, x in zip(*np.nonzero(part), strict=True)}
        assert flood(mask, next(iter(inside)), EIGHT) == inside


@given(masks)
def test_filled_adds_only_background_that_cannot_reach_the_border(mask: np.ndarray) -> None:
    free = np.pad(~mask, 1, constant_values=True)
    outside = flood(free, (0, 0), FOUR)
    expected = np.array([[(y + 1, x + 1) not in outside for x in range(9)] for y in range(7)])
    assert np.array_equal(filled(mask), expected)


@given(masks, masks)
def test_overlap_is_symmetric_and_dice_follows_from_jaccard(a: np.ndarray, b: np.ndarray) -> None:
    assert dice(a, b) == dice(b, a)
    assert jaccard(a, b) == jaccard(b, a)
    j = jaccard(a, b)
    assert abs(dice(a, b) - 2 * j / (1 + j)) < 1e-12


def test_overlap_of_empty_masks_is_one_and_of_one_empty_mask_zero() -> None:
    none, some = np.zeros((3, 3), bool), np.eye(3, dtype=bool)
    assert (dice(none, none), jaccard(none, none), dice(none, some), jaccard(some, none)) == (1, 1, 0, 0)


def test_resample_keeps_the_mean_when_it_shrinks_and_the_type(rng: np.random.Generator) -> None:
    array = rng.integers(0, 256, (64, 96, 3), dtype=np.uint8)
    small = resample(array, 16, 24)
    assert small.dtype == np.uint8
    assert np.allclose(small, array.reshape(16, 4, 24, 4, 3).mean(axis=(1, 3)), atol=0.5)
    assert resample(array, 64, 96) is array
    assert resample(array[..., :1], 16, 24).shape == (16, 24, 1)


def test_png_gives_exact_pixels_back(rng: np.random.Generator, tmp_path) -> None:
    for array in (rng.integers(0, 256, (5, 7, 3), dtype=np.uint8), rng.integers(0, 60000, (5, 7)).astype(np.uint16)):
        write_png(tmp_path / "deep" / "x.png", array)
        assert np.array_equal(read_png(tmp_path / "deep" / "x.png"), array)
    assert png_bytes(array) == png_bytes(array)
    assert to_rgb(np.array([[65535, 0]], np.uint16)).tolist() == [[[255] * 3, [0] * 3]]


def test_overlay_paints_the_border_of_a_label_and_leaves_far_pixels_alone() -> None:
    labels = np.zeros((40, 40), np.uint8)
    labels[10:30, 10:30] = 1
    picture = np.full((40, 40), 100, np.uint8)
    (colour,) = colours(1, "viridis")
    drawn = overlay(picture, labels, {1: colour})
    assert (drawn[0:6] == 100).all()
    assert np.abs(drawn[10, 20].astype(int) - colour).max() < 60
    assert (overlay(picture, labels, {2: colour}) == 100).all()
    assert colours(1, "jet") != colours(1, "viridis")
    assert colours(0, "jet") == []
    assert with_legend(drawn, [("lesion", colour)], "40 px").shape[0] > 40


def test_fingerprint_distance_is_the_mahalanobis_distance(rng: np.random.Generator) -> None:
    image = Image(rng.integers(0, 256, (1, 50, 60, 3), dtype=np.uint8))
    d = descriptors(image)
    assert np.isfinite(d).all()
    same = Fingerprint(d, (Kind(0.0, d, np.eye(len(d))),), 1.0)
    shifted = Fingerprint(d, (Kind(-7.0, d - np.eye(len(d))[0] * 3, np.eye(len(d)) * 4),), 1.0)
    assert distance(image, same) == 0
    assert abs(distance(image, shifted) - 6) < 1e-9


def test_fingerprint_of_a_larger_copy_is_nearly_the_same(rng: np.random.Generator) -> None:
    small = resample(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8), 128, 128)
    large = np.repeat(np.repeat(small, 2, axis=0), 2, axis=1)
    assert np.allclose(descriptors(Image(small[None])), descriptors(Image(large[None])), rtol=0.02, atol=1)
