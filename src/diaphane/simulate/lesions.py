"""A lesion cut from its own skin and laid on other skin: by how much it darkens and tints, not by its colour.

What a pixel of the lesion does to light is its colour over the colour of the skin around it. Other skin, times that ratio,
keeps its own shade, texture and noise. In pixel values this is the same as in light, as long as the picture's tone curve is a
power law.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Pillow

from diaphane.acquire.picture import read_picture
from diaphane.core.arrays import Array, BoolArray, FloatArray
from diaphane.errors import InputError

LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True, slots=True)
class Patch:
    """A lesion without its skin."""

    source: str
    """Where it came from."""
    log_ratio: FloatArray
    """(row, column, 3): log of colour over surrounding skin; 0 away from the lesion."""
    mask: BoolArray
    """(row, column)."""

    @property
    def centre(self) -> tuple[float, float]:
        """x, y of the mask's middle."""
        rows, columns = np.nonzero(self.mask)
        return float(columns.mean()), float(rows.mean())

    @property
    def diameter(self) -> float:
        """Of the disc of the mask's area, px."""
        return float(2 * np.sqrt(self.mask.sum() / np.pi))


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where and how a patch is laid on a canvas."""

    x: float
    y: float
    diameter_px: float
    angle_rad: float
    is_mirrored: bool
    squeeze: float
    """Width over height by foreshortening, at most 1."""
    strength: float
    """Exponent of the ratio: below 1 paler than it was."""


@lru_cache(maxsize=512)
def isic_patch(dataset: Path, isic_id: str) -> Patch:
    """The lesion of one picture of the ISIC data set.

    Raises:
        InputError: Picture or mask is missing or they differ in size.
    """
    rgb = read_picture(dataset / "images" / f"{isic_id}.jpg").array[0]
    path = dataset / "masks" / f"{isic_id}_segmentation.png"
    try:
        with Pillow.open(path, formats=["PNG"]) as file:
            mask = np.asarray(file.convert("L")) >= 128
    except OSError as problem:
        raise InputError(f"{path}: no readable mask; --lesions takes a folder with images/ and masks/ as isic2017 has them") from problem
    if mask.shape != rgb.shape[:2] or rgb.ndim != 3:
        raise InputError(f"{path}: mask of {mask.shape}, picture of {rgb.shape}; they must agree, the picture in colour")
    return cut_out(rgb, mask, isic_id)


def cut_out(rgb: Array, mask: BoolArray, source: str) -> Patch:
    """The lesion under ``mask`` of a picture (row, column, 3) uint8, relative to the skin around it.

    That skin is a plane a channel, fitted to a ring around the lesion, so that the picture's own light does not come along.
    """
    values = np.log((rgb.astype(np.float32) + 2) / 257)
    outside = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 3)
    radius = float(np.sqrt(mask.sum() / np.pi))
    ring = (outside > 0.15 * radius) & (outside < 0.6 * radius + 4)
    fade = np.clip(1 - outside / (0.3 * radius), 0, 1)
    ratio = np.clip(values - _plane(values, ring), np.log(0.06), np.log(1.3)) * fade[..., None]
    return Patch(source, np.asarray(ratio, np.float32), mask)


def _plane(values: FloatArray, where: BoolArray) -> FloatArray:
    """A plane a channel through the middle of ``values`` at ``where``: hairs and dark corners, far from a first fit, are left out."""
    rows, columns = np.nonzero(where)
    terms = np.column_stack([np.ones(len(rows)), rows, columns]).astype(np.float32)
    y, x = np.indices(where.shape)
    out = np.empty_like(values)
    for channel in range(3):
        v = values[rows, columns, channel]
        near = np.abs(v - np.median(v)) < 0.15
        fit = np.linalg.lstsq(terms[near], v[near], rcond=None)[0] if near.sum() > 50 else np.array([np.median(v), 0, 0])
        out[..., channel] = fit[0] + fit[1] * y + fit[2] * x
    return out


def laid_on(rgb: FloatArray, patch: Patch, place: Placement, blur_px: float, colourful: float) -> tuple[FloatArray, BoolArray]:
    """The picture with the lesion, and the lesion's mask on it.

    ``blur_px``: how soft the picture is. ``colourful``: 1 where the skin has colour, 0 in a black-and-white photo.
    """
    scale = place.diameter_px / patch.diameter
    affine = _affine(patch, place, scale)
    size = (rgb.shape[1], rgb.shape[0])
    soft = float(np.hypot(0.5, blur_px)) / scale
    ratio = cv2.GaussianBlur(_tinted(patch.log_ratio, colourful), (0, 0), soft)
    log_ratio = cv2.warpAffine(ratio, affine, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    cover = cv2.GaussianBlur(patch.mask.astype(np.float32), (0, 0), 0.4 / scale)
    mask = cv2.warpAffine(cover, affine, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0) >= 0.5
    return np.asarray(rgb * np.exp(place.strength * log_ratio), np.float32), np.asarray(mask)


def _tinted(log_ratio: FloatArray, colourful: float) -> FloatArray:
    grey = log_ratio @ LUMA
    return np.asarray(colourful * log_ratio + (1 - colourful) * grey[..., None], np.float32)


def _affine(patch: Patch, place: Placement, scale: float) -> FloatArray:
    """2x3, from the patch's pixels to the canvas's; the mask keeps its area in spite of the squeeze."""
    c, s = np.cos(place.angle_rad), np.sin(place.angle_rad)
    turn = np.array([[c, -s], [s, c]]) @ np.diag([-1.0 if place.is_mirrored else 1.0, 1.0])
    squeeze = np.diag([np.sqrt(place.squeeze), 1 / np.sqrt(place.squeeze)])
    linear = scale * squeeze @ turn
    return np.column_stack([linear, np.array([place.x, place.y]) - linear @ np.array(patch.centre)])
