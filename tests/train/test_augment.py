"""Augmentation: drawn from the seed, applied as the formula says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diaphane.core.arrays import FloatArray, IntArray
from diaphane.train.augment import Drawn, apply, draw
from diaphane.train.losses import IGNORE
from diaphane.train.recipe import AugmentTable

STILL = AugmentTable(
    flip=(False, False, False), rotation_deg=0, rotation_out_deg=0, scale=0, shift=0, gain=0, offset=0, gamma=0, noise=0, blur=0
)  # fmt: skip
FULL = AugmentTable(
    flip=(True, True, True), rotation_deg=40, rotation_out_deg=20, scale=0.3, shift=0.1, gain=0.3, offset=0.2, gamma=0.4, noise=0.1, blur=1.0
)  # fmt: skip
MOVING = replace(FULL, gain=0, offset=0, gamma=0, noise=0, blur=0)
SIZES = pytest.mark.parametrize("size", [(1, 20, 26), (12, 16, 14)])


def item(shape: tuple[int, int, int], channels: int = 1) -> tuple[FloatArray, IntArray]:
    """Smooth waves, and labels 0-2 of them."""
    k, j, i = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    wave = np.sin(0.21 * k + 1) + np.cos(0.17 * j) + np.sin(0.13 * i)
    x = np.stack([wave + c for c in range(channels)]).astype(np.float16)
    return x, np.digitize(wave, [0.3, 1.2]).astype(np.uint8)


def source(drawn: Drawn, voxel: tuple[int, ...], start: tuple[int, int, int], size: tuple[int, int, int]) -> FloatArray:
    """Where a voxel of the window comes from, number by number."""
    out = []
    for a in range(3):
        moved = sum(drawn.linear[a][b] * (voxel[b] - (size[b] - 1) / 2) for b in range(3))
        out.append(start[a] + (size[a] - 1) / 2 + drawn.shift[a] + moved)
    return np.array(out)


def linear_between(x: FloatArray, at: FloatArray) -> float:
    """Between the eight (in a picture four) voxels around, each weighted by its nearness."""
    low = np.floor(at).astype(int)
    total = 0.0
    for corner in np.ndindex(2, 2, 2):
        weight = np.prod([f if c else 1 - f for c, f in zip(corner, at - low, strict=True)])
        total += weight * float(x[tuple(np.clip(low + corner, 0, np.array(x.shape) - 1))]) if weight else 0.0
    return total


@SIZES
def test_every_voxel_comes_from_where_the_formula_says(size: tuple[int, int, int], rng: np.random.Generator) -> None:
    shape = (1, 40, 50) if size[0] == 1 else (30, 40, 36)
    start = (0, 9, 11) if size[0] == 1 else (8, 11, 10)
    x, y = item(shape, channels=2)
    drawn = draw(MOVING, size, 2, rng)
    moved, labels = apply(drawn, x, y, start, size)
    assert moved.shape == (2, *size)
    assert labels is not None
    compared = 0
    for voxel in map(tuple, rng.integers(0, size, (300, 3)).tolist()):
        at = source(drawn, voxel, start, size)
        if (at < 0).any() or (at > np.array(shape) - 1).any():
            continue
        assert moved[(1, *voxel)] == pytest.approx(linear_between(x[1], at), abs=0.02)  # cv2 weighs by 32nds of a pixel
        near = np.round(at).astype(int)
        if np.abs(at - near).max() < 0.45:
            assert labels[voxel] == y[tuple(near)]
        compared += 1
    assert compared > 200


@SIZES
@pytest.mark.parametrize("start", [(0, 3, 5), (0, 0, 0), (0, 14, 10)])
def test_no_augmentation_is_the_crop_to_the_bit(size: tuple[int, int, int], start: tuple[int, int, int], rng: np.random.Generator) -> None:
    x, y = item((1, 34, 36) if size[0] == 1 else (12, 30, 24))
    window = tuple(slice(s, s + n) for s, n in zip(start, size, strict=True))
    moved, labels = apply(draw(STILL, size, 1, rng), x, y, start, size)
    assert moved.dtype == np.float32
    assert np.array_equal(moved, x[(slice(None), *window)].astype(np.float32))
    assert np.array_equal(labels, y[window])


@pytest.mark.parametrize(("size", "axis"), [((1, 20, 26), 1), ((1, 20, 26), 2), ((12, 16, 14), 0), ((12, 16, 14), 1), ((12, 16, 14), 2)])
def test_flip_along_each_axis_to_the_bit(size: tuple[int, int, int], axis: int) -> None:
    x, y = item(size)
    flips = tuple(n == axis for n in range(3))
    seen = set()
    for seed in range(12):
        drawn = draw(replace(STILL, flip=flips), size, 1, np.random.default_rng(seed))
        moved, labels = apply(drawn, x, y, (0, 0, 0), size)
        flipped = drawn.linear[axis][axis] < 0
        seen.add(flipped)
        assert np.array_equal(moved[0], np.flip(x[0], axis) if flipped else x[0])
        assert np.array_equal(labels, np.flip(y, axis) if flipped else y)
    assert seen == {True, False}


def test_picture_is_never_turned_out_of_its_plane(rng: np.random.Generator) -> None:
    linear = np.array(draw(MOVING, (1, 20, 26), 1, rng).linear)
    assert np.array_equal(linear[0], [1, 0, 0])
    assert np.array_equal(linear[:, 0], [1, 0, 0])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), flat=st.booleans())
def test_labels_move_with_the_image_and_none_is_invented(seed: int, flat: bool) -> None:
    size, shape = ((1, 20, 26), (1, 40, 50)) if flat else ((10, 14, 12), (24, 30, 28))
    rng = np.random.default_rng(seed)
    y = np.zeros(shape, np.uint8)
    y[:, 8:25, 8:25] = rng.choice([2, 5])
    moved, labels = apply(draw(MOVING, size, 1, rng), y[None].astype(np.float16), y, (0 if flat else 5, 8, 8), size)
    assert labels is not None
    assert set(np.unique(labels)) <= set(np.unique(y)) | (set() if flat else {IGNORE})
    value, known = y.max(), labels != IGNORE
    sure = known & (np.abs(moved[0] / value - 0.5) > 0.45)
    assert np.array_equal(moved[0][sure] > value / 2, labels[sure] > 0)


def test_outside_of_a_volume_teaches_nothing_and_outside_of_a_picture_is_its_reflection(rng: np.random.Generator) -> None:
    x, y = item((8, 10, 9))
    moved, labels = apply(draw(STILL, (12, 14, 13), 1, rng), x, y, (-2, -2, -2), (12, 14, 13))
    assert labels is not None
    assert np.array_equal(moved, np.pad(x, ((0, 0), (2, 2), (2, 2), (2, 2)), mode="edge"))
    assert np.array_equal(labels, np.pad(y, 2, constant_values=IGNORE))
    for size, picture in (((1, 14, 13), True), ((1, 14, 13), False)):
        a, b = (x[:, :1], y[:1]) if picture else (x, y)
        moved, labels = apply(draw(STILL, size, 1, rng), a, b, (0, -2, -2), size)
        assert labels is not None
        assert np.array_equal(moved[0, 0], np.pad(x[0, 0], 2, mode="reflect" if picture else "edge"))
        expected = np.pad(y[0], 2, mode="reflect") if picture else np.pad(y[0], 2, constant_values=IGNORE)
        assert np.array_equal(labels[0], expected)


@SIZES
def test_unknown_pixels_stay_unknown(size: tuple[int, int, int], rng: np.random.Generator) -> None:
    x, y = item(size)
    y[:] = IGNORE
    _, labels = apply(draw(FULL, size, 1, rng), x, y, (0, 0, 0), size)
    assert labels is not None
    assert (labels == IGNORE).all()


@SIZES
def test_same_seed_gives_the_same_picture_and_another_another(size: tuple[int, int, int]) -> None:
    x, y = item(size, channels=3)
    a, b, c = (apply(draw(FULL, size, 3, np.random.default_rng(seed)), x, y, (0, 0, 0), size)[0] for seed in (1, 1, 2))
    assert np.array_equal(a, b)
    assert not np.allclose(a, c)


def test_contrast_brightness_and_gamma_are_what_was_drawn(rng: np.random.Generator) -> None:
    size = (1, 20, 26)
    x, y = item(size, channels=2)
    drawn = replace(draw(STILL, size, 2, rng), gain=(1.2, 0.9), offset=(0.1, -0.3), gamma=1.5)
    moved, _ = apply(drawn, x, y, (0, 0, 0), size)
    plain = x.astype(np.float64)
    low, high = plain.min(), plain.max()
    bent = ((plain - low) / (high - low)) ** 1.5 * (high - low) + low
    assert moved == pytest.approx(bent * np.array([1.2, 0.9])[:, None, None, None] + np.array([0.1, -0.3])[:, None, None, None], abs=1e-5)


def test_noise_has_its_deviation_and_blur_takes_it_away(rng: np.random.Generator) -> None:
    size = (24, 30, 26)
    flat = np.zeros((1, *size), np.float16)
    still = draw(STILL, size, 1, rng)
    noisy, _ = apply(replace(still, noise=0.5, noise_seed=7), flat, None, (0, 0, 0), size)
    assert noisy.std() == pytest.approx(0.5, rel=0.05)
    smooth, _ = apply(replace(still, blur=1.0), noisy, None, (0, 0, 0), size)
    assert smooth.std() == pytest.approx(0.5 / (4 * np.pi) ** 0.75, rel=0.1)  # of white noise under a Gaussian of sigma 1 in three dimensions


def test_draws_stay_within_the_table(rng: np.random.Generator) -> None:
    drawn = [draw(FULL, (12, 16, 14), 1, rng) for _ in range(300)]
    zooms = np.array([abs(np.linalg.det(d.linear)) ** (1 / 3) for d in drawn])
    assert zooms.max() <= 1.3 + 1e-9
    assert zooms.min() >= 1 / 1.3 - 1e-9
    assert all(abs(s) <= 0.1 * n for d in drawn for s, n in zip(d.shift, (12, 16, 14), strict=True))
    assert 0.15 < np.mean([d.blur > 0 for d in drawn]) < 0.35
    assert {np.sign(np.linalg.det(d.linear)) for d in drawn} == {-1, 1}
    assert all(1 / 1.4 <= d.gamma <= 1.4 and 0 <= d.noise <= 0.1 and 0.7 <= d.gain[0] <= 1.3 for d in drawn)
