"""Rules: the grid on which the network sees its input, and its depth, which hang together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from diaphane.train.planner_check import LOWEST
from diaphane.train.planner_draft import Draft
from diaphane.train.planner_look import Overview
from diaphane.train.planner_network import Dimensions, Task, stride_of
from diaphane.train.recipe import NetworkTable

LARGE_SET, LARGE_PIXELS, SMALL_PIXELS = 300, 28_000, 65_536
"""From so many pictures on, each is shown at fewer pixels: 144x192 of dermoscopy, 256x256 of a hundred chest X-rays."""
WINDOW_VOXELS = 150_000
"""Of a window of a volume; up to 1.6 times as many where one window then holds the whole."""
ALIKE = 0.1
"""Spread of the aspect ratios, of their median, below which pictures are stretched to one size."""
ANISOTROPIC = 3.0
"""Slices so many times as thick as pixels are wide are an axis of their own. Source: Isensee et al., Nature Methods 18, 203 (2021), methods."""
LEAST = (1, 8, 8)
"""Slices, rows and columns of a window."""


@dataclass(frozen=True, slots=True)
class Depth:
    """What decides how deep a network may be."""

    table: NetworkTable
    task: Task
    dims: Dimensions
    fixed: bool
    """The size was given and has to be a multiple of the stride."""
    free: bool
    """The widths were not given: fewer of them may be taken."""


def target_points(draft: Draft, seen: Overview, dims: Dimensions) -> int:
    """How many pixels or voxels a sample should have."""
    if dims == 3:
        return WINDOW_VOXELS
    return LARGE_PIXELS if len(seen.items) >= LARGE_SET or draft.values["minutes"] < 5 else SMALL_PIXELS


def decide_picture(draft: Draft, seen: Overview, depth: Depth, pixels: float) -> NetworkTable:
    """``fit``, ``size``; the network as deep as that allows."""
    low, middle, high = np.percentile(seen.aspects, (5, 50, 95))
    apart = f"the middle nine tenths of the aspect ratios (width / height) lie between {low:.2f} and {high:.2f}"
    alike = (high - low) / middle < ALIKE
    draft.put("input.fit", "stretch" if alike else "pad", f"{apart}: " + ("stretching changes little" if alike else "stretching would deform"))
    draft.put("input.spacing_mm", (), "pictures have no known scale")
    shape = (seen.shape[1], seen.shape[1] * float(middle))
    zoom = min(1.0, math.sqrt(pixels / math.prod(shape)))
    target = tuple(draft.given("input.size") or (zoom * s for s in shape))
    table = deepest(depth, target)
    step = stride_of(table, depth.task, depth.dims)
    if not depth.fixed:
        counts = [math.ceil(t / n) if zoom == 1 else round(t / n) for t, n in zip(target, step, strict=True)]
        target = tuple(max(count, math.ceil(8 / n)) * n for count, n in zip(counts, step, strict=True))
    less = f"; brought to about {pixels:.0f} pixels, as there are {len(seen.items)} pictures" if zoom < 1 else ""
    why = f"{seen.shape[1]:.0f}x{seen.shape[2]:.0f} is the median{less}"
    draft.put("input.size", target, f"{why}; a multiple of {'x'.join(map(str, step))}")
    return table


def decide_windows(draft: Draft, seen: Overview, depth: Depth, voxels: float) -> NetworkTable:
    """``fit``, ``spacing_mm``, ``size`` of windows that slide over volumes; the network as deep as that allows."""
    draft.put("input.fit", "windows", f"volumes: {seen.shape[0]:.0f}x{seen.shape[1]:.0f}x{seen.shape[2]:.0f} voxels is the median")
    spacing = draft.put("input.spacing_mm", *_spacing(seen))
    shapes = np.array([np.multiply(f.shape, f.spacing) / spacing for f in seen.facts])
    shape = np.median(shapes, axis=0)
    flat = depth.dims == 2
    free = slice(1, 3) if flat else slice(0, 3)
    target = tuple(draft.given("input.size")[free]) if depth.fixed else _window(shape[free], spacing[free], voxels)
    if flat or depth.table.encoder != "plain" or depth.table.strides:
        table = deepest(depth, target)
    else:
        strides = pooling(target, spacing, len(depth.table.widths) - 1, depth)
        table = replace(depth.table, widths=depth.table.widths[: len(strides) + 1], strides=tuple(strides))
    step = stride_of(table, depth.task, depth.dims)
    whole = math.prod(target) == math.prod(shape[free])
    size = target if depth.fixed else tuple(_window_size(s, n, whole, least) for s, n, least in zip(target, step, LEAST[3 - len(step) :], strict=True))
    words = "x".join(f"{s:.0f}" for s in shape)
    why = "holds the whole median volume" if whole else f"about {voxels:.0f} {'pixels' if flat else 'voxels'} of it, as equal in mm as they can be"
    one = "one slice, as this network is for pictures; " if flat else ""
    draft.put("input.size", (1, *size) if flat else size, f"{one}{words} is the median at this spacing: {why}, in multiples of {'x'.join(map(str, step))}")
    return table


def deepest(depth: Depth, target: Sequence[float]) -> NetworkTable:
    """The network with as many widths as leave ``LOWEST`` points at its lowest resolution, two at least."""
    widths = depth.table.widths
    if not depth.free:
        return depth.table
    for count in range(len(widths), 1, -1):
        table = replace(depth.table, widths=widths[:count])
        stride = stride_of(table, depth.task, depth.dims)
        whole = not depth.fixed or all(t % s == 0 for t, s in zip(target, stride, strict=True))
        if whole and all(t / s >= LOWEST for t, s in zip(target, stride, strict=True)):
            return table
    return replace(depth.table, widths=widths[:2])


def pooling(size: Sequence[float], spacing: Sequence[float], most: int, depth: Depth) -> list[tuple[int, ...]]:
    """Strides from each resolution to the next: axes are halved while ``LOWEST`` points stay, a coarse one only once the others are as coarse.

    Source: Isensee et al., Nature Methods 18, 203 (2021), methods: axes within a factor of two of the finest.
    """
    strides: list[tuple[int, ...]] = []
    left, apart = np.array(size, float), np.array(spacing, float)
    while len(strides) < most:
        room = (left / 2 >= LOWEST) & ((left % 2 == 0) | (not depth.fixed))
        if not room.any() and depth.free:
            break
        room = room if room.any() else np.ones(len(left), bool)
        halved = room & (apart < 2 * apart[room].min())
        strides.append(tuple(2 if h else 1 for h in halved))
        left, apart = np.where(halved, left / 2, left), np.where(halved, apart * 2, apart)
    return strides or [(1,) * len(size)]


def _spacing(seen: Overview) -> tuple[tuple[float, ...], str]:
    """The median; the tenth percentile of thick slices, so that the thinner ones lose nothing."""
    every = np.array([f.spacing for f in seen.facts])
    middle = np.median(every, axis=0)
    worst = int(np.argmax(middle))
    others = np.delete(middle, worst).max()
    size = np.array(seen.shape) * seen.spacing / middle
    words = f"the median of {len(seen.facts)} volumes"
    if middle[worst] > ANISOTROPIC * others and size[worst] * ANISOTROPIC < np.delete(size, worst).min():
        middle[worst] = max(others, np.percentile(every[:, worst], 10))
        words += f", and the tenth percentile of {('slices', 'rows', 'columns')[worst]}, which are more than {ANISOTROPIC:.0f} times as coarse"
    return tuple(float(round(m, 6)) for m in middle), words


def _window(shape: Sequence[float], spacing: Sequence[float], voxels: float) -> tuple[float, ...]:
    """The part of ``shape`` that is nearest to a cube in mm and has at most ``voxels``; all of it where that is little more."""
    if math.prod(shape) <= voxels:
        return tuple(shape)
    edge = min(np.multiply(shape, spacing))
    while math.prod(_cube(shape, spacing, edge)) > voxels:
        edge /= 1.02
    while math.prod(_cube(shape, spacing, 1.02 * edge)) <= voxels:
        edge *= 1.02
    return _cube(shape, spacing, edge)


def _cube(shape: Sequence[float], spacing: Sequence[float], edge_mm: float) -> tuple[float, ...]:
    return tuple(min(s, edge_mm / mm) for s, mm in zip(shape, spacing, strict=True))


def _window_size(size: float, step: int, whole: bool, least: int) -> int:
    """The multiple of ``step`` at or above ``size`` if the window holds the whole, else at or below it; ``least`` pixels at least."""
    count = math.ceil(size / step - 1e-6) if whole else int(size / step + 1e-6)
    return max(count, math.ceil(least / step)) * step
