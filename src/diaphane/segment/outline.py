"""The outline of a body in a scan: without the table that it lies on, with the air inside it."""

from __future__ import annotations

import cv2
import numpy as np
from scipy import ndimage

from diaphane.core.arrays import Array, BoolArray
from diaphane.ops.components import filled, numbered

TABLE_MM = 3.0
"""Table tops and head rests are thinner than twice this."""
AROUND_MM = 6.0
"""What opening with ``TABLE_MM`` takes off a body comes back as far as this at once."""
LIMB_MM = 80.0
"""Thin things that stick to the body stay if they are smaller in every direction (ears, nose), and go if they are larger (table)."""


def outline(tissue: BoolArray, spacing: tuple[float, float, float], gap_mm: float = 5.0) -> BoolArray:
    """The largest body in ``tissue`` (feet to head, front to back, right to left) with all that it encloses.

    Openings up to twice ``gap_mm`` wide (nostrils, ear canals) are taken as closed, ``gap_mm`` below the surface.
    """
    reach = _disc(gap_mm, spacing)
    margin = max(reach.shape)
    body = enclosed(np.pad(_without_table(tissue, spacing), ((0, 0), (margin, margin), (margin, margin))))
    whole = enclosed(_slicewise(cv2.MORPH_CLOSE, body, reach))
    outside = _slicewise(cv2.MORPH_DILATE, ~whole, reach)
    return np.asarray((body | (whole & ~outside))[:, margin:-margin, margin:-margin])


def enclosed(mask: BoolArray) -> BoolArray:
    """``mask`` with the holes of its axial slices, and what is a hole both in the coronal and the sagittal slice.

    One of these two alone would fill the hollow of an ear, or the place between brow, nose and cheek.
    """
    axial, coronal, sagittal = (np.empty_like(mask) for _ in range(3))
    for axis, out in enumerate((axial, coronal, sagittal)):
        for plane, target in zip(np.moveaxis(mask, axis, 0), np.moveaxis(out, axis, 0), strict=True):
            target[:] = filled(np.ascontiguousarray(plane))
    return np.asarray(axial | (coronal & sagittal))


def _without_table(tissue: BoolArray, spacing: tuple[float, float, float]) -> BoolArray:
    core = largest_part(_slicewise(cv2.MORPH_OPEN, tissue, _disc(TABLE_MM, spacing)))
    if not core.any():
        return core
    whole = largest_part(tissue)
    body = _slicewise(cv2.MORPH_DILATE, core, _disc(AROUND_MM, spacing)) & whole
    parts = numbered(whole & ~body, corners=False)
    boxes = ndimage.find_objects(parts)
    small = [max((side.stop - side.start) * s for side, s in zip(box, spacing, strict=True)) < LIMB_MM for box in boxes]
    return np.asarray(body | np.array([False, *small])[parts])


def largest_part(mask: BoolArray) -> BoolArray:
    """The largest 6-connected part of ``mask`` [k, j, i]; empty where it is."""
    if not mask.any():
        return mask
    parts = numbered(mask, corners=False)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return np.asarray(parts == sizes.argmax())


def _disc(radius_mm: float, spacing: tuple[float, float, float]) -> Array:
    rows, columns = (max(1, round(radius_mm / s)) for s in spacing[1:])
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * columns + 1, 2 * rows + 1)))


def _slicewise(operation: int, mask: BoolArray, element: Array) -> BoolArray:
    out = np.empty(mask.shape, np.uint8)
    for plane, target in zip(mask, out, strict=True):
        target[:] = cv2.morphologyEx(plane.astype(np.uint8), operation, element)
    return out.view(bool)
