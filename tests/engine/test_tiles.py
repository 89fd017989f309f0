from __future__ import annotations

import math
import tracemalloc
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diaphane.engine import tiles
from diaphane.engine.tiles import held_bytes, parts, slide
from diaphane.ops.resample import Axis, resample_part, resample_volume


@pytest.mark.parametrize("shape", [(8, 8, 8), (20, 9, 31), (3, 5, 7), (4, 40, 8), (1, 1, 1)])
def test_what_a_network_says_of_voxels_comes_back_at_their_places(shape: tuple[int, int, int], rng: np.random.Generator) -> None:
    array = rng.normal(size=(1, *shape)).astype(np.float32)
    out = slide(array, (8, 8, 8), lambda windows: np.concatenate([windows, -2 * windows], axis=1))
    assert out.shape == (2, *shape)
    assert out.dtype == np.float32
    assert np.allclose(out, np.concatenate([array, -2 * array]), atol=1e-5)


def test_windows_cover_each_voxel_by_half_overlap_and_count_by_a_gaussian() -> None:
    seen: list[np.ndarray] = []

    def which(windows: np.ndarray) -> np.ndarray:
        found = np.stack([np.full((1, *w.shape[1:]), len(seen) + n, np.float32) for n, w in enumerate(windows)])
        seen.extend(windows)
        return found

    line = np.arange(24, dtype=np.float32).reshape(1, 1, 1, 24)
    out = slide(line, (1, 1, 8), which)[0, 0, 0]
    starts = [int(w[0, 0, 0, 0]) for w in seen]
    assert starts == [0, 4, 8, 12, 16]
    bell = {start: np.exp(-0.5 * (np.arange(8) - 3.5) ** 2) for start in starts}  # sigma: an eighth of the window
    for x in range(24):
        near = [(n, bell[start][x - start]) for n, start in enumerate(starts) if 0 <= x - start < 8]
        assert out[x] == pytest.approx(sum(n * w for n, w in near) / sum(w for _, w in near), abs=1e-5)


def test_volume_smaller_than_the_window_lies_in_its_middle_and_goes_on_as_at_its_edge() -> None:
    seen: list[np.ndarray] = []

    def keep(windows: np.ndarray) -> np.ndarray:
        seen.append(windows)
        return windows

    slide(np.arange(1.0, 4.0, dtype=np.float32).reshape(1, 1, 1, 3), (1, 2, 8), keep)
    assert seen[0][0, 0, 0].tolist() == [[1, 1, 1, 1, 2, 3, 3, 3]] * 2


sizes = st.tuples(st.sampled_from([1, 4, 7]), st.sampled_from([5, 8]), st.sampled_from([6, 9]))
shapes = st.tuples(st.integers(1, 12), st.integers(1, 20), st.integers(1, 20))


@settings(max_examples=20, deadline=None)
@given(shapes, shapes, sizes, st.sampled_from([0.0, 0.3, 0.5, 0.75]))
def test_parts_on_another_grid_are_what_the_whole_would_be_there(
    shape: tuple[int, int, int], target: tuple[int, int, int], size: tuple[int, int, int], overlap: float
) -> None:
    rng = np.random.default_rng(sum(shape))
    array, pattern = rng.random((1, *shape)).astype(np.float32), rng.random((2, *size)).astype(np.float32)

    def network(windows: np.ndarray) -> np.ndarray:
        return windows * pattern  # each place in the window says something else

    whole = naive(array, size, network, overlap)
    assert np.allclose(slide(array, size, network, overlap), whole, atol=1e-5)
    axes = [Axis.between(n, m) for n, m in zip(shape, target, strict=True)]
    out, times = np.zeros((2, *target)), np.zeros(target, int)
    for part in parts(array, size, network, overlap, [(a.first, a.end) for a in axes]):
        times[part.target] += 1
        for channel, values in enumerate(part.values):
            out[channel][part.target] = resample_part(values, axes, part.source, part.target)
    assert (times == 1).all()
    assert np.allclose(out, [resample_volume(one, target) for one in whole], atol=1e-5)


def naive(array: np.ndarray, size: tuple[int, int, int], network: Callable[[np.ndarray], np.ndarray], overlap: float) -> np.ndarray:
    """Weighted sum over weights, both for the whole volume."""
    lacking = [max(0, window - n) for window, n in zip(size, array.shape[1:], strict=True)]
    padded = np.pad(array, ((0, 0), *((n - n // 2, n // 2) for n in lacking)), mode="edge")
    bells = [np.exp(-0.5 * ((np.arange(w) - (w - 1) / 2) / (w / 8)) ** 2) for w in size]
    bell = bells[0][:, None, None] * bells[1][:, None] * bells[2]
    starts = []
    for n, w in zip(padded.shape[1:], size, strict=True):
        count = 1 + math.ceil((n - w) / max(1, int(w * (1 - overlap))))
        starts.append(np.linspace(0, n - w, count).round().astype(int))
    total, weights = 0.0, np.zeros(padded.shape[1:])
    for place in product(*starts):
        cut = tuple(slice(s, s + w) for s, w in zip(place, size, strict=True))
        found = network(padded[None, :, *cut])[0]
        total = np.zeros((len(found), *padded.shape[1:])) if isinstance(total, float) else total
        total[:, *cut] += found * bell
        weights[cut] += bell
    inside = tuple(slice(n - n // 2, n - n // 2 + length) for n, length in zip(lacking, array.shape[1:], strict=True))
    return np.asarray((total / weights)[:, *inside])


@pytest.mark.parametrize(("shape", "size", "share"), [((64, 32, 32), (8, 10, 8), 0.35), ((32, 64, 32), (8, 10, 8), 0.35), ((30, 50, 50), (1, 20, 20), 0.2)])
def test_class_maps_of_a_volume_never_exist_whole_and_the_memory_is_known_before(
    shape: tuple[int, int, int], size: tuple[int, int, int], share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiles, "AT_ONCE", 1)  # a window at a time, for these volumes are small
    channels = 20
    array = np.zeros((1, *shape), np.float32)
    needs = [(a.first, a.end) for a in (Axis.between(n, n + n // 3) for n in shape)]
    foreseen = held_bytes(shape, size, channels, needs=needs)
    tracemalloc.start()
    try:
        for _ in parts(array, size, lambda windows: np.repeat(windows, channels, axis=1), needs=needs):
            pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= 1.05 * foreseen
    assert foreseen <= 1.6 * peak  # no idle warning
    assert peak < share * 4 * channels * np.prod(shape)


def test_less_overlap_means_fewer_windows() -> None:
    def count(overlap: float) -> int:
        seen: list[int] = []
        slide(np.zeros((1, 32, 32, 32), np.float32), (8, 8, 8), lambda w: (seen.append(len(w)), w)[1], overlap)
        return sum(seen)

    assert [count(overlap) for overlap in (0.0, 0.5, 0.75)] == [4**3, 7**3, 13**3]
