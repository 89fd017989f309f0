"""Sliding windows: a network of fixed size on a volume of any size, in two or three dimensions; nothing is kept longer than it is needed.

Windows overlap, and each counts by a Gaussian about its middle, where a network sees most of what it needs. They walk along one axis
of the volume; only what a later window still adds to is held. What is finished is handed out part by part, so that a class map of the
whole volume never exists. Source of the weights: Isensee et al., Nature Methods 18, 203 (2021), section "inference".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, permutations, product
from math import prod

import numpy as np
from tqdm import tqdm

from diaphane.core.arrays import FloatArray, IntArray

Size = tuple[int, int, int]
Box = tuple[slice, slice, slice]
Need = tuple[IntArray, IntArray]
"""For each place along an axis of the target grid, the first voxel of the network's grid that it is made from, and the one after the last; both rise."""
SIGMA = 1 / 8
"""Of the Gaussian, as a share of the window's side."""
AT_ONCE = 2**17
"""Voxels that go into the network together, unless one window has more."""
TEMPORARIES = 4
"""Arrays of the size of what the network says that exist at once while probabilities are made of it."""


@dataclass(frozen=True, slots=True)
class Part:
    """A finished part of what windows say of a volume."""

    target: Box
    """Where it lies on the target grid; together the parts are all of it, and none overlaps another."""
    source: Box
    """Where its values lie on the network's grid."""
    values: FloatArray
    """(channel, k, j, i), float32; of the iteration's own memory: read it before the next part is asked for."""


@dataclass(frozen=True, slots=True)
class _Step:
    """A place of windows along one axis of the grid, which is at least as long as a window."""

    start: int
    share: FloatArray
    """How much the window counts along this axis: all windows together 1 at every voxel."""
    done: int
    """No later window adds to what lies before."""
    target: slice
    """What of the target grid can now be made, and not before."""
    source: slice
    """What it is made from."""
    keep: int
    """What lies before is needed no more."""


def slide(array: FloatArray, size: Size, network: Callable[[FloatArray], FloatArray], overlap: float = 0.5) -> FloatArray:
    """(class, k, j, i) float32 of ``array`` (channel, k, j, i): the weighted mean of what ``network`` says of the windows that see a voxel.

    For small volumes: all classes exist at once. See ``parts`` for the rest.
    """
    out: FloatArray | None = None
    for part in parts(array, size, network, overlap):
        out = np.empty((len(part.values), *array.shape[1:]), np.float32) if out is None else out
        out[:, *part.target] = part.values
    return np.asarray(out)


def parts(
    array: FloatArray, size: Size, network: Callable[[FloatArray], FloatArray], overlap: float = 0.5, needs: Sequence[Need] | None = None
) -> Iterator[Part]:
    """What windows say of ``array`` (channel, k, j, i), part by part: the weighted mean of those that see a voxel.

    ``network`` maps (batch, channel, *``size``) to (batch, class, *``size``). Windows overlap by the share ``overlap`` at least. A volume
    smaller than the window is put into its middle and continued as at the edge. ``needs`` says of each axis what the places of the target
    grid are made from; without it that is the network's grid.
    """
    needs = needs or [(np.arange(n), np.arange(n) + 1) for n in array.shape[1:]]
    shape, before = _padding(array.shape[1:], size)
    around = [(b, whole - n - b) for b, whole, n in zip(before, shape, array.shape[1:], strict=True)]
    padded = np.pad(array, ((0, 0), *around), mode="edge") if shape != array.shape[1:] else array
    steps = _all_steps(shape, size, overlap, needs, before)
    order = _order(shape, size, steps)
    said = _said(padded.transpose(0, *(1 + n for n in order)), [steps[n] for n in order], order, network, max(1, AT_ONCE // prod(size)))
    for target, source, values in _blended(said, [steps[n] for n in order], tuple(size[n] for n in order), order):
        back = np.argsort(order)
        k, j, i = (target[n] for n in back)
        z, y, x = (slice(source[n].start - b, source[n].stop - b) for n, b in zip(back, before, strict=True))
        yield Part((k, j, i), (z, y, x), values.transpose(0, *(1 + back)))


def held_bytes(shape: Sequence[int], size: Size, channels: int, overlap: float = 0.5, needs: Sequence[Need] | None = None) -> int:
    """How much memory ``parts`` takes at its peak beside the volume, where the network gives ``channels`` numbers a voxel; told without taking it."""
    needs = needs or [(np.arange(n), np.arange(n) + 1) for n in shape]
    whole, before = _padding(shape, size)
    steps = _all_steps(whole, size, overlap, needs, before)
    floats = _floats(_order(whole, size, steps), whole, size, steps) + TEMPORARIES * prod(size) * max(1, AT_ONCE // prod(size))
    return 4 * channels * floats + (4 * prod(whole) if whole != tuple(shape) else 0)


def _padding(shape: Sequence[int], size: Size) -> tuple[Size, Size]:
    """The shape that holds a window, and how much of it lies before the volume along each axis."""
    k, j, i = (max(n, window) for n, window in zip(shape, size, strict=True))
    lacking = [max(0, window - n) for n, window in zip(shape, size, strict=True)]
    z, y, x = (n - n // 2 for n in lacking)
    return (k, j, i), (z, y, x)


def _all_steps(shape: Size, size: Size, overlap: float, needs: Sequence[Need], before: Size) -> list[tuple[_Step, ...]]:
    return [_steps(n, window, overlap, (first + b, end + b)) for n, window, (first, end), b in zip(shape, size, needs, before, strict=True)]


def _steps(length: int, window: int, overlap: float, need: Need) -> tuple[_Step, ...]:
    """Where windows start along an axis, and what becomes of it."""
    count = 1 + -(-(length - window) // max(1, int(window * (1 - overlap))))
    starts = np.linspace(0, length - window, count).round().astype(int).tolist()
    bell = np.exp(-0.5 * ((np.arange(window) - (window - 1) / 2) / (SIGMA * window)) ** 2)
    total = np.zeros(length)
    for start in starts:
        total[start : start + window] += bell
    first, end = need
    steps: list[_Step] = []
    for start, done in zip(starts, [*starts[1:], length], strict=True):
        begun = steps[-1].target.stop if steps else 0
        made = int(np.searchsorted(end, done, side="right"))
        source = slice(int(first[begun]), int(end[made - 1])) if made > begun else slice(done, done)
        keep = min(done, int(first[made])) if made < len(first) else done
        share = np.asarray(bell / total[start : start + window], np.float32)
        steps.append(_Step(start, share, done, slice(begun, made), source, keep))
    return tuple(steps)


def _order(shape: Size, size: Size, steps: Sequence[Sequence[_Step]]) -> Size:
    """The axes in the order in which windows walk, the last fastest: the one that needs least memory."""
    orders = [(0, 1, 2), *permutations(range(3))]
    best = min(orders, key=lambda order: _floats(order, shape, size, steps))
    return best[0], best[1], best[2]


def _floats(order: Sequence[int], shape: Size, size: Size, steps: Sequence[Sequence[_Step]]) -> int:
    """A channel's numbers that are held at once: the carry, the line that windows are added to, the block that is being finished, and with it its halo."""
    first, second, third = order
    span, rows = _span(steps[first], size[first]), max(step.done - step.start for step in steps[second])
    halo = max(step.done - step.keep for step in steps[second])
    strip = 2 * (rows + halo) * max(step.source.stop - step.source.start for step in steps[first]) if halo else 0
    return shape[third] * (span * shape[second] + size[first] * size[second] + _depth(steps[first], size[first]) * rows + strip)


def _span(steps: Sequence[_Step], window: int) -> int:
    """Voxels along the axis that are still needed once a step is done, at most."""
    return max([0, *(step.start + window - step.keep for step in steps[:-1])])


def _depth(steps: Sequence[_Step], window: int) -> int:
    """Voxels along the axis that a step adds to or finishes, at most."""
    bases = [0, *(step.keep for step in steps[:-1])]
    return max(step.start + window - base for step, base in zip(steps, bases, strict=True))


def _said(
    array: FloatArray, steps: Sequence[tuple[_Step, ...]], order: Sequence[int], network: Callable[[FloatArray], FloatArray], at_once: int
) -> Iterator[FloatArray]:
    """(channel, …) of window after window, its axes in the ``order`` in which they are walked, as those of ``array`` are."""
    back = [1 + n for n in np.argsort(order)]
    sides = [len(axis[0].share) for axis in steps]
    places = product(*steps)
    with tqdm(total=prod(map(len, steps)), desc="windows", leave=False, delay=2, disable=None) as progress:
        while group := list(islice(places, at_once)):
            cuts = [tuple(slice(step.start, step.start + n) for step, n in zip(place, sides, strict=True)) for place in group]
            found = network(np.stack([array[:, *cut].transpose(0, *back) for cut in cuts]))
            yield from (one.transpose(0, *(1 + n for n in order)) for one in found)
            progress.update(len(group))


def _blended(
    said: Iterator[FloatArray], steps: Sequence[tuple[_Step, ...]], size: Sequence[int], order: Sequence[int]
) -> Iterator[tuple[list[slice], list[slice], FloatArray]]:
    """Targets, sources and values of what is finished, with the axes in the order in which they are walked."""
    slabs, rows, columns = steps
    length, width = rows[-1].done, columns[-1].done
    opening = next(said)
    said, channels = chain([opening], said), len(opening)
    carry = _zeros((channels, _span(slabs, size[0]), length, width), order)
    line = _zeros((channels, size[0], size[1], width), order)
    space = _zeros((channels, _depth(slabs, size[0]), max(row.done - row.start for row in rows), width), order)
    sources = [column.source for column in columns if column.target.stop > column.target.start]
    whole_row = slice(0, columns[-1].target.stop), slice(sources[0].start, sources[-1].stop)
    base, held = 0, 0
    for slab in slabs:
        halo = _Halo()
        for row in rows:
            for column in columns:
                _add(next(said), slab.share[:, None, None] * (row.share[:, None] * column.share), line[..., column.start : column.start + size[2]])
            block = space[:, : slab.start + size[0] - base, : row.done - row.start]
            _finish(line, carry[:, :, row.start : row.done], block, (held, slab.start - base, slab.keep - base))
            if slab.target.stop > slab.target.start:
                found = halo.with_rows(block[:, slab.source.start - base : slab.source.stop - base], row)
                if row.target.stop > row.target.start:
                    yield [slab.target, row.target, whole_row[0]], [slab.source, row.source, whole_row[1]], found[..., whole_row[1]]
        base, held = slab.keep, slab.start + size[0] - slab.keep


class _Halo:
    """Rows that what comes after them is made from as well."""

    def __init__(self) -> None:
        self._rows: FloatArray | None = None
        self._start = 0

    def with_rows(self, block: FloatArray, row: _Step) -> FloatArray:
        """What the target of ``row`` is made from, where ``block`` brings the rows that are finished with it."""
        start = row.start
        if self._rows is not None:
            block, start = np.concatenate([self._rows, block], axis=2), self._start
        self._start = row.keep
        self._rows = block[:, :, row.keep - start :].copy() if row.keep < row.done else None
        return block[:, :, row.source.start - start : row.source.stop - start]


def _add(found: FloatArray, weight: FloatArray, line: FloatArray) -> None:
    """``found`` times ``weight`` to ``line``; channel by channel, as here and below: one fits into the processor's cache, all do not."""
    laid, weighted = np.empty_like(found[0]), np.empty_like(found[0])  # in memory as ``found`` lies
    laid[:] = weight
    for one, there in zip(found, line, strict=True):
        np.add(there, np.multiply(one, laid, out=weighted), out=there)


def _finish(line: FloatArray, carry: FloatArray, block: FloatArray, places: tuple[int, int, int]) -> None:
    """The first rows of ``line`` go with what is carried into ``block``, and what is still needed of that into ``carry``; the other rows move up.

    ``places`` in ``block`` along its first axis: where the carried part ends, where the line begins, where the part to carry begins.
    """
    held, begin, keep = places
    rows, rest = block.shape[2], line.shape[2] - block.shape[2]
    for one, carried, finished in zip(line, carry, block, strict=True):
        finished[:held] = carried[:held]
        finished[held:] = 0
        finished[begin:] += one[:, :rows]
        carried[: len(finished) - keep] = finished[keep:]
        one[:, :rest] = one[:, rows:]
        one[:, rest:] = 0


def _zeros(shape: Sequence[int], order: Sequence[int]) -> FloatArray:
    """Zeros whose axes run in ``order`` and whose memory lies as the volume's does: what is added to them is read and written in one direction."""
    back = np.argsort(order)
    native = np.zeros((shape[0], *(shape[1 + n] for n in back)), np.float32)
    return native.transpose(0, *(1 + n for n in order))
