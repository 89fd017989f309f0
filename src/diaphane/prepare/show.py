"""What a network saw beside what came, for eyes."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from diaphane.core.arrays import Array, FloatArray, IntArray
from diaphane.core.prepared import Prepared
from diaphane.ops.orient import turned, turned_spacing
from diaphane.ops.picture import to_byte, to_rgb
from diaphane.ops.resample import resample

SIDE = 300
"""Pixels of the square that each of the two is drawn into."""
STRIP = 60
"""Height of a histogram."""
BINS = 100
ENDS = (0.5, 99.5)
"""Percentiles that become black and white where values have no black and white of their own."""
SAMPLED = 100
"""Values of a volume along each axis that its histogram counts."""
INK, PAPER = (18, 50, 74), (255, 255, 255)


def before_after(prepared: Prepared, labels: IntArray) -> Array:
    """As it came on the left, what the network saw on the right, each above the histogram of its values; RGB.

    Of a volume the axial slice, seen from the feet, in which ``labels`` (on the source grid) cover most; the histograms are of all slices.
    """
    pair = _picture(prepared) if prepared.image.is_picture else _slices(prepared, labels)
    return np.hstack([_framed(drawn, values) for drawn, values in pair])


def _picture(prepared: Prepared) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    top, left, height, width = prepared.box
    source = prepared.image.array[0]
    after = prepared.array.transpose(1, 2, 0)
    seen = after[top : top + height, left : left + width]
    return (_in_square(to_rgb(source)), source), (_in_square(_grey(after, float(seen.min()), float(seen.max()))), seen)


def _slices(prepared: Prepared, labels: IntArray) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    source = turned(prepared.image.array, prepared.image.geometry)
    covered = np.count_nonzero(turned(labels, prepared.image.geometry), axis=(1, 2))
    k = int(np.argmax(covered)) if covered.any() else len(source) // 2
    after = prepared.array[0]
    same = min(int((k + 0.5) * len(after) / len(source)), len(after) - 1)
    _, row_mm, column_mm = turned_spacing(prepared.image.geometry)
    shape = (source.shape[1] * row_mm, source.shape[2] * column_mm)
    one, other = ((_in_square(_grey(plane[..., None], *_ends(some)), shape), some) for plane, some in ((source[k], _some(source)), (after[same], _some(after))))
    return one, other


def _some(volume: Array) -> Array:
    """At most ``SAMPLED`` values along each axis, those that are finite."""
    some = volume[tuple(slice(None, None, -(-n // SAMPLED)) for n in volume.shape)]
    return some[np.isfinite(some)]


def _ends(values: Array) -> tuple[float, float]:
    low, high = np.percentile(values, ENDS) if values.size else (0.0, 1.0)
    return float(low), float(high)


def _grey(values: FloatArray, low: float, high: float) -> Array:
    """(row, column[, channel]) as RGB, ``low`` black and ``high`` white."""
    shares = (np.nan_to_num(values, nan=low).astype(np.float32) - low) / max(high - low, 1e-6)
    return to_rgb(to_byte(shares if values.shape[-1] == 3 else shares[..., 0]))


def _in_square(rgb: Array, shape: tuple[float, float] | None = None) -> Array:
    """``rgb`` in the middle of a square, ``shape`` its height and width in any unit (its pixels otherwise)."""
    height, width = shape or rgb.shape[:2]
    scale = SIDE / max(height, width)
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    grown = rgb.shape[0] < rows or rgb.shape[1] < columns
    drawn = cv2.resize(np.ascontiguousarray(rgb), (columns, rows), interpolation=cv2.INTER_CUBIC) if grown else resample(rgb, rows, columns)
    out: Array = np.full((SIDE, SIDE, 3), PAPER, np.uint8)
    top, left = (SIDE - rows) // 2, (SIDE - columns) // 2
    out[top : top + rows, left : left + columns] = drawn
    return out


def _framed(drawn: Array, values: Array) -> Array:
    """A square, the histogram of ``values`` below it with its ends in numbers, and some room around."""
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    counts, _ = np.histogram(values, BINS, (low, high) if low < high else (low - 0.5, low + 0.5))
    heights = np.sqrt(counts / max(1, counts.max()))  # so that a peak of background leaves the rest to be seen
    page = Pillow.new("RGB", (SIDE + 20, SIDE + STRIP + 40), PAPER)
    page.paste(Pillow.fromarray(drawn), (10, 5))
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(13)
    floor = SIDE + STRIP + 15
    for n, height in enumerate(heights):
        left = 10 + n * SIDE // BINS
        pen.rectangle([left, floor - round(float(height) * STRIP), 10 + (n + 1) * SIDE // BINS - 1, floor], fill=INK)
    pen.text((10, floor + 4), f"{low:.4g}", font=font, fill=INK)
    pen.text((SIDE + 10, floor + 4), f"{high:.4g}", font=font, fill=INK, anchor="ra")
    return np.asarray(page)
