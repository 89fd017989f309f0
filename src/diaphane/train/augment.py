"""Augmentation in two functions: parameters are drawn, then applied."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from diaphane.core.arrays import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranges:
    """How far augmentation may go."""

    flip: bool
    """Mirror left-right and up-down; never where labels are lateral."""
    rotation_deg: float
    scale: float
    """Zoom by 1/(1+scale) to 1+scale."""
    shift: float
    """Fraction of the width and height."""
    gain: float
    """Contrast factor from 1-gain to 1+gain, a channel."""
    offset: float
    """Brightness in standard deviations, a channel."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """The parameters for one picture."""

    affine: FloatArray
    """2x3, source to target pixels (x, y)."""
    gain: FloatArray
    offset: FloatArray


def draw(ranges: Ranges, shape: tuple[int, int, int], rng: np.random.Generator) -> Drawn:
    """Parameters for a picture of ``shape`` (channel, row, column)."""
    channels, rows, columns = shape
    angle = np.deg2rad(rng.uniform(-ranges.rotation_deg, ranges.rotation_deg))
    zoom = (1 + ranges.scale) ** rng.uniform(-1, 1)
    mirror = np.where(rng.random(2) < 0.5, -1.0, 1.0) if ranges.flip else np.ones(2)
    linear = zoom * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * mirror
    centre = np.array([columns - 1, rows - 1]) / 2
    shift = rng.uniform(-ranges.shift, ranges.shift, 2) * (columns, rows)
    affine = np.column_stack([linear, centre + shift - linear @ centre])
    gain = 1 + rng.uniform(-ranges.gain, ranges.gain) * np.ones(channels) + rng.uniform(-ranges.gain, ranges.gain, channels) / 3
    offset = rng.uniform(-ranges.offset, ranges.offset) + rng.uniform(-ranges.offset, ranges.offset, channels) / 3
    return Drawn(affine, gain, offset)


def apply(drawn: Drawn, array: FloatArray, labels: IntArray) -> tuple[FloatArray, IntArray]:
    """``array`` (channel, row, column) and ``labels`` (row, column) moved alike; the array's scale changed too. Halves become float32."""
    size = (labels.shape[1], labels.shape[0])
    moved = [cv2.warpAffine(c, drawn.affine, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101) for c in array.astype(np.float32, copy=False)]
    out = np.stack(moved) * drawn.gain[:, None, None] + drawn.offset[:, None, None]
    mask = cv2.warpAffine(labels, drawn.affine, size, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT_101)
    return out.astype(np.float32), np.asarray(mask, np.uint8)
