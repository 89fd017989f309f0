"""Sliding windows: a network of fixed size on a volume of any size.

Windows overlap by half, and each counts by a Gaussian about its middle, where a network sees most of what it needs.
Source: Isensee et al., Nature Methods 18, 203 (2021), section "inference".
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import prod

import numpy as np
from tqdm import tqdm

from diaphane.core.arrays import FloatArray

Size = tuple[int, int, int]
SIGMA = 1 / 8
"""Of the Gaussian, as a share of the window's side."""
AT_ONCE = 2**18
"""Voxels that go into the network together, unless one window has more."""


def slide(array: FloatArray, size: Size, network: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """(class, k, j, i) float32 of ``array`` (channel, k, j, i): the weighted mean of what ``network`` says of the windows that see a voxel.

    ``network`` maps (batch, channel, *``size``) to (batch, class, *``size``). A volume smaller than the window is put into its
    middle and continued as at the edge.
    """
    lacking = [max(0, window - n) for window, n in zip(size, array.shape[1:], strict=True)]
    inside = [slice(n - n // 2, n - n // 2 + length) for n, length in zip(lacking, array.shape[1:], strict=True)]
    padded = np.pad(array, ((0, 0), *((n - n // 2, n // 2) for n in lacking)), mode="edge") if any(lacking) else array
    places = list(product(*(_shares(n, window).items() for n, window in zip(padded.shape[1:], size, strict=True))))
    out: FloatArray | None = None
    at_once = max(1, AT_ONCE // prod(size))
    for first in tqdm(range(0, len(places), at_once), desc="windows", leave=False, delay=2, disable=None):
        group = places[first : first + at_once]
        cuts = [tuple(slice(start, start + n) for (start, _), n in zip(place, size, strict=True)) for place in group]
        found = network(np.stack([padded[:, *cut] for cut in cuts]))
        out = np.zeros((found.shape[1], *padded.shape[1:]), np.float32) if out is None else out
        for place, cut, values in zip(group, cuts, found, strict=True):
            (_, slices), (_, rows), (_, columns) = place
            out[:, *cut] += values * (slices[:, None, None] * rows[:, None] * columns)
    return np.asarray(out)[:, *inside]


def _shares(length: int, window: int) -> dict[int, FloatArray]:
    """Where windows start along an axis, and how much each counts along itself: together 1 at every voxel."""
    count = 1 + -(-(length - window) // max(1, window // 2))
    starts = np.linspace(0, length - window, count).round().astype(int).tolist()
    bell = np.exp(-0.5 * ((np.arange(window) - (window - 1) / 2) / (SIGMA * window)) ** 2)
    total = np.zeros(length)
    for start in starts:
        total[start : start + window] += bell
    return {start: np.asarray(bell / total[start : start + window], np.float32) for start in starts}
