"""A procedural skin lesion as a dermoscope sees it: for the demo and for tests, where no patient's picture may be used.

It looks enough like dermoscopy for a network trained on real pictures; it is no model of disease, and says nothing
about how good the network is on patients.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from diaphane.core.arrays import Array, BoolArray, FloatArray


@dataclass(frozen=True, slots=True)
class SkinLesion:
    """The drawn parameters of one picture."""

    rows: int
    columns: int
    centre: tuple[float, float]
    """x, y in px."""
    radius_px: float
    border: FloatArray
    """Amplitudes and phases (2, n) of the border's waves, from the second harmonic on, as shares of the radius."""
    stretch: tuple[float, float]
    """Ratio of the axes, and the angle of the long one in rad."""
    skin: FloatArray
    """RGB 0-1."""
    pigment: FloatArray
    """RGB 0-1 of the lesion's body."""
    depth: float
    """0-1: how much darker its dark patches are."""
    softness_px: float
    """Width over which the border fades."""
    texture_seed: int


def draw_lesion(rng: np.random.Generator, rows: int = 384, columns: int = 512) -> SkinLesion:
    """Parameters of a lesion that lies wholly inside the picture."""
    shorter = min(rows, columns)
    radius = shorter * rng.uniform(0.17, 0.28)
    waves = np.stack([rng.uniform(0, 0.35, 6) / np.arange(2, 8), rng.uniform(0, 2 * np.pi, 6)])
    return SkinLesion(
        rows=rows,
        columns=columns,
        centre=(columns / 2 + shorter * rng.uniform(-0.08, 0.08), rows / 2 + shorter * rng.uniform(-0.08, 0.08)),
        radius_px=radius,
        border=waves,
        stretch=(rng.uniform(1.0, 1.35), rng.uniform(0, np.pi)),
        skin=np.array([0.83, 0.66, 0.58]) + rng.uniform(-0.04, 0.04, 3),
        pigment=np.array([0.45, 0.29, 0.21]) + rng.uniform(-0.06, 0.06, 3),
        depth=rng.uniform(0.2, 0.55),
        softness_px=shorter * rng.uniform(0.012, 0.03),
        texture_seed=int(rng.integers(2**31)),
    )


def render_lesion(lesion: SkinLesion) -> tuple[Array, BoolArray]:
    """The picture (row, column, 3) uint8 and the lesion's mask (row, column): where its pigment is at least half."""
    rng = np.random.default_rng(lesion.texture_seed)
    shape = (lesion.rows, lesion.columns)
    inside_px = _signed_distance(lesion)
    cover = 1 / (1 + np.exp(-inside_px / (lesion.softness_px / 2)))
    patches = np.clip(0.5 + clouds(rng, shape, lesion.radius_px / 2), 0, 1)
    net = clouds(rng, shape, 5) * np.clip(inside_px / lesion.radius_px, 0, 1)
    body = lesion.pigment * (1 - lesion.depth * patches[..., None]) * (1 - 0.35 * net[..., None])
    skin = lesion.skin * (1 + 0.05 * clouds(rng, shape, 60) + 0.03 * clouds(rng, shape, 4))[..., None]
    rgb = skin * (1 - cover[..., None]) + body * cover[..., None]
    rgb = rgb * _light(shape)[..., None] + rng.normal(0, 0.008, (*shape, 3))
    return np.round(np.clip(rgb, 0, 1) * 255).astype(np.uint8), inside_px >= 0


def render_skin(rng: np.random.Generator, rows: int, columns: int) -> Array:
    """Bare procedural skin, (row, column, 3) uint8."""
    colour = np.array([0.83, 0.66, 0.58]) * rng.uniform(0.55, 1.05) + rng.uniform(-0.04, 0.04, 3)
    shape = (rows, columns)
    rgb = colour * (1 + 0.04 * clouds(rng, shape, 90) + 0.02 * clouds(rng, shape, 5))[..., None] * _light(shape)[..., None]
    return np.round(np.clip(rgb + rng.normal(0, 0.008, (rows, columns, 3)), 0, 1) * 255).astype(np.uint8)


def _signed_distance(lesion: SkinLesion) -> FloatArray:
    """How far inside the border a pixel lies, along the radius, px; negative outside."""
    y, x = np.mgrid[: lesion.rows, : lesion.columns].astype(np.float64)
    x, y = x - lesion.centre[0], y - lesion.centre[1]
    ratio, angle = lesion.stretch
    along = (x * np.cos(angle) + y * np.sin(angle)) / np.sqrt(ratio)
    across = (-x * np.sin(angle) + y * np.cos(angle)) * np.sqrt(ratio)
    theta = np.arctan2(across, along)
    wave = sum(a * np.cos(n * theta + phase) for n, (a, phase) in enumerate(lesion.border.T, start=2))
    return np.asarray(lesion.radius_px * (1 + wave) - np.hypot(along, across))


def clouds(rng: np.random.Generator, shape: tuple[int, int], scale_px: float) -> FloatArray:
    """Smooth noise of unit deviation, with structures of about ``scale_px``."""
    sigma = scale_px / 2
    small = max(1.0, sigma / 2)
    coarse = rng.normal(size=(round(shape[0] / small) + 4, round(shape[1] / small) + 4))
    smooth = cv2.resize(cv2.GaussianBlur(coarse, (0, 0), sigma / small), (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray((smooth - smooth.mean()) / (smooth.std() + 1e-9))


def _light(shape: tuple[int, int]) -> FloatArray:
    """A dermoscope's light: full in the middle, a little darker in the corners."""
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    return np.asarray(1 - 0.12 * (x**2 + y**2) / 2)
