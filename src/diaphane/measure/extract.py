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
from diaphane.measure import abcd, colour, confidence, glcm, intensity, shape
from diaphane.measure.configuration import Configuration
from diaphane.measure.options import Options
from diaphane.measure.sides import with_side_ratios
from diaphane.measure.view import Sheet, View, grey, sheet_of, view_of
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
    family does not apply. Of a volume shape and intensity statistics are taken, on its own grid; the families that ``options.radiomics``
    names come after those, and instead of what both have. Where the labels know how sure they are, so does the region.

    Raises:
        InputError: The labels lie on another grid, or families are wanted of a volume in colour.
    """
    if labels.array.shape != image.shape:
        raise InputError(f"the mask has {labels.array.shape} pixels, the image {image.shape}; they must lie on one grid")
    unit = "1" if image.is_picture or not is_hounsfield(image) else UNIT
    regions, size = regions_of(labels), "area" if image.is_picture else "volume"
    if image.is_picture and regions:
        sheet = sheet_of(image, labels.array[0] > 0, options)
        measured = tuple(replace(r, features=tuple(_of_picture(sheet, r, labels, options))) for r in regions)
    else:
        measured = tuple(replace(r, features=tuple(_of_volume(image, r, labels, unit))) for r in regions)
    if options.radiomics is not None and measured:
        measured = _with_families(grey(image), measured, options.radiomics, unit)
    return with_side_ratios(measured, labels.table, size)


def _with_families(image: Image, regions: tuple[Region, ...], configuration: Configuration, unit: str) -> tuple[Region, ...]:
    """The regions with the families of ``configuration`` after what was measured, less what both have."""
    from diaphane.measure import radiomics  # half of SciPy: not for a picture

    out = []
    for region in regions:
        found = tuple(radiomics.features(image, region, configuration, unit))
        again = {(f.family, f.name, f.aggregation) for f in found}
        out.append(replace(region, features=(*(f for f in region.features if (f.family, f.name, f.aggregation) not in again), *found)))
    return tuple(out)


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


def _of_picture(sheet: Sheet, region: Region, labels: Labels, options: Options) -> Iterator[Feature]:
    outline = shape.features(region, sheet.image.geometry, sheet.image.shape)
    yield from outline
    yield from confidence.features(region, labels)
    view = view_of(sheet, region, options)
    found = {name: family(view, options) for name, family in FAMILIES.items()}
    for of_family in found.values():
        yield from of_family
    yield from abcd.features(outline + found["colour"])


def _of_volume(image: Image, region: Region, labels: Labels, unit: str) -> Iterator[Feature]:
    from diaphane.measure import solid  # half of SciPy: not for a picture

    yield from solid.features(region, image.geometry, image.shape)
    yield from confidence.features(region, labels)
    if image.channels == 1:
        yield from intensity.of_values(image.array[region.slices][region.mask], "source grid", unit)
