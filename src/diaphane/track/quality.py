"""How well a face can be seen in a frame, so that later stages may leave bad frames out.

Source: Crete et al., The blur effect, SPIE Human Vision and Electronic Imaging 2007 (blur without a reference).
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from diaphane.core.arrays import Array
from diaphane.core.face import Face, HeadPose, Quality

VIEW_PX = 160
"""The longer side at which a large face is looked at."""
ENOUGH_PX = 128
"""A box with such a shorter side is large enough."""
LEAST_PX = 4
DARK, BRIGHT = 25, 245
"""Of 255; beyond them skin shows nothing."""
BLUR_PX = 9
DIGITS = 3


def with_quality(frame: Array, face: Face) -> Face:
    """``face`` with its quality in ``frame`` (row, column, 3; RGB); as it is where it is only expected, or hardly in the frame."""
    x, y, width, height = face.box_px
    part = frame[max(0, round(y)) : max(0, round(y + height)), max(0, round(x)) : max(0, round(x + width))]
    if face.state == "predicted" or min(part.shape[:2]) < LEAST_PX:
        return face
    shrink = VIEW_PX / max(part.shape[:2])
    grey = cv2.cvtColor(part, cv2.COLOR_RGB2GRAY)
    if shrink < 1:
        grey = cv2.resize(grey, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    quality = Quality(
        sharp=round(min(_sharpness(grey), _sharpness(grey.T)), DIGITS),
        light=round(_light(grey), DIGITS),
        size=round(min(1.0, min(width, height) / ENOUGH_PX), DIGITS),
        facing=None if face.pose is None else round(_facing(face.pose), DIGITS),
    )
    return replace(face, quality=quality)


def _sharpness(grey: Array) -> float:
    """The share of the differences from row to row that a blur takes away; 0 where there are none."""
    own = np.abs(np.diff(grey.astype(np.float32), axis=0))
    blurred = np.abs(np.diff(cv2.blur(np.ascontiguousarray(grey, np.float32), (1, BLUR_PX)), axis=0))
    total = float(own.sum())
    return float(np.maximum(own - blurred, 0).sum()) / total if total else 0.0


def _light(grey: Array) -> float:
    """Within the ellipse that the box holds."""
    rows, columns = (np.linspace(-1, 1, n) ** 2 for n in grey.shape)
    inside = rows[:, None] + columns <= 1
    return float(((grey >= DARK) & (grey <= BRIGHT))[inside].mean())


def _facing(pose: HeadPose) -> float:
    """0 from the side and from behind."""
    away = pose.translation_mm / np.linalg.norm(pose.translation_mm)
    return max(0.0, float(pose.rotation[:, 2] @ away))
