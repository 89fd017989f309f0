"""The highest mean intensity in a ball of 1 cm3. Source: IBSI reference manual, section 3.2 (local intensity); Frings et al., Radiology 273, 200 (2014).

The centre of a ball lies in the region, what it holds need not; beyond the image there is nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diaphane.core.arrays import Array, BoolArray, FloatArray, IntArray
from diaphane.measure.aggregate import Aggregated
from diaphane.measure.sample import RADIUS_MM, Sample, reach

CODES = {"local_peak": "VJGA", "global_peak": "0F91"}
"""Around the voxels of the highest intensity, and around any."""
MOST = 1 << 21
"""Voxels of the smallest box around a ball; with more of them a region takes minutes."""
TILE = 1 << 15
"""Voxels of a slice at a time."""
Span = tuple[int, int]
Run = tuple[int, Span]
"""Of a ball in one slice: the row, and its first and last voxel there, all from its centre."""


@dataclass(frozen=True, slots=True)
class Ball:
    """The voxels of a ball."""

    reach: tuple[int, int, int]
    """Voxels from its centre along k, j, i."""
    discs: dict[tuple[Run, ...], list[int]]
    """What it holds of a slice, and in which slices it holds that."""


def features(sample: Sample) -> Aggregated:
    """Both peaks."""
    why = sample.no_value or _no_ball(sample)
    if why:
        return Aggregated("", dict.fromkeys(CODES, math.nan), dict.fromkeys(CODES, why))
    return Aggregated("", dict(zip(CODES, peaks(sample), strict=True)), {})


def _no_ball(sample: Sample) -> str:
    """Why there are no means."""
    size = math.prod(2 * n + 1 for n in _reach(sample))
    if size > MOST:
        return f"the box of a ball of 1 cm3 has {size} voxels, more than {MOST}"
    wrong = sum(int(np.count_nonzero(~np.isfinite(plane))) for plane in sample.around) if sample.around.dtype.kind == "f" else 0
    return f"voxels within {RADIUS_MM:.1f} mm of the region's box that are not finite numbers: {wrong}" if wrong else ""


def _reach(sample: Sample) -> tuple[int, int, int]:
    """No further than the image goes."""
    k, j, i = (min(r, n - 1) for r, n in zip(reach(sample.matrix, RADIUS_MM), sample.around.shape, strict=True))
    return k, j, i


def ball_of(matrix: FloatArray, far: tuple[int, int, int]) -> Ball:
    """What lies within RADIUS_MM of a voxel, and not further than ``far`` along each axis."""
    discs: dict[tuple[Run, ...], list[int]] = {}
    j, i = np.ix_(*[np.arange(-n, n + 1) for n in far[1:]])
    for k in range(-far[0], far[0] + 1):
        inside = sum((row[0] * k + row[1] * j + row[2] * i) ** 2 for row in matrix) <= RADIUS_MM**2
        runs = [(int(n) - far[1], np.flatnonzero(inside[n]) - far[2]) for n in np.flatnonzero(inside.any(axis=1))]
        if runs:
            discs.setdefault(tuple((row, (int(voxels[0]), int(voxels[-1]))) for row, voxels in runs), []).append(k)
    return Ball(far, discs)


def peaks(sample: Sample) -> tuple[float, float]:
    """The highest mean around a voxel of the highest intensity, and around any voxel."""
    top, local, best = sample.inside.max(), -math.inf, -math.inf
    for values, means in _means(sample):
        local = max(local, float(means.max(where=values == top, initial=-math.inf)))
        best = max(best, float(means.max()))
    return local, best


def _means(sample: Sample) -> Iterator[tuple[Array, FloatArray]]:
    """(n,) intensities of some voxels of the region, and the means around them."""
    ball = ball_of(sample.matrix, _reach(sample))
    numbers, (of_slice, of_row, of_column) = _numbers(sample, ball)
    largest = max(-float(sample.around.min()), float(sample.around.max())) * math.prod(2 * n + 1 for n in ball.reach)
    dtype = np.int32 if sample.around.dtype.kind in "iub" and largest < np.iinfo(np.int32).max else np.float64
    thick = max(1, TILE // sample.mask.shape[2])
    for begin in range(0, sample.mask.shape[1], thick):
        rows = slice(begin, begin + thick)
        place = (sample.place[0], sample.place[1] + begin, sample.place[2])
        for k, total in totals(sample.around, place, sample.mask[:, rows], ball, dtype):
            some = sample.mask[k, rows]
            yield sample.values[k, rows][some], total[some] / numbers[of_slice[k]][np.ix_(of_row[rows], of_column)][some]


def _numbers(sample: Sample, ball: Ball) -> tuple[IntArray, list[IntArray]]:
    """How many voxels a ball holds, of the fewest places in an image that differ in it, and which of these each voxel's place along k, j, i is."""
    places, sizes = [], []
    for first, count, size, far in zip(sample.place, sample.mask.shape, sample.around.shape, ball.reach, strict=True):
        place = np.arange(first, first + count)
        spare = max(0, size - 2 * far - 1)  # in the middle all are alike
        places.append(np.maximum(np.minimum(place, far), place - spare))
        sizes.append(size - spare)
    ones = np.ones(sizes, bool)
    return np.array([total for _, total in totals(ones, (0, 0, 0), ones, ball, np.int32)]), places


def totals(around: Array, place: tuple[int, ...], mask: BoolArray, ball: Ball, dtype: type[np.generic]) -> Iterator[tuple[int, Array]]:
    """Number and sums (row, column) of each slice that holds a voxel of ``mask``: of ``around`` in the ball about each voxel of the box that ``mask`` fills.

    ``place``: where the box begins. A ball is a stack of discs and a disc one of runs; alike discs and runs are summed once.
    """
    depth, *plane = mask.shape
    wanted = [bool(part.any()) for part in mask]
    found: dict[int, Array] = {}
    for k in range(-ball.reach[0], depth + ball.reach[0]):
        if 0 <= place[0] + k < len(around):
            runs = _runs(around[place[0] + k], place[1:], plane, ball, dtype)
            for disc, away in ball.discs.items():
                centres = [k - n for n in away if 0 <= k - n < depth and wanted[k - n]]
                if centres:
                    _add(runs, disc, ball.reach[1], [found.setdefault(n, np.zeros(plane, dtype)) for n in centres])
        done = k - ball.reach[0]
        if done >= 0 and wanted[done]:
            yield done, found.pop(done)


def _runs(plane: Array, place: tuple[int, ...], size: list[int], ball: Ball, dtype: type[np.generic]) -> dict[Span, Array]:
    """By first and last voxel from the centre, the sums along each row of a box in ``plane``, and of the rows that a ball reaches above and below it."""
    (_, up, left), spans = ball.reach, {span for disc in ball.discs for _, span in disc}
    sums = np.zeros((size[0] + 2 * up, size[1] + 2 * left + 1), dtype)
    top, side = place[0] - up, place[1] - left
    there = plane[max(0, top) : top + len(sums), max(0, side) : side + sums.shape[1] - 1]
    row, column = max(0, -top), max(0, -side) + 1
    sums[row : row + there.shape[0], column : column + there.shape[1]] = there
    np.cumsum(sums, axis=1, out=sums)
    return {(a, b): sums[:, left + b + 1 : left + b + 1 + size[1]] - sums[:, left + a : left + a + size[1]] for a, b in spans}


def _add(runs: dict[Span, Array], disc: tuple[Run, ...], up: int, sums: list[Array]) -> None:
    """A disc onto each of ``sums``; ``runs`` have ``up`` more rows above and below."""
    total, *more = (runs[span][up + row : up + row + len(sums[0])] for row, span in disc)
    total = total.copy()
    for run in more:
        total += run
    for one in sums:
        np.add(one, total, out=one)
