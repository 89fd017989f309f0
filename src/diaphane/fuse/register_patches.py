"""Pieces of skin, lifted from one frame to the scan's surface and found again in others to a fraction of a pixel.

A patch is a square of a frame whose every pixel has a place on the surface: where the face is turned, the patch turns, bends and shrinks with it. It is
laid into the other frame where a first pose expects it, and moved until it fits: coarse, then fine. Light is no clue: what it does on a curved surface (a
quadratic sheet of brightness) and a gain are taken out of both.

Source: Lucas, Kanade, IJCAI 1981; Baker, Matthews, IJCV 2004 (with Levenberg's damping); Förstner, 1982 (what a patch says about its place).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from diaphane.core.arrays import Array, BoolArray, FloatArray, IntArray
from diaphane.core.camera import Camera
from diaphane.core.transform import RigidTransform
from diaphane.fuse.register_lift import View, rays_of
from diaphane.ops.projection import project

SIDE = 13
"""Pixels of a patch, of either level."""
STEPS = (2.0, 1.0)
"""Pixels from sample to sample of a patch, coarse and fine."""
BLURRED_PX = (1.6, 0.6)
"""Standard deviation of the blur, of either level."""
ROUNDS = (6, 5)
FLOOR_PX, UNLIKE_PX = 0.1, 0.87
"""What a match is never surer than (compression, shape, light that is no plane): with correlation 1, and what is added (squared) times 1 less the
correlation. Measured on the analytic head for tuning: 0.35 px at a correlation of 0.85, 0.14 px at 0.99."""
EXPECTED_PX = (3.0, 1.0)
"""Standard deviation of the first pose's pixels, of either level: damps steps along edges, and pulls nowhere."""
FURTHEST_PX = 9.0
ALIKE = 0.75
"""Correlation from which a patch counts as found."""
BUMP_MM = 12.0
"""A patch across which the surface leaps further than this from its middle lies on an edge."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A frame in grey, and blurred, with slopes."""

    levels: tuple[FloatArray, ...]
    """(row, column, 3) float32 each: grey, its slope across and down."""

    @classmethod
    def of(cls, rgb: Array) -> Picture:
        """That of a frame (row, column, 3) uint8."""
        grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
        return cls(tuple(_with_slopes(np.asarray(cv2.GaussianBlur(grey, (0, 0), sd), np.float32)) for sd in BLURRED_PX))


@dataclass(frozen=True, slots=True)
class Patches:
    """Lifted from one frame."""

    places: FloatArray
    """(n, 3): their middles, scan mm, as the face was then."""
    normals: FloatArray
    """(n, 3)."""
    pixels: FloatArray
    """(n, 2): where they were seen."""
    grids: tuple[FloatArray, ...]
    """(n, SIDE², 3) of each level, scan mm."""
    looks: tuple[FloatArray, ...]
    """(n, SIDE²) of each level, without light."""

    def of(self, kept: BoolArray | IntArray) -> Patches:
        """Some of them."""
        return Patches(self.places[kept], self.normals[kept], self.pixels[kept], tuple(g[kept] for g in self.grids), tuple(k[kept] for k in self.looks))

    def joined(self, other: Patches) -> Patches:
        """Both."""
        places, normals, pixels = (np.concatenate([getattr(self, n), getattr(other, n)]) for n in ("places", "normals", "pixels"))
        grids, looks = (tuple(np.concatenate(pair) for pair in zip(getattr(self, n), getattr(other, n), strict=True)) for n in ("grids", "looks"))
        return Patches(places, normals, pixels, grids, looks)


@dataclass(frozen=True, slots=True)
class Match:
    """Where patches are in another frame."""

    pixels: FloatArray
    """(n, 2)."""
    root: FloatArray
    """(n, 2, 2): square root of the information, 1/px."""
    alike: FloatArray
    """(n,): correlation."""
    found: BoolArray
    """(n,)."""


def corners(picture: Array, where: BoolArray, most: int, apart_px: float) -> FloatArray:
    """(n, 2) pixels ``where`` the frame has texture."""
    grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), (0, 0), 1.0)
    found = cv2.goodFeaturesToTrack(grey, most, 0.002, apart_px, mask=where.astype(np.uint8), blockSize=7)
    return np.zeros((0, 2)) if found is None else np.asarray(found[:, 0], float)


def lifted(picture: Picture, view: View, pixels: FloatArray) -> tuple[Patches, BoolArray]:
    """The patches around ``pixels`` (n, 2) of a frame, and which of the pixels made one: not those at an edge of the surface."""
    places, normals = view.lifted(pixels)
    good: BoolArray = np.asarray(np.isfinite(places).all(axis=1))
    grids, looks = [], []
    for step, level in zip(STEPS, picture.levels, strict=True):
        at = pixels[:, None] + step * _square()
        depth = _sampled(view.seen.depth_mm, at, cv2.INTER_NEAREST, np.inf)
        middle = depth[:, len(_square()) // 2]
        with np.errstate(invalid="ignore"):
            good = np.asarray(good & (np.abs(depth - middle[:, None]) < BUMP_MM * step).all(axis=1))
        rays = rays_of(at.reshape(-1, 2), view.camera).reshape(*at.shape[:2], 3)
        grids.append(view.pose.inverse()(rays * np.where(np.isfinite(depth), depth, 1.0)[..., None]))
        looks.append(_without_light(_sampled(level[..., 0], at))[0])
    return Patches(places, normals, pixels, tuple(grids), tuple(looks)).of(good), good


def matched(patches: Patches, picture: Picture, pose: RigidTransform, camera: Camera, *, levels: tuple[int, ...] = (0, 1)) -> Match:
    """Where ``patches`` are in a frame that ``pose`` (scan to camera) expects them in."""
    expected = project(pose(patches.places), camera)
    shift = np.zeros_like(expected)
    information: FloatArray = np.zeros((len(expected), 2, 2))
    alike: FloatArray = np.zeros(len(expected))
    for level in levels:
        grid = project(pose(patches.grids[level]), camera).astype(np.float32)
        shift, information, alike = _settled(picture.levels[level], grid, patches.looks[level], shift, level)
    found = (alike > ALIKE) & (np.linalg.norm(shift, axis=1) < FURTHEST_PX) & np.isfinite(expected).all(axis=1)
    return Match(expected + shift, _root(information, alike), alike, found)


def _settled(level: FloatArray, grid: FloatArray, looks: FloatArray, shift: FloatArray, number: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The shift that makes each patch alike; its information and correlation."""
    size = grid.shape[1]
    information: FloatArray = np.zeros((len(grid), 2, 2))
    alike: FloatArray = np.zeros(len(grid))
    for _ in range(ROUNDS[number]):
        sampled = _sampled(level, grid + shift[:, None])
        seen, strength = _without_light(sampled[..., 0])
        slopes = np.stack([_light_free(sampled[..., n]) for n in (1, 2)], axis=2) / strength[:, None, None]
        alike = np.asarray(np.einsum("ns,ns->n", seen, looks))
        off = looks - seen
        noise = np.maximum((off**2).sum(axis=1) / size, 1e-5)
        information = np.asarray(np.einsum("nsa,nsb->nab", slopes, slopes) / noise[:, None, None])
        slope = np.einsum("nsa,ns->na", slopes, off) / noise[:, None]
        step = np.linalg.solve(information + np.eye(2) / EXPECTED_PX[number] ** 2, slope[..., None])[..., 0]
        shift = shift + np.clip(np.nan_to_num(step), -2, 2)
    return shift, information, alike


def _root(information: FloatArray, alike: FloatArray) -> FloatArray:
    """Square root of the information (n, 2, 2), none surer than its correlation allows."""
    values, vectors = np.linalg.eigh(np.nan_to_num(information))
    floor = FLOOR_PX**2 + UNLIKE_PX**2 * (1 - np.clip(alike, 0, 1))
    sd = np.sqrt(floor[:, None] + 1 / np.maximum(values, 1e-6))
    return np.asarray(vectors.transpose(0, 2, 1) / sd[..., None])


def _sampled(values: Array, at: FloatArray, how: int = cv2.INTER_LINEAR, beyond: float = 0.0) -> FloatArray:
    """``values`` (row, column[, channel]) at pixels (n, s, 2); ``beyond`` where there are none."""
    return np.asarray(cv2.remap(values, np.asarray(at, np.float32), np.empty(0), how, borderMode=cv2.BORDER_CONSTANT, borderValue=(beyond,) * 4))


def _with_slopes(grey: FloatArray) -> FloatArray:
    across, down = (cv2.Scharr(grey, cv2.CV_32F, dx, 1 - dx, scale=1 / 32) for dx in (1, 0))
    return np.dstack([grey, across, down])


@cache
def _square() -> FloatArray:
    """(SIDE², 2)."""
    run = np.arange(SIDE) - SIDE // 2
    return np.stack(np.meshgrid(run, run), axis=2).reshape(-1, 2).astype(float)


@cache
def _light() -> FloatArray:
    """(SIDE², 6), orthonormal: what light does on a curved surface."""
    x, y = _square().T / SIDE
    return np.linalg.qr(np.column_stack([np.ones(SIDE * SIDE), x, y, x * x, x * y, y * y]))[0].astype(np.float32)


def _light_free(values: FloatArray) -> FloatArray:
    return np.asarray(values - (values @ _light()) @ _light().T)


def _without_light(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(n, SIDE²) without light, of length 1; and the length that it had."""
    flat = _light_free(values)
    strength = np.maximum(np.linalg.norm(flat, axis=1), 1e-3)
    return flat / strength[:, None], strength
