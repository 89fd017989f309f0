"""One DICOM image as a picture: a radiograph, a photograph, a screen.

Stored values are kept: after rescale where that gives whole numbers that fit; a window is a matter of display and not applied.
"""

from __future__ import annotations

import numpy as np

from diaphane.acquire.dicom_pixels import pixels
from diaphane.acquire.dicom_source import Entry
from diaphane.acquire.picture import grey_if_grey
from diaphane.acquire.volume import Say
from diaphane.core.arrays import Array
from diaphane.core.geometry import Geometry
from diaphane.errors import InputError

Notes = tuple[tuple[Say, str], ...]
AXES = {"L": "side", "R": "side", "H": "height", "F": "height"}
SQUARE = 1e-3
"""Of the spacing: pixels that differ by less are square."""


def picture_of(entry: Entry, max_pixels: int) -> tuple[Array, Notes]:
    """The pixels of one image: uint8 or uint16 (row, column), light is large; or uint8 RGB (row, column, 3).

    Raises:
        InputError: Too many pixels, damaged ones, or more than 16 bits each.
    """
    header = entry.header
    if header.rows * header.columns > max_pixels:
        raise InputError(f"{entry.named}: {header.columns}x{header.rows} pixels are more than acquire.max_pixels = {max_pixels}")
    array = pixels(entry)
    if array.dtype.itemsize > 2 and (array.ndim == 3 or array.dtype.kind == "f"):
        raise InputError(f"{entry.named}: {8 * array.dtype.itemsize} bits a sample, expected 8 or 16; export it with 16")
    if array.ndim == 3:
        return _colour(array, 16 if header.photometric == "PALETTE COLOR" else header.bits_stored)
    return _grey(entry, array)


def picture_geometry(entry: Entry, spacing_mm: float | None) -> tuple[Geometry, Notes]:
    """Square pixels of the size that the file states, else of ``spacing_mm``, else without scale."""
    stated = entry.header.picture_spacing
    if stated is None or min(stated) <= 0:
        return Geometry.of_picture(spacing_mm), ()
    if abs(stated[0] - stated[1]) > SQUARE * max(stated):
        return Geometry.of_picture(spacing_mm), (("passed", "the pixels are not square, so the file's scale is not used: lengths are in pixels"),)
    if spacing_mm is not None:
        return Geometry.of_picture(spacing_mm), (("passed", f"spacing_mm = {spacing_mm:g} was given and replaces the file's {stated[0]:g} mm"),)
    return Geometry.of_picture(stated[0]), ()


def lie(entry: Entry) -> Notes:
    """Doubt where a frontal projection says that it does not lie as usual, the patient's left on the right, the feet below.

    Source: DICOM PS3.3, C.7.6.1.1.1.
    """
    towards = entry.header.towards
    axes = {AXES.get(side[:1]) for side in towards}
    if axes != {"side", "height"} or (towards[0][0], towards[1][0]) == ("L", "F"):
        return ()
    told = "\\".join(towards)
    return (("doubted", f"its header says that it is mirrored or turned: Patient Orientation {told}, usual is L\\F; turn it, or correct the header"),)


def _grey(entry: Entry, stored: Array) -> tuple[Array, Notes]:
    header, plane = entry.header, entry.header.planes[0]
    notes: Notes = ()
    values = stored.astype(np.int64)
    rescaled = values * plane.slope + plane.intercept
    if np.array_equal(rescaled, np.round(rescaled)) and rescaled.min() >= 0 and rescaled.max() <= 65535:
        values = rescaled.astype(np.int64)
    elif (plane.slope, plane.intercept) != (1, 0):
        notes = (("passed", "the stored values are kept: rescaled, they are no whole numbers from 0 to 65535"),)
    if values.min() < 0:
        lowest = int(values.min())
        values = values - lowest
        notes = (*notes, ("passed", f"values below 0: {-lowest} was added to each"))
    if values.max() > 65535:
        raise InputError(f"{entry.named}: values up to {values.max()}, expected at most 65535; export it with 16 bits")
    white = 2 ** max(header.bits_stored, int(values.max()).bit_length()) - 1
    if header.photometric == "MONOCHROME1":
        values = white - values
        notes = (*notes, ("passed", "MONOCHROME1: inverted, so that light is large"))
    return values.astype(np.uint8 if white <= 255 else np.uint16), notes


def _colour(array: Array, bits: int) -> tuple[Array, Notes]:
    if array.dtype.itemsize == 1:
        return grey_if_grey(array), ()
    return grey_if_grey((array >> max(0, bits - 8)).astype(np.uint8)), (("passed", f"{bits} bits a channel were reduced to 8"),)
