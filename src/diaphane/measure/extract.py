"""The verb: from labels to regions with features."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from diaphane.core.arrays import BoolArray
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.core.region import Feature, Region
from diaphane.errors import InputError
from diaphane.measure import colour, glcm, intensity, shape
from diaphane.measure.options import Options
from diaphane.measure.view import View, view_of
from diaphane.ops.components import components

FAMILIES: dict[str, Callable[[View, Options], list[Feature]]] = {
    "intensity": intensity.features,
    "colour": colour.features,
    "glcm": glcm.features,
}
"""Families that look at pixels; shape looks at the mask alone and is taken on the source grid."""


def extract(image: Image, labels: Labels, options: Options) -> tuple[Region, ...]:
    """Every region of ``labels`` with its features.

    Each connected part of a lesion is a region; an organ is one region, however many parts it has. A feature that
    does not exist (texture of one pixel, colour of a grey picture) is NaN with a reason, or absent where the whole
    family does not apply.

    Raises:
        InputError: The labels lie on another grid, or the image is a volume.
    """
    if labels.array.shape != image.shape:
        raise InputError(f"the mask has {labels.array.shape} pixels, the image {image.shape}; they must lie on one grid")
    regions = regions_of(labels)
    structures = [labels.mask(value)[0] for value in range(1, len(labels.table) + 1)]
    anything = labels.array[0] > 0
    measured = tuple(replace(r, features=tuple(_features(image, r, anything, options))) for r in regions)
    return shape.with_side_ratios(measured, structures, labels.table)


def regions_of(labels: Labels) -> tuple[Region, ...]:
    """The regions, not yet measured: structures in the order of their values, parts by falling size.

    Raises:
        InputError: The labels are those of a volume.
    """
    if labels.array.shape[0] != 1:
        raise InputError(f"regions of a picture were asked for, got labels of {labels.array.shape[0]} slices")
    found: list[Region] = []
    for structure in labels.table:
        mask = labels.mask(structure.value)[0]
        parts = components(mask) if structure.role == "lesion" else [mask] if mask.any() else []
        for part in parts:
            box = ((0, 1), *_box(part))
            inside = part[box[1][0] : box[1][1], box[2][0] : box[2][1]][None]
            found.append(Region(index=len(found) + 1, label=structure.value, name=structure.name, role=structure.role, box=box, mask=inside))
    return tuple(found)


def _features(image: Image, region: Region, anything: BoolArray, options: Options) -> Iterator[Feature]:
    yield from shape.features(region, image.geometry, image.shape)
    view = view_of(image, region, anything, options.long_side_px)
    for family in FAMILIES.values():
        yield from family(view, options)


def _box(mask: BoolArray) -> tuple[tuple[int, int], tuple[int, int]]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (int(rows[0]), int(rows[-1]) + 1), (int(columns[0]), int(columns[-1]) + 1)
