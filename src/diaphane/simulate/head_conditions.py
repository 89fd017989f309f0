"""Under what conditions a virtual patient is filmed: one table of ranges, drawn by seed before anything is made.

They were fixed before any registration was measured on them, and stay: figures are comparable only as long as they do.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from diaphane.core.arrays import FloatArray
from diaphane.core.camera import Camera

Range = tuple[float, float]
RATE_HZ = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranges:
    """What is drawn, each number uniformly and by itself."""

    deformed_mm: float = 2.0
    """Root mean square length of the face's deformation, rigid motion taken out."""
    correlation_mm: float = 25.0
    """Length l of its correlation exp(-d² / 2 l²)."""
    focal_px: Range = (550.0, 800.0)
    """Nominal, of frames 640 pixels wide."""
    focal_error: Range = (-0.02, 0.02)
    """True over nominal, less 1."""
    k1: Range = (-0.05, 0.05)
    """True radial distortion; the nominal one is 0."""
    distance_mm: Range = (450.0, 750.0)
    yaw_deg: Range = (-35.0, 35.0)
    pitch_deg: Range = (-12.0, 12.0)
    roll_deg: Range = (-8.0, 8.0)
    aside: Range = (-0.1, 0.1)
    """Of the frame's width and height, the face from the middle."""
    cycles: Range = (0.75, 1.25)
    """Of each of these five along the clip."""
    ambient: Range = (0.35, 0.55)
    key: Range = (0.45, 0.7)
    """Strength of the first directional light."""
    fill: Range = (0.0, 0.3)
    """Strength of the second one."""
    key_azimuth_deg: Range = (-50.0, 50.0)
    fill_azimuth_deg: Range = (-80.0, 80.0)
    light_elevation_deg: Range = (10.0, 60.0)
    warmth: Range = (-0.06, 0.06)
    """Red up and blue down."""
    blur_px: Range = (0.3, 0.8)
    """Deviation of the lens's and sensor's Gaussian, of frames 640 pixels wide."""
    noise: Range = (0.004, 0.012)
    """Deviation, of full scale."""
    jpeg_quality: Range = (70.0, 95.0)
    """Of each frame, before it goes into the clip (MPEG-4)."""


RANGES = Ranges()
WIDTH_PX = 640
"""Of the frames that lengths in pixels are stated for."""


@dataclass(frozen=True, slots=True)
class Light:
    """From one direction, without end."""

    direction: FloatArray
    """(3,), unit, towards the light; camera axes."""
    strength: float


@dataclass(frozen=True, slots=True)
class Sway:
    """One number along a clip, from one end of its range to the other and back."""

    ends: Range
    cycles: float
    phase_rad: float

    def at(self, share: FloatArray) -> FloatArray:
        """Its value at ``share`` (0-1) of the clip."""
        low, high = self.ends
        return np.asarray((low + high) / 2 + (high - low) / 2 * np.sin(2 * np.pi * self.cycles * share + self.phase_rad))


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """The drawn ones."""

    focal_px: float
    """Nominal, of frames ``WIDTH_PX`` wide."""
    focal_error: float
    k1: float
    distance_mm: Sway
    yaw_deg: Sway
    pitch_deg: Sway
    roll_deg: Sway
    right: Sway
    down: Sway
    ambient: float
    lights: tuple[Light, ...]
    tint: FloatArray
    """(3,): of the light, RGB."""
    blur_px: float
    noise: float
    jpeg_quality: int
    ranges: Ranges = field(default=RANGES)

    def nominal(self, width: int, height: int) -> Camera:
        """The camera as its file states it."""
        return self._camera(width, height, self.focal_px, 0.0)

    def true(self, width: int, height: int) -> Camera:
        """The camera that films."""
        return self._camera(width, height, self.focal_px * (1 + self.focal_error), self.k1)

    def _camera(self, width: int, height: int, focal_px: float, k1: float) -> Camera:
        focal = focal_px * width / WIDTH_PX
        return Camera(width=width, height=height, fx=focal, fy=focal, cx=(width - 1) / 2, cy=(height - 1) / 2, distortion=(k1, 0.0, 0.0, 0.0, 0.0))


def draw_conditions(rng: np.random.Generator, ranges: Ranges = RANGES) -> Conditions:
    """One set of conditions."""
    focal, error, k1 = (float(rng.uniform(*r)) for r in (ranges.focal_px, ranges.focal_error, ranges.k1))
    paths = (ranges.distance_mm, ranges.yaw_deg, ranges.pitch_deg, ranges.roll_deg, ranges.aside, ranges.aside)
    distance, yaw, pitch, roll, right, down = (Sway(ends, float(rng.uniform(*ranges.cycles)), float(rng.uniform(0, 2 * np.pi))) for ends in paths)
    lights = (_light(rng, ranges.key, ranges.key_azimuth_deg, ranges), _light(rng, ranges.fill, ranges.fill_azimuth_deg, ranges))
    warmth = float(rng.uniform(*ranges.warmth))
    return Conditions(
        focal_px=focal, focal_error=error, k1=k1, distance_mm=distance, yaw_deg=yaw, pitch_deg=pitch, roll_deg=roll, right=right, down=down,
        ambient=float(rng.uniform(*ranges.ambient)), lights=lights, tint=np.array([1 + warmth, 1.0, 1 - warmth]), blur_px=float(rng.uniform(*ranges.blur_px)),
        noise=float(rng.uniform(*ranges.noise)), jpeg_quality=round(float(rng.uniform(*ranges.jpeg_quality))), ranges=ranges,
    )  # fmt: skip


def _light(rng: np.random.Generator, strength: Range, azimuth_deg: Range, ranges: Ranges) -> Light:
    """From the camera's side of the head, above it."""
    azimuth, elevation = np.radians(rng.uniform(*azimuth_deg)), np.radians(rng.uniform(*ranges.light_elevation_deg))
    towards = np.array([np.sin(azimuth) * np.cos(elevation), -np.sin(elevation), -np.cos(azimuth) * np.cos(elevation)])
    return Light(towards, float(rng.uniform(*strength)))
