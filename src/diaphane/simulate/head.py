"""A head as CT sees it, made of ellipsoids: for the demo and for tests, where no patient's scan may be used.

It has a face, a skull with a foramen magnum, a nose cavity and a neck that the scan cuts, and is no model of any person.
Its measures are known: the head cavity is an ellipsoid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from diaphane.core.arrays import BoolArray, FloatArray
from diaphane.core.geometry import Geometry
from diaphane.core.image import Image

AIR, FAT, SOFT, BRAIN, BONE = -1000, -80, 45, 35, 900
"""Hounsfield units."""
CAVITY_MM = (66.0, 84.0, 62.0)
"""Half axes left-right, front-back, up-down."""
SKULL_MM, SCALP_MM = 6.0, 6.0
Ellipsoid = tuple[tuple[float, float, float], tuple[float, float, float]]
"""Centre and half axes, LPS mm; the cavity's centre is the origin."""
FACE: Ellipsoid = ((0, -38, -62), (56, 58, 62))
JAW: Ellipsoid = ((0, -42, -72), (44, 46, 40))
NOSE: Ellipsoid = ((0, -98, -52), (13, 18, 22))
NOSE_CAVITY: Ellipsoid = ((0, -72, -52), (11, 30, 16))
EYES: tuple[Ellipsoid, Ellipsoid] = (((32, -84, -22), (12, 12, 12)), ((-32, -84, -22), (12, 12, 12)))
NECK_MM, FORAMEN_MM = 52.0, 10.0
"""Radii of the neck and of the hole through which the cord leaves."""


@dataclass(frozen=True, slots=True)
class HeadPhantom:
    """The scan and what is known of it."""

    image: Image
    cavity: BoolArray
    """[k, j, i]."""
    cavity_ml: float
    """In closed form: 4/3 pi abc."""


def head_phantom(rng: np.random.Generator, spacing_mm: float = 2.0) -> HeadPhantom:
    """A head CT with cubic voxels of ``spacing_mm``, slices from the neck up, noise of 8 HU."""
    x, y, z, geometry = _grid(spacing_mm)
    cavity = _within(x, y, z, ((0, 0, 0), CAVITY_MM))
    skull = _within(x, y, z, ((0, 0, 0), _wider(SKULL_MM))) & ~cavity
    scalp = _within(x, y, z, ((0, 0, 0), _wider(SKULL_MM + SCALP_MM)))
    column = (z < 0) & (z > -150)
    neck = column & (x**2 + (y - 12) ** 2 <= NECK_MM**2)
    canal = column & (x**2 + (y - 24) ** 2 <= FORAMEN_MM**2)
    spine = column & (x**2 + (y - 24) ** 2 <= (FORAMEN_MM + 8) ** 2)
    values = np.full(x.shape, AIR, np.float32)
    outside = scalp | _within(x, y, z, FACE) | neck | _within(x, y, z, NOSE)
    values[outside] = SOFT
    values[scalp & ~_within(x, y, z, ((0, 0, 0), _wider(SKULL_MM + 2)))] = FAT
    values[(_within(x, y, z, JAW) & ~_within(x, y, z, (JAW[0], (36, 38, 32)))) | skull | spine] = BONE
    for eye in EYES:
        values[_within(x, y, z, eye) & ~skull] = 10
    values[canal & ~cavity] = SOFT
    values[cavity] = BRAIN
    values[_within(x, y, z, NOSE_CAVITY) & ~skull & ~cavity] = AIR
    values += rng.normal(0, 8, values.shape).astype(np.float32)
    a, b, c = CAVITY_MM
    return HeadPhantom(Image(np.round(values).astype(np.int16), geometry, "made-head"), cavity, 4 / 3 * math.pi * a * b * c / 1000)


def _grid(spacing: float) -> tuple[FloatArray, FloatArray, FloatArray, Geometry]:
    """LPS coordinates of every voxel [k, j, i], and the geometry."""
    (left, right), (front, back), (low, high) = (-96.0, 96.0), (-126.0, 114.0), (-138.0, 90.0)
    z, y, x = np.meshgrid(*(np.arange(a, b, spacing, dtype=np.float32) for a, b in ((low, high), (front, back), (left, right))), indexing="ij")
    affine = np.array([[0, 0, spacing, left], [0, spacing, 0, front], [spacing, 0, 0, low], [0, 0, 0, 1.0]])
    return x, y, z, Geometry(affine, calibrated=True)


def _wider(by_mm: float) -> tuple[float, float, float]:
    a, b, c = CAVITY_MM
    return a + by_mm, b + by_mm, c + by_mm


def _within(x: FloatArray, y: FloatArray, z: FloatArray, ellipsoid: Ellipsoid) -> BoolArray:
    (u, v, w), (a, b, c) = ellipsoid
    return np.asarray(((x - u) / a) ** 2 + ((y - v) / b) ** 2 + ((z - w) / c) ** 2 <= 1)
