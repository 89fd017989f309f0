"""Parts of a picture: cut out for a network, and what it said put back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from diaphane.core.arrays import Array

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


def cropped(array: Array, box: Box) -> Array:
    """A view of the part ``box`` of ``array`` (row, column[, channel])."""
    x, y, width, height = box
    return array[y : y + height, x : x + width]
