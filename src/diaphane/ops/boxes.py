"""Boxes with a caption, drawn on pictures."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from diaphane.core.arrays import Array

Captioned = tuple[Sequence[float], str]
"""x, y, width, height as shares of the picture's width and height; and what stands above it."""


def boxed(rgb: Array, boxes: Sequence[Captioned]) -> Array:
    """``rgb`` with each box in white on black, its caption above its left edge (inside, at the picture's top)."""
    out = np.ascontiguousarray(rgb).copy()
    height, width = out.shape[:2]
    line, size = max(1, round(max(height, width) / 500)), max(12, round(max(height, width) / 45))
    corners = [[round(v * n) for v, n in zip((x, y, x + w, y + h), (width, height, width, height), strict=True)] for (x, y, w, h), _ in boxes]
    for x0, y0, x1, y1 in corners:
        cv2.rectangle(out, (x0, y0), (x1, y1), (0, 0, 0), line + 2)
        cv2.rectangle(out, (x0, y0), (x1, y1), (255, 255, 255), line)
    page = Pillow.fromarray(out)
    pen = ImageDraw.Draw(page)
    for (x0, y0, _, _), (_, caption) in zip(corners, boxes, strict=True):
        place = (max(0, x0), y0 - size // 3) if y0 > 1.5 * size else (max(0, x0) + size // 3, max(0, y0) + 1.4 * size)
        pen.text(place, caption, font=ImageFont.load_default(size), fill="white", anchor="ls", stroke_width=max(1, size // 8), stroke_fill="black")
    return np.asarray(page)
