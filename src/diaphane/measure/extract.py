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
from diaphane.measure import colour, confidence, glcm, intensity, shape
from diaphane.measure.options import Options
from diaphane.measure.sides import with_side_ratios
from diaphane.measure.view import View, view_of
from diaphane.ops.components import components, numbered
from diaphane.ops.hounsfield import UNIT, is_hounsfield

FAMILIES: dict[str, Callable[[View, Options], list[Feature]]] = {
    "intensity": intensity.features,
    "colour": colour.features,
    "glcm": glcm.features,
}
"""Families that look at the pixels of a picture; shape looks at the mask alone and is taken on the source grid."""


def extract(image: Image, labels: Labels, options: Options) -> tuple[Region, ...]:
    """Every region of ``labels`` with its features.

    Each connected part of a lesion is a region; an organ is one region, however many parts it has. A feature that
    does not exist (texture of one pixel, colour of a grey picture) is NaN with a reason, or absent where the whole
    family does not apply. Of a volume shape and intensity statistics are taken, on its own grid. Where the labels know how
    sure they are, so does the region.

    Raises:
        InputError: The labels lie on another grid.
    """
    if labels.array.shape != image.shape:
        raise InputError(f"the mask has {labels.array.shape} pixels, the image {image.shape}; they must lie on one grid")
    regions = regions_of(labels)
    if image.is_picture:
        measured = tuple(replace(r, features=tuple(_of_picture(image, r, labels, options))) for r in regions)
        return with_side_ratios(measured, labels.table, "area")
    unit = UNIT if is_hounsfield(image) else "1"
    measured = tuple(replace(r, features=tuple(_of_volume(image, r, labels, unit))) for r in regions)
    return with_side_ratios(measured, labels.table, "volume")


def regions_of(labels: Labels) -> tuple[Region, ...]:
    """The regions, not yet measured: structures in the order of their values, parts by falling size."""
    boxes = _boxes(labels)
    found: list[Region] = []
    for structure in labels.table:
        box = boxes.get(structure.value)
        if box is None:
            continue
        mask = labels.array[box] == structure.value
        for inner, part in _parts(mask) if structure.role == "lesion" else [(tuple(slice(0, n) for n in mask.shape), mask)]:
            place = tuple((b.start + i.start, b.start + i.stop) for b, i in zip(box, inner, strict=True))
            found.append(Region(index=len(found) + 1, label=structure.value, name=structure.name, role=structure.role, box=place, mask=part))
    return tuple(found)


def _boxes(labels: Labels) -> dict[int, tuple[slice, ...]]:
    """The box of each value that occurs."""
    if labels.array.shape[0] == 1:
        masks = {structure.value: labels.mask(structure.value)[0] for structure in labels.table}
        return {value: (slice(0, 1), *_box(mask)) for value, mask in masks.items() if mask.any()}
    from scipy import ndimage  # 0.3 s to import: not for a picture

    return {value: box for value, box in enumerate(ndimage.find_objects(labels.array), start=1) if box is not None}


def _box(mask: BoolArray) -> tuple[slice, slice]:
    """Of a (row, column) mask that is not empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _parts(mask: BoolArray) -> list[tuple[tuple[slice, ...], BoolArray]]:
    """Box and mask of the parts of ``mask`` that touch by a corner or more, largest first; ties in reading order."""
    if mask.shape[0] == 1:
        flat = [(_box(part), part[None]) for part in components(mask[0])]
        return [((slice(0, 1), *box), part[:, *box]) for box, part in flat]
    from scipy import ndimage

    numbers = numbered(mask, corners=True)
    parts = [(box, np.asarray(numbers[box] == n)) for n, box in enumerate(ndimage.find_objects(numbers), start=1)]
    return sorted(parts, key=lambda part: -int(part[1].sum()))


def _of_picture(image: Image, region: Region, labels: Labels, options: Options) -> Iterator[Feature]:
    yield from shape.features(region, image.geometry, image.shape)
    yield from confidence.features(region, labels)
    view = view_of(image, region, labels.array[0] > 0, options.long_side_px)
    for family in FAMILIES.values():
        yield from family(view, options)


def _of_volume(image: Image, region: Region, labels: Labels, unit: str) -> Iterator[Feature]:
    from diaphane.measure import solid  # scikit-image and half of SciPy: not for a picture

    yield from solid.features(region, image.geometry, image.shape)
    yield from confidence.features(region, labels)
    if image.channels == 1:
        yield from intensity.of_values(image.array[region.slices][region.mask], "source grid", unit)
