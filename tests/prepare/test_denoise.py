from __future__ import annotations

import sys
from itertools import product

import numpy as np
import pytest
from scipy import ndimage

from diaphane.errors import InputError, UsageError
from diaphane.prepare.bias_field import without_bias_field
from diaphane.prepare.denoise import FILTERS, noise


def noisy(rng: np.random.Generator, *, is_volume: bool, sigma: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """Two plain halves, clean and with noise."""
    clean = np.full((12, 24, 32) if is_volume else (48, 64, 3), 0.3, np.float32)
    clean[:, : clean.shape[1] // 2] = 0.7
    return clean, (clean + sigma * rng.normal(size=clean.shape)).astype(np.float32)


@pytest.mark.parametrize("is_volume", [False, True])
@pytest.mark.parametrize("sigma", [0.01, 0.1])
def test_noise_is_measured_beside_a_border(is_volume: bool, sigma: float, rng: np.random.Generator) -> None:
    assert noise(noisy(rng, is_volume=is_volume, sigma=sigma)[1], is_volume=is_volume) == pytest.approx(sigma, rel=0.1)


@pytest.mark.parametrize("is_volume", [False, True])
@pytest.mark.parametrize("kind", ["median", "nonlocal", "bilateral"])
def test_noise_falls_to_half_and_the_border_stays(kind: str, is_volume: bool, rng: np.random.Generator) -> None:
    clean, array = noisy(rng, is_volume=is_volume)
    before = array.copy()
    out = FILTERS[kind](array, 1.0, is_volume=is_volume)
    assert out.dtype == np.float32
    assert out.shape == array.shape
    assert np.array_equal(array, before)
    assert np.sqrt(np.mean((out - clean) ** 2)) < 0.033
    middle = clean.shape[1] // 2
    assert abs(float(out[:, middle - 1].mean() - out[:, middle].mean())) > 0.3


@pytest.mark.parametrize("is_volume", [False, True])
def test_median_is_that_of_scipy(is_volume: bool, rng: np.random.Generator) -> None:
    _, array = noisy(rng, is_volume=is_volume)
    expected = ndimage.median_filter(array, 3 if is_volume else (3, 3, 1), mode="nearest")
    assert np.array_equal(FILTERS["median"](array, 1.0, is_volume=is_volume), expected)


def test_bilateral_of_a_volume_is_the_weighted_mean_of_its_neighbours(rng: np.random.Generator) -> None:
    _, array = noisy(rng, is_volume=True)
    sigma = 2 * 1.5 * noise(array, is_volume=True)
    around = np.pad(array, 1, mode="edge").astype(np.float64)
    found = FILTERS["bilateral"](array, 1.5, is_volume=True)
    for place in ((0, 0, 0), (5, 11, 13), (11, 23, 31), (6, 12, 0)):
        near = [(around[tuple(np.add(place, step))], sum((s - 1) ** 2 for s in step)) for step in product(range(3), repeat=3)]
        weights = [np.exp(-(((v - array[place]) / sigma) ** 2) / 2 - d / 2) for v, d in near]
        assert found[place] == pytest.approx(np.average([v for v, _ in near], weights=weights), abs=1e-5)


@pytest.mark.parametrize("kind", ["none", "median", "nonlocal", "bilateral"])
@pytest.mark.parametrize("shape", [(1, 9, 10), (9, 10, 1), (9, 10, 3)])
def test_plain_images_and_single_slices_stay_as_they_are(kind: str, shape: tuple[int, ...]) -> None:
    plain = np.full(shape, 0.25, np.float32)
    assert np.allclose(FILTERS[kind](plain, 1.0, is_volume=shape[0] == 1), plain)


@pytest.mark.parametrize("kind", ["median", "nonlocal", "bilateral"])
@pytest.mark.parametrize("shape", [(1, 24, 30), (24, 30, 1)])
def test_single_slices_and_grey_pictures_lose_noise_too(kind: str, shape: tuple[int, ...], rng: np.random.Generator) -> None:
    out = FILTERS[kind](rng.normal(5, 1, shape).astype(np.float32), 1.0, is_volume=shape[0] == 1)
    assert out.shape == shape
    assert out.std() < 0.7


def test_n4_takes_a_slow_gain_out(rng: np.random.Generator) -> None:
    sitk = pytest.importorskip("SimpleITK", reason="needs the extra 'n4'")
    k, j, i = np.meshgrid(*(np.linspace(-1, 1, n) for n in (12, 24, 24)), indexing="ij")
    tissue = np.where(k**2 + j**2 + i**2 < 0.9, np.where(j**2 + i**2 < 0.2, 160.0, 100.0), 2.0)
    seen = (tissue * np.exp(0.4 * i + 0.2 * j) + rng.normal(size=k.shape)).clip(0).astype(np.float32)
    out = without_bias_field(seen)
    spread = [float(a[tissue == 100].std() / a[tissue == 100].mean()) for a in (seen, out)]
    assert spread[1] < spread[0] / 3
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(3)
    assert out.tobytes() == without_bias_field(seen).tobytes(), "whatever the number of threads"
    assert sitk.ProcessObject.GetGlobalDefaultNumberOfThreads() == 3
    assert without_bias_field(seen[:1]).shape == (1, 24, 24)
    assert np.array_equal(without_bias_field(np.full((4, 8, 8), 3, np.float32)), np.full((4, 8, 8), 3))
    with pytest.raises(InputError, match="values are 0 or more, got -1"):
        without_bias_field(seen - seen.min() - 1)


def test_missing_simpleitk_says_which_extra_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    with pytest.raises(UsageError, match=r'pip install "diaphane\[n4\]"'):
        without_bias_field(np.ones((2, 8, 8), np.float32))
