"""What a camera and its file do to a picture: drawn, then applied. Where things are changes only by mirroring."""

from __future__ import annotations

import io
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image as Pillow

from diaphane.core.arrays import Array, FloatArray


@dataclass(frozen=True, slots=True)
class Exposure:
    """The drawn parameters of one photo."""

    is_mirrored: bool
    gain: tuple[float, float, float]
    gamma: float
    blur_px: float
    noise: float
    """Deviation, of full scale."""
    jpeg_quality: int
    noise_seed: int


def draw_exposure(rng: np.random.Generator) -> Exposure:
    """Mild: what phones differ by."""
    common = rng.uniform(0.85, 1.12)
    tint = rng.uniform(-0.04, 0.04, 3)
    red, green, blue = (float(common + t) for t in tint)
    return Exposure(
        is_mirrored=bool(rng.random() < 0.5),
        gain=(red, green, blue),
        gamma=float(rng.uniform(0.88, 1.14)),
        blur_px=float(rng.uniform(0.3, 0.8)) if rng.random() < 0.25 else 0.0,
        noise=float(rng.uniform(0, 0.012)),
        jpeg_quality=int(rng.integers(70, 97)),
        noise_seed=int(rng.integers(2**31)),
    )


def exposed(rgb: FloatArray, exposure: Exposure) -> bytes:
    """The file: JPEG bytes of a picture (row, column, 3; 0-1)."""
    if exposure.is_mirrored:
        rgb = rgb[:, ::-1]
    is_grey = np.ptp(rgb, axis=2).max() == 0
    gain = np.asarray(exposure.gain)[[1, 1, 1] if is_grey else [0, 1, 2]]  # a grey photo stays grey
    out: Array = np.clip(rgb, 0, 1) ** exposure.gamma * gain
    if exposure.blur_px:
        out = cv2.GaussianBlur(out, (0, 0), exposure.blur_px)
    noise = np.random.default_rng(exposure.noise_seed).normal(0, 1, (*out.shape[:2], 1))
    pixels = np.round(np.clip(out + exposure.noise * noise, 0, 1) * 255).astype(np.uint8)
    file = io.BytesIO()
    Pillow.fromarray(np.ascontiguousarray(pixels)).save(file, "JPEG", quality=exposure.jpeg_quality)
    return file.getvalue()
