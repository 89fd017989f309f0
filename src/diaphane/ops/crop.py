"""Parts of a picture: cut out for a network, and what it said put back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from diaphane.core.arrays import Array, BoolArray
from diaphane.core.image import Image

Box = tuple[int, int, int, int]
"""x, y, width, height in whole pixels."""
FACE_MARGIN = 0.35
"""On each side of a face's box, as a share of its longer side: hair, ears and some of what is behind the face."""


def face_square(box_px: Sequence[float], size_px: tuple[int, int], margin: float = FACE_MARGIN) -> Box:
    """The square around a face's box (x, y, width, height), cut where the picture (width, height) ends.

    The same in training and in use: a network that looks at faces is given this part. At least one pixel.
    """
    x, y, width, height = box_px
    side = (1 + 2 * margin) * max(width, height)
    left, top = x + width / 2 - side / 2, y + height / 2 - side / 2
    x0, y0 = (int(np.clip(round(v), 0, n - 1)) for v, n in zip((left, top), size_px, strict=True))
    x1, y1 = (int(np.clip(round(v + side), lo + 1, n)) for v, lo, n in zip((left, top), (x0, y0), size_px, strict=True))
    return x0, y0, x1 - x0, y1 - y0


def box_of(mask: BoolArray) -> Box:
    """The smallest box that holds all of ``mask`` (row, column), of which at least one pixel is set."""
    spans = [np.flatnonzero(mask.any(axis=axis)) for axis in (0, 1)]
    (x0, x1), (y0, y1) = ((int(s[0]), int(s[-1]) + 1) for s in spans)
    return x0, y0, x1 - x0, y1 - y0


def widened(box: Box, margin: float, size_px: tuple[int, int]) -> Box:
    """``box`` with ``margin`` of its longer side more on each side, cut where the picture (width, height) ends."""
    x, y, width, height = box
    more = round(margin * max(width, height))
    x0, y0 = max(0, x - more), max(0, y - more)
    return x0, y0, min(size_px[0], x + width + more) - x0, min(size_px[1], y + height + more) - y0


def cropped(array: Array, box: Box) -> Array:
    """A view of the part ``box`` of ``array`` (row, column[, channel])."""
    x, y, width, height = box
    return array[y : y + height, x : x + width]


def cropped_picture(image: Image, box: Box) -> Image:
    """The part ``box`` of a picture; each pixel stays where it lies in the world."""
    affine = image.geometry.affine.copy()
    affine[:3, 3] = image.geometry.to_world(np.array([0, box[1], box[0]]))
    return replace(image, array=cropped(image.array[0], box)[None], geometry=replace(image.geometry, affine=affine))
