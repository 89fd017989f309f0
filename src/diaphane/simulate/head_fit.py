"""The average face laid on the skin of a scan: where brows, eyes and lips are painted, and where the middle of the head must be.

It serves the picture only; registration knows nothing of it. Source: Besl, McKay, IEEE TPAMI 14, 239 (1992), with trimming, on planes, and with a scale.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree
from scipy.spatial.transform import Rotation

from diaphane.core.arrays import FloatArray
from diaphane.core.mesh import Mesh
from diaphane.errors import InputError
from diaphane.simulate.head_shape import CENTRE, VAULT, average_face
from diaphane.simulate.head_subject import Placed

TILTS_DEG, HEIGHTS_MM = (-16, 0, 16), (-24, -8, 8, 24)
"""Nods and heights that the fit starts from: scans lie differently."""
FIRST, ROUNDS = 15, 60
"""Steps from every start, and from the best of them."""
UPPER_MM = -22.0
"""Only points of the face above this count, from the nose's base on: scans of heads often end there."""
KEPT = 0.85
"""Share of them that must find skin."""
BELOW_MM, BELOW_COST_MM = 3.0, 2.0
"""Points of the face that come as near as this to the scan's lower end, or below it, have no skin; they count as so far off, lest all of them go there."""
LEAST_SEEN = 0.4
"""Share of the points above ``UPPER_MM`` that must lie above the scan's lower end."""
LARGEST_OFF_MM = 4.0
"""Mean distance of the kept points, beyond which what was found is no face."""
SIZES = (0.85, 1.35)
"""Of adults' heads, over the average, also in spaces of brain atlases, which are larger."""
SAME = 0.02
"""Directions that differ by less (rad) are one."""


def face_on(skin: Mesh) -> Placed:
    """Where the average head lies when its face is laid on ``skin``; the scan must be upright and look forward to some 25 degrees.

    Raises:
        InputError: There is no face.
    """
    points, normals = np.asarray(skin.vertices_mm, float), skin.vertex_normals.astype(float)
    starts = [_start(points, tilt, height) for tilt in TILTS_DEG for height in HEIGHTS_MM]
    forward = points[:, 1] < np.median(points[:, 1])
    points, normals = points[forward], normals[forward]
    tree = KDTree(points)
    _, promising = min((_fitted(start, tree, normals, FIRST) for start in starts), key=lambda result: result[0])
    off, best = _fitted(promising, tree, normals, ROUNDS)
    if not off <= LARGEST_OFF_MM:
        raise InputError(f"no face was found on this scan: the average face misses its skin by {off:.1f} mm; give one that is upright and not defaced")
    return best


def facing(placed: Placed, skin: Mesh) -> FloatArray:
    """(468, 3): the canonical points moved along the line to the middle of the head until they lie on ``skin``."""
    arms = placed.back(np.asarray(skin.vertices_mm, float)) - CENTRE
    tree = KDTree(arms / np.linalg.norm(arms, axis=1, keepdims=True))
    wanted = average_face() - CENTRE
    far, which = tree.query(wanted / np.linalg.norm(wanted, axis=1, keepdims=True))
    return np.where((far < SAME)[:, None], np.asarray(skin.vertices_mm, float)[which], placed(average_face()))


def _start(points: FloatArray, tilt_deg: float, higher_mm: float) -> Placed:
    """The vault on the head's top, turned by a nod."""
    middle = np.array([np.median(points[:, 0]), (points[:, 1].min() + points[:, 1].max()) / 2, points[:, 2].max()])
    centre, axes = VAULT
    turn = Rotation.from_euler("x", tilt_deg, degrees=True).as_matrix()
    wide = float(np.percentile(points[:, 0], 99) - np.percentile(points[:, 0], 1)) / (2 * axes[0])
    scale = np.full(3, np.clip(wide, *SIZES))
    target = middle - (0, 0, axes[2] * scale[2] - higher_mm)
    return Placed(turn, target - turn @ (centre * scale), scale)


def _fitted(start: Placed, tree: KDTree, normals: FloatArray, rounds: int) -> tuple[float, Placed]:
    """By trimmed iterated closest points, on planes: how far off (mm) and where."""
    face = average_face()
    face = face[face[:, 2] > UPPER_MM]
    floor = float(tree.data[:, 2].min()) + BELOW_MM
    now, off = start, np.inf
    for _ in range(rounds):
        placed = now(face)
        far, which = tree.query(placed)
        there = placed[:, 2] > floor
        if there.mean() < LEAST_SEEN:
            return np.inf, now
        kept = there & (far <= np.quantile(far[there], KEPT))
        off = float(far[kept].mean() * there.mean() + BELOW_COST_MM * (1 - there.mean()))
        now = _stepped(now, placed[kept], np.asarray(tree.data)[which[kept]], normals[which[kept]])
    return off, now


def _stepped(now: Placed, moved: FloatArray, fixed: FloatArray, normals: FloatArray) -> Placed:
    """One step of a similarity that brings ``moved`` onto the planes through ``fixed``."""
    middle = moved.mean(axis=0)
    arms = moved - middle
    slope = np.concatenate([np.cross(arms, normals), normals, (arms * normals).sum(axis=1, keepdims=True)], axis=1)
    weak = np.diag([1e-2] * 3 + [1e-3] * 3 + [30.0]) * len(moved) / 100
    step = np.linalg.solve(slope.T @ slope + weak, slope.T @ ((fixed - moved) * normals).sum(axis=1))
    turn = Rotation.from_rotvec(step[:3]).as_matrix()
    size = float(np.clip(now.scale[0] * (1 + step[6]), *SIZES))
    grown = size / float(now.scale[0])
    shift = grown * turn @ (now.shift_mm - middle) + middle + step[3:6]
    return Placed(turn @ now.rotation, shift, np.full(3, size))
