"""A face as the simulation's canvas: the picture around it at working size, and where its skin is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from diaphane.acquire.picture import read_picture
from diaphane.core.arrays import Array, BoolArray, FloatArray
from diaphane.errors import InputError
from diaphane.ops.picture import to_rgb
from diaphane.simulate.splits import Box, FacePicture, Polygon

FACE_MM = (150.0, 190.0)
"""An adult's face, ear to ear and hairline to chin: what makes pixels millimetres here."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """Pixels to draw on."""

    identity: str
    rgb: FloatArray
    """(row, column, 3) float32, 0-1."""
    face_box: Box
    skin: BoolArray
    """(row, column): where a lesion may lie."""
    ignore: tuple[Box, ...]
    """What the person really has there."""
    others: tuple[Box, ...]
    """Other people's faces."""
    px_per_mm: float
    blur_px: float
    """How soft the picture is, as the deviation of a Gaussian."""


def draw_crop(face: FacePicture, rng: np.random.Generator) -> tuple[float, float]:
    """How much of the picture is used: (width of the face at working size in px, surroundings on each side in faces)."""
    return min(float(face.box_px[2]), rng.uniform(110, 320)), rng.uniform(1.0, 1.4)


def face_canvas(folder: Path, face: FacePicture, crop: tuple[float, float]) -> Canvas:
    """The picture around ``face``, never enlarged: a made lesion must not be sharper than the skin around it.

    Raises:
        InputError: The file is not there or not the one that ``splits.json`` was made for.
    """
    rgb = _picture(folder / face.file, face.frame)
    width, margin = crop
    x, y, w, h = face.box_px
    around = margin * max(w, h)
    x0, y0 = max(0, round(x - around)), max(0, round(y - around))
    part = rgb[y0 : round(y + h + around), x0 : round(x + w + around)]
    scale = width / w
    size = (round(part.shape[1] * scale), round(part.shape[0] * scale))
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    box = _moved(face.box_px, x0, y0, scale)
    blur = float(np.hypot(face.blur_px * scale, 0.4 if scale < 1 else 0))
    return Canvas(
        face.identity,
        small,
        box,
        _skin(small, *(tuple(_corners(p, x0, y0, scale) for p in polygons) for polygons in ((face.oval,), face.features))),
        tuple(b for b in (_moved(b, x0, y0, scale) for b in face.ignore) if _inside(b, small.shape)),
        tuple(_moved(b, x0, y0, scale) for b in face.others),
        max(box[2] / FACE_MM[0], box[3] / FACE_MM[1]),
        blur,
    )


@lru_cache(maxsize=96)
def _picture(path: Path, frame: int | None) -> Array:
    """(row, column, 3) uint8."""
    if frame is None:
        return to_rgb(read_picture(path).array[0])
    film = cv2.VideoCapture(str(path))
    try:
        skipped = all(film.grab() for _ in range(frame))
        found, pixels = film.read() if skipped else (False, None)
    finally:
        film.release()
    if not found or pixels is None:
        raise InputError(f"{path}: frame {frame} is not there; the simulation needs the clip that splits.json was made for")
    return np.asarray(pixels[..., ::-1])


def _skin(rgb: FloatArray, oval: tuple[FloatArray, ...], features: tuple[FloatArray, ...]) -> BoolArray:
    """Inside the oval, off eyes, brows, nostrils and mouth, and of the colour that most of it has: no hair, glasses, fingers' edges."""
    zone: Array = np.zeros(rgb.shape[:2], np.uint8)
    cv2.fillPoly(zone, [np.round(p).astype(np.int32) for p in oval], 1)
    cv2.fillPoly(zone, [np.round(p).astype(np.int32) for p in features], 0)
    size = float(np.ptp(oval[0], axis=0).max())
    zone = cv2.erode(zone, _disc(0.025 * size))
    lab = cv2.cvtColor(cv2.GaussianBlur(rgb, (0, 0), max(0.8, 0.012 * size)), cv2.COLOR_RGB2LAB)
    inside = lab[zone > 0]
    light = np.percentile(inside[:, 0], 60)
    lit = inside[:, 0] > 0.6 * light
    colour = np.median(inside[lit, 1:], axis=0)
    alike = (lab[..., 0] > max(0.45 * light, 12)) & (np.hypot(lab[..., 1] - colour[0], lab[..., 2] - colour[1]) < 20)
    return np.asarray(cv2.morphologyEx((alike & (zone > 0)).astype(np.uint8), cv2.MORPH_OPEN, _disc(0.015 * size)) > 0)


def _disc(radius: float) -> Array:
    n = max(1, round(radius))
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * n + 1, 2 * n + 1)))


def _corners(polygon: Polygon, x0: int, y0: int, scale: float) -> FloatArray:
    return (np.asarray(polygon, np.float64) - (x0, y0)) * scale


def _moved(box: Box, x0: int, y0: int, scale: float) -> Box:
    x, y, width, height = box
    left, top = int(np.floor((x - x0) * scale)), int(np.floor((y - y0) * scale))
    return left, top, int(np.ceil((x - x0 + width) * scale)) - left, int(np.ceil((y - y0 + height) * scale)) - top


def _inside(box: Box, shape: tuple[int, ...]) -> bool:
    x, y, width, height = box
    return x + width > 0 and y + height > 0 and x < shape[1] and y < shape[0]
