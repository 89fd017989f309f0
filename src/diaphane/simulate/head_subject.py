"""Whose head is filmed: its skin as a mesh of its own, where its face lies, targets inside, and its scan where it was made here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from skimage.measure import marching_cubes

from diaphane.core.arrays import FloatArray
from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.core.mesh import Mesh
from diaphane.simulate.head_shape import CAVITY, HeadShape, draw_person, head_shape

AIR, SKIN, BRAIN, BONE = -1000.0, 20.0, 35.0, 900.0
"""Hounsfield units."""
NOISE_HU = 8.0
SPACING_MM = 1.25
SKULL_MM, SCALP_MM = 6.0, 5.0
SPINE_MM, CANAL_MM = 20.0, 9.0
LOW_MM, HIGH_MM = -150.0, 12.0
"""The scan's lower end; its upper end above the vertex."""
STEP_MM, APART_MM = 1.6, 0.37
"""Of the grid that the skin is meshed on, which is not the scan's."""
PART = 2_000_000
"""Points at a time."""
TARGETS: dict[str, tuple[float, float, float]] = {
    "middle": (0, 0, 0), "frontal right": (-0.5, -0.55, 0.2), "frontal left": (0.5, -0.55, 0.2), "temporal right": (-0.68, -0.1, -0.3),
    "temporal left": (0.68, -0.1, -0.3), "parietal right": (-0.5, 0.35, 0.5), "parietal left": (0.5, 0.35, 0.5), "sella": (0, -0.32, -0.55),
    "cerebellum": (0, 0.5, -0.55), "vertex": (0, 0, 0.75),
}  # fmt: skip
"""Shares of the cavity's half axes, left, back and up."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the average head lies in a scan: ``scan = scale * rotation @ average + shift_mm``."""

    rotation: FloatArray
    shift_mm: FloatArray
    scale: FloatArray
    """(3,) along the average head's axes; of a fitted one thrice the same number."""

    def __call__(self, points: FloatArray) -> FloatArray:
        """Points (n, 3) of the average head in the scan, LPS mm."""
        return np.asarray((points * self.scale) @ self.rotation.T + self.shift_mm)

    def back(self, points: FloatArray) -> FloatArray:
        """Points (n, 3) of the scan on the average head."""
        return np.asarray((points - self.shift_mm) @ self.rotation / self.scale)


@dataclass(frozen=True, slots=True)
class Subject:
    """All LPS mm, undeformed."""

    skin: Mesh
    """Head and neck."""
    face: FloatArray
    """(468, 3): the canonical points on the skin, as well as they are known."""
    placed: Placed
    targets: dict[str, FloatArray]
    image: Image | None
    """The scan that was made of it; None where it was given."""


def made_subject(rng: np.random.Generator, coarse: float = 1.0) -> Subject:
    """Somebody whom the seed makes, with a CT of theirs; voxels and triangles are ``coarse`` times as large as they should be."""
    shape = head_shape(draw_person(rng))
    placed = Placed(np.eye(3), np.zeros(3), np.ones(3))
    inside = Placed(np.eye(3), np.zeros(3), shape.scale)
    return Subject(skin_of(shape, STEP_MM * coarse), shape.face, placed, targets(inside), _scan(shape, SPACING_MM * coarse, rng))


def targets(placed: Placed) -> dict[str, FloatArray]:
    """Points inside the head, by name."""
    middle, axes = CAVITY
    points = placed(middle + np.array(list(TARGETS.values())) * axes)
    return dict(zip(TARGETS, points, strict=True))


def skin_of(shape: HeadShape, step: float) -> Mesh:
    """Marching cubes on the exact surface; the neck goes on below the scan."""
    x, y, z = (np.arange(low + APART_MM, high, step) for low, high in _ends(shape, -230.0))
    distance = valued(shape.distance, (z, y, x))
    vertices, faces, _, _ = marching_cubes(distance, 0.0, spacing=(step,) * 3)
    placed = (vertices + np.array([z[0], y[0], x[0]]))[:, ::-1].astype(np.float32)
    return outward(Mesh(placed, np.ascontiguousarray(faces).astype(np.int32)))


def outward(mesh: Mesh) -> Mesh:
    """``mesh`` with its faces looking outward."""
    return mesh if mesh.volume_mm3 > 0 else Mesh(mesh.vertices_mm, np.ascontiguousarray(mesh.faces[:, ::-1]))


def _scan(shape: HeadShape, spacing: float, rng: np.random.Generator) -> Image:
    """A CT: skin and brain, a shell of bone, a spine, air around, partial volume at the skin, noise."""
    x, y, z = (np.arange(low, high, spacing) for low, high in _ends(shape, LOW_MM))
    grid = (z, y, x)
    skin, cavity = valued(shape.distance, grid), valued(shape.cavity, grid)
    values = np.where(cavity < 0, BRAIN, SKIN).astype(np.float32)
    values[(cavity >= 0) & (cavity < SKULL_MM) & (skin < -SCALP_MM)] = BONE
    zz, yy, xx = np.meshgrid(*grid, indexing="ij", sparse=True)
    axis = np.hypot(xx, yy - (52 - 0.13 * (zz + 40)))
    column = (zz < CAVITY[0][2] - CAVITY[1][2] + 4) & (cavity >= 0)
    values[column & (axis < SPINE_MM)] = BONE
    values[(axis < CANAL_MM) & (zz < CAVITY[0][2] - CAVITY[1][2] + 12)] = BRAIN
    cover = np.clip(0.5 - skin / spacing, 0, 1)
    values = AIR + (values - AIR) * cover + rng.normal(0, NOISE_HU, values.shape)
    affine = np.array([[0, 0, spacing, x[0]], [0, spacing, 0, y[0]], [spacing, 0, 0, z[0]], [0, 0, 0, 1.0]])
    return Image(np.round(values).astype(np.int16), Geometry(affine, calibrated=True), "scan")


def _ends(shape: HeadShape, low_mm: float) -> tuple[tuple[float, float], ...]:
    """Of a box around the head, along x, y and z."""
    wide, deep, high = 96.0 * shape.scale[0] + 8, 108 * shape.scale[1], 128.0 * shape.scale[2]
    return (-wide, wide), (float(shape.face[:, 1].min()) - 12, 38 + deep + 10), (low_mm, high + HIGH_MM)


def valued(distance: Callable[[FloatArray], FloatArray], grid: tuple[FloatArray, ...]) -> FloatArray:
    """(k, j, i) of a function of points on a grid."""
    z, y, x = grid
    yy, xx = np.meshgrid(y, x, indexing="ij")
    plane = np.stack([xx.ravel(), yy.ravel(), np.zeros(xx.size)], axis=1)
    slab = max(1, PART // len(plane))
    out = np.empty((len(z), len(y), len(x)), np.float32)
    for start in range(0, len(z), slab):
        heights = z[start : start + slab]
        points = np.tile(plane, (len(heights), 1))
        points[:, 2] = np.repeat(heights, len(plane))
        out[start : start + slab] = distance(points).reshape(len(heights), len(y), len(x))
    return out
