"""One case drawn large: the outlines of the reference and of what was predicted on its image."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from diaphane.acquire.picture import stem_of
from diaphane.acquire.read import SUFFIXES
from diaphane.ops.orient import turned, turned_spacing
from diaphane.train.label_folders import by_case, by_stem_or_case, maps_in, match
from diaphane.train.read import read_image, read_mask
from diaphane.train.sheets import Shown, sheet

log = logging.getLogger(__name__)
CHANNEL = "_0000"
"""Ends the stem of an image in nnU-Net's form."""
SIZE_PX = 720


def drawn(case: str, score: float, reference: Path, predicted: Path, images: Path | None) -> bytes:
    """A PNG of ``case`` from the two folders, on its image in ``images``; on black without one. Volumes are shown as axial slices.

    Raises:
        InputError: The image does not lie on the grid of the maps.
    """
    truth = by_case(maps_in(reference))[case]
    path = image_of(case, truth, images)
    image = read_image(truth if path is None else path)
    labels = [read_mask(file, image) for file in (truth, match(case, truth, by_stem_or_case(maps_in(predicted))))]
    pixels = np.zeros(image.shape, np.uint8) if path is None else image.array
    arrays, spacing = (pixels, *labels), (1.0, 1.0, 1.0)
    if not image.is_picture:
        arrays, spacing = tuple(turned(array, image.geometry) for array in arrays), turned_spacing(image.geometry)
    shown = Shown(name=case, image=arrays[0], reference=arrays[1], predicted=arrays[2], score=score, spacing=spacing)
    return sheet([shown], f"{case}: {predicted.resolve().name}", SIZE_PX)


def image_of(case: str, truth: Path, images: Path | None) -> Path | None:
    """The image of a case; None without a folder of them, or where it has none of that name, which is said."""
    if images is None:
        return None
    stems = {stem_of(p): p for p in sorted(images.iterdir()) if p.name.lower().endswith(SUFFIXES)}
    for stem in (case, stem_of(truth), case + CHANNEL):
        if stem in stems:
            return stems[stem]
    log.warning("%s: no image of %s; it is drawn on black", images, case)
    return None
