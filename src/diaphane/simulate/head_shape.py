"""A whole head around the canonical face: the average, made a person's own by seed; a signed distance everywhere.

The face's 468 points and the points of a vault, as seen from a point inside the head, are joined by a thin-plate spline over all directions; neck and ears
are bodies of their own. Every head is clearly another: length, width, nose, chin, brow, jaw, cheeks differ by millimetres, and all of it smoothly by chance.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.interpolate import RBFInterpolator

from diaphane.core.arrays import Array, FloatArray
from diaphane.simulate.head_field import Field, draw_field
from diaphane.track.canonical import canonical_face

TO_LPS = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
"""Axes of the canonical face (left, down, back) to LPS."""
CENTRE = np.array([0.0, 28.0, 18.0])
"""Inside the head; all directions are seen from here. LPS mm, like all below; the canonical face's own origin stays the origin."""
VAULT: tuple[FloatArray, FloatArray] = (np.array([0.0, 38, 44]), np.array([77.0, 97, 84]))
"""Middle and half axes of the skull's outside with its scalp."""
CAVITY: tuple[FloatArray, FloatArray] = (np.array([0.0, 40, 46]), np.array([64.0, 82, 64]))
"""Of the space for the brain."""
NECK: tuple[FloatArray, FloatArray] = (np.array([0.0, 42, -40]), np.array([0.0, 66, -190]))
"""Its axis."""
NECK_MM = 54.0
EAR = (np.array([6.0, 13, 4]), np.array([7.0, 16, 30]))
"""From the tragus (point 454), and half axes."""
AROUND_EAR_MM = 70.0
"""Beyond it an ear changes nothing."""
SOFT_NECK_MM, SOFT_EAR_MM = 16.0, 5.0
"""Over such a width bodies flow into each other."""
SCALES = ((0.93, 1.05), (0.95, 1.05), (0.94, 1.06))
"""Of the head along left-right, front-back, up-down."""
BUMPS: tuple[tuple[tuple[int, ...], float, tuple[float, float, float], float], ...] = (
    ((1,), 17.0, (0, -1, 0), 4.0),
    ((1,), 16.0, (0, 0, -1), 3.0),
    ((6,), 14.0, (0, -1, 0), 2.5),
    ((98, 327), 10.0, (1, 0, 0), 2.0),
    ((152,), 28.0, (0, -0.8, -0.6), 6.0),
    ((10,), 40.0, (0, -1, 0), 6.0),
    ((117, 346), 26.0, (0.8, -0.6, 0), 3.5),
    ((172, 397), 34.0, (1, 0, 0), 7.0),
    ((13,), 16.0, (0, -1, 0), 2.0),
    ((107, 336), 17.0, (0, -1, 0), 3.0),
    ((159, 386), 14.0, (0, 1, 0), 2.0),
)
"""Points of the face (the second of two mirrored ones mirrors the first), radius mm, direction (outward on the left), largest size mm."""
OWN_MM, OWN_LENGTH_MM = 2.5, 45.0
"""By chance everywhere: root mean square and correlation length."""
MOUTH = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)
"""The inner edge of the lips, which lies in a fold; the texture draws it."""
APART_DEG = 12.0
"""The vault's points keep this distance from those of the face."""
ROWS, COLUMNS = 256, 512
"""Of the map of distances over elevation and azimuth."""


@dataclass(frozen=True, slots=True)
class Person:
    """What makes the average head a person's."""

    scale: FloatArray
    bumps: FloatArray
    """mm, one a line of ``BUMPS``."""
    own: Field

    def __call__(self, points: FloatArray) -> FloatArray:
        """Where points (n, 3) of the average head lie on the person's."""
        face = average_face()
        moved = points * self.scale + self.own.at(points)
        for size, (middles, radius, towards, _) in zip(self.bumps, BUMPS, strict=True):
            for number, middle in enumerate(middles):
                mirrored = np.array(towards) * ((-1, 1, 1) if number == 0 and len(middles) == 2 else (1, 1, 1))
                near = np.exp(-((points - face[middle]) ** 2).sum(axis=1) / (2 * radius**2))
                moved = moved + size * near[:, None] * mirrored
        return np.asarray(moved)


def average_face() -> FloatArray:
    """(468, 3): the canonical face, LPS mm.

    Raises:
        NotPulledError: The weights of faces are not here.
    """
    return np.asarray(canonical_face().points_mm @ TO_LPS.T)


def average() -> Person:
    """Nobody."""
    return Person(np.ones(3), np.zeros(len(BUMPS)), Field(np.zeros((3, 1)), np.zeros(1), np.zeros((1, 3))))


def draw_person(rng: np.random.Generator) -> Person:
    """Somebody."""
    scale = np.array([rng.uniform(*ends) for ends in SCALES])
    return Person(scale, np.array([rng.uniform(-size, size) for *_, size in BUMPS]), draw_field(rng, OWN_LENGTH_MM, OWN_MM))


@dataclass(frozen=True, slots=True)
class HeadShape:
    """A person's undeformed head."""

    face: FloatArray
    """(468, 3) LPS mm: the canonical points on it."""
    radius: Array
    """(row, column) float32: distance of the skin from ``CENTRE`` over elevation (-90 to 90) and azimuth (-180 to 180, 0 in front)."""
    steep: Array
    """The same grid: cosine of the skin's slope against the sphere."""
    scale: FloatArray

    def distance(self, points: FloatArray) -> FloatArray:
        """Signed distance mm of points (n, 3) from the skin, negative inside; true near it."""
        arms = points - CENTRE
        length = np.sqrt(np.einsum("nd,nd->n", arms, arms))
        place = places(arms, ROWS, COLUMNS)
        head = (length - _looked_up(self.radius, place)) * _looked_up(self.steep, place)
        whole = _union(head, self._neck(points), SOFT_NECK_MM)
        for tragus, side in ((454, 1), (234, -1)):
            near = np.flatnonzero(np.abs(points - self.face[tragus]).max(axis=1) < AROUND_EAR_MM)
            whole[near] = _union(whole[near], self._ear(points[near], self.face[tragus], side), SOFT_EAR_MM)
        return whole

    def _neck(self, points: FloatArray) -> FloatArray:
        low, high = (end * self.scale for end in NECK)
        along = (points - low) @ (high - low) / ((high - low) @ (high - low))
        arms = points - low - np.clip(along, 0, 2)[:, None] * (high - low)
        return np.asarray(np.sqrt(np.einsum("nd,nd->n", arms, arms)) - NECK_MM * self.scale[0])

    def _ear(self, points: FloatArray, tragus: FloatArray, side: int) -> FloatArray:
        offset, axes = EAR
        return _ellipsoid(points, tragus + offset * (side, 1, 1), axes)

    def cavity(self, points: FloatArray) -> FloatArray:
        """Signed distance mm from the space for the brain."""
        middle, axes = CAVITY
        return _ellipsoid(points, middle * self.scale, axes * self.scale)


def head_shape(person: Person) -> HeadShape:
    """The head of ``person``."""
    face = average_face()
    known = person(np.concatenate([face, _vault(face)]))
    arms = known - CENTRE
    length = np.linalg.norm(arms, axis=1)
    elevation, azimuth = np.meshgrid(*(_degrees(n, half) for n, half in ((ROWS, 90), (COLUMNS, 180))), indexing="ij")
    every = np.stack([np.sin(azimuth) * np.cos(elevation), -np.cos(azimuth) * np.cos(elevation), np.sin(elevation)], axis=-1)
    kept = np.setdiff1d(np.arange(len(known)), MOUTH)
    spline = RBFInterpolator(arms[kept] / length[kept, None], length[kept], kernel="thin_plate_spline", smoothing=1e-4)
    radius = spline(every.reshape(-1, 3)).reshape(ROWS, COLUMNS)
    across = np.gradient(np.pad(radius, ((0, 0), (1, 1)), mode="wrap"), axis=1)[:, 1:-1] / (2 * np.pi / COLUMNS) / np.maximum(np.cos(elevation), 0.05)
    up = np.gradient(radius, axis=0) / (np.pi / ROWS)
    steep = 1 / np.sqrt(1 + (across / radius) ** 2 + (up / radius) ** 2)
    return HeadShape(known[: len(face)], radius.astype(np.float32), steep.astype(np.float32), person.scale)


def places(arms: FloatArray, rows: int, columns: int) -> tuple[Array, Array]:
    """Column and row (float32) of directions (n, 3) on a map of so many over azimuth and elevation."""
    azimuth = np.arctan2(arms[:, 0], -arms[:, 1])
    elevation = np.arctan2(arms[:, 2], np.hypot(arms[:, 0], arms[:, 1]))
    column, row = (azimuth / (2 * np.pi) + 0.5) * columns - 0.5, (elevation / np.pi + 0.5) * rows - 0.5
    return column.astype(np.float32), row.astype(np.float32)


def _degrees(count: int, half: float) -> FloatArray:
    """The middles of ``count`` parts of -half to half, in rad."""
    return np.radians(((np.arange(count) + 0.5) / count * 2 - 1) * half)


def _looked_up(chart: Array, place: tuple[Array, Array]) -> FloatArray:
    """Bicubic; going round at the sides."""
    margin = 4
    wide = np.concatenate([chart[:, -margin:], chart, chart[:, :margin]], axis=1)
    rows = 30_000  # OpenCV's remap takes no side beyond 32767
    column, row = (np.resize(p, (-(-len(p) // 1024), 1024)) for p in place)
    parts = [
        cv2.remap(wide, column[n : n + rows] + np.float32(margin), row[n : n + rows], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        for n in range(0, len(column), rows)
    ]
    return np.concatenate(parts).ravel()[: len(place[0])].astype(np.float64)


def _vault(face: FloatArray) -> FloatArray:
    """Points of the vault, and of the head's underside, where there is no face."""
    count = 420
    height = 1 - 2 * (np.arange(count) + 0.5) / count
    turn = np.pi * (3 - 5**0.5) * np.arange(count)
    every = np.stack([np.cos(turn) * np.sqrt(1 - height**2), np.sin(turn) * np.sqrt(1 - height**2), height], axis=1)
    seen = (face - CENTRE) / np.linalg.norm(face - CENTRE, axis=1, keepdims=True)
    every = every[(every @ seen.T).max(axis=1) < np.cos(np.radians(APART_DEG))]
    middle, axes = VAULT
    start, towards = (CENTRE - middle) / axes, every / axes
    a, b, c = (towards**2).sum(axis=1), towards @ start, start @ start - 1
    return np.asarray(CENTRE + every * ((-b + np.sqrt(b**2 - a * c)) / a)[:, None])


def _ellipsoid(points: FloatArray, middle: FloatArray, axes: FloatArray) -> FloatArray:
    """Signed distance, to first order."""
    share = (points - middle) / axes
    length, slope = (np.sqrt(np.einsum("nd,nd->n", part, part)) for part in (share, share / axes))
    return np.asarray(length * (length - 1) / np.maximum(slope, 1e-6))


def _union(a: FloatArray, b: FloatArray, soft_mm: float) -> FloatArray:
    """Of two signed distances, rounded where they meet (polynomial smooth minimum)."""
    mix = np.clip(0.5 + 0.5 * (b - a) / soft_mm, 0, 1)
    return np.asarray(b + (a - b) * mix - soft_mm * mix * (1 - mix))
