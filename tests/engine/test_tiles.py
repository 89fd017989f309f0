from __future__ import annotations

import numpy as np
import pytest

from diaphane.engine.tiles import slide


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
