"""A volume, window by window: what is finished becomes labels at once, so that all classes of it never exist together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import NamedTuple

import numpy as np

from diaphane.core.arrays import Array, FloatArray, IntArray
from diaphane.core.prepared import Prepared
from diaphane.engine.looks import Looks, surprise
from diaphane.engine.memory import check
from diaphane.engine.session import memory_limit
from diaphane.engine.tiles import Size, held_bytes, parts
from diaphane.errors import BundleError
from diaphane.ops.orient import turned
from diaphane.ops.resample import Axis, resample_part

CLEANED = 11
"""Bytes a voxel that removing specks takes at most: measured where a structure is nothing but specks."""


Rule = float | tuple[float, ...]
"""When a voxel is a structure. A number: from this probability of all structures together on it is the most probable one. One of each structure:
from that on it is this structure, of several the last."""


class Maps(NamedTuple):
    """What is seen, [k, j, i] on the source grid."""

    labels: IntArray
    probability: FloatArray
    """That it is any structure; of volumes in half precision, as the two that follow."""
    uncertainty: FloatArray
    disagreement: FloatArray | None = None
    """Of several looks."""


def in_volume(prepared: Prepared, looks: Looks, rule: Rule, overlap: float) -> Maps:
    """What ``looks`` say of a volume on the image's own grid; specks are still there.

    Class by class onto the source grid, a part of the volume at a time, and from there into the maps.

    Raises:
        InputError: It needs more memory than there is.
    """
    recipe = looks.networks[0].recipe
    if recipe.input is None:
        raise BundleError(f"{recipe.name}: has no network")
    size = _size(recipe.input.size)
    grid, geometry = prepared.array.shape[1:], prepared.image.geometry
    axes = [Axis.between(n, m) for n, m in zip(grid, turned(_stand_in(prepared), geometry).shape, strict=True)]
    needs = [(axis.first, axis.end) for axis in axes]
    kinds = [np.dtype(np.uint8 if recipe.classes <= 256 else np.uint16), *[np.dtype(np.float16)] * (2 + looks.several)]
    _check_memory(prepared, recipe.classes, held_bytes(grid, size, looks.channels, overlap, needs), sum(kind.itemsize for kind in kinds))
    maps = [np.zeros(prepared.image.shape, kind) for kind in kinds]
    views = [turned(one, geometry) for one in maps]

    def seen(windows: FloatArray) -> FloatArray:
        return looks(windows) if size[0] > 1 else looks(windows[:, :, 0])[:, :, None]

    for part in parts(prepared.array, size, seen, overlap, needs):
        classes = (resample_part(one, axes, part.source, part.target) for one in part.values)
        for view, values in zip(views, _reduced(classes, recipe.classes, rule), strict=True):
            view[part.target] = values
    return Maps(maps[0], *maps[1:])


def _reduced(channels: Iterator[FloatArray], count: int, rule: Rule) -> Sequence[Array]:
    """Labels, probability of any structure, entropy and, where the ``count`` classes are followed by the looks' own entropy, what it leaves of that."""
    background = next(channels)
    structures = 1 - background
    doubt = surprise(background)
    best, labels = np.zeros_like(structures), np.zeros(structures.shape, np.uint8 if count <= 256 else np.uint16)
    for value in range(1, count):
        probability = next(channels)
        labels[(probability > best) if isinstance(rule, float) else (probability >= rule[value - 1])] = value
        np.maximum(best, probability, out=best)
        doubt += surprise(probability)
    if isinstance(rule, float):
        labels[structures < rule] = 0
    doubt /= np.float32(np.log(count))
    return [labels, structures, doubt, *(np.maximum(doubt - own, 0) for own in channels)]


def _check_memory(prepared: Prepared, classes: int, windows: int, each: int) -> None:
    """Before anything is allocated."""
    voxels = prod(prepared.image.shape)
    k, j, i = prepared.image.shape
    what = f"{prepared.image.name or 'the volume'}: to segment {k} x {j} x {i} voxels with {classes} classes"
    advice = "crop it, lower --overlap, raise --memory-mb where it was set, or take a machine with more"
    check(max(windows, CLEANED * voxels) + each * voxels, memory_limit(), what, advice)


def _stand_in(prepared: Prepared) -> Array:
    """An array of the image's shape that takes no memory."""
    return np.broadcast_to(np.zeros((), np.uint8), prepared.image.shape)


def _size(size: Sequence[int]) -> Size:
    slices, rows, columns = size
    return slices, rows, columns
