"""Further frames, one at a time, by a model that key frames gave: landmarks tell where to look, patches of skin tell where the head is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from diaphane.core.arrays import Array, FloatArray
from diaphane.core.transform import RigidTransform
from diaphane.fuse.register_anchors import POINTS, Anchors
from diaphane.fuse.register_keys import Key, first_look, landmark_sd_px
from diaphane.fuse.register_lift import View, projected
from diaphane.fuse.register_model import CORRELATED, Model, is_faced
from diaphane.fuse.register_patches import Match, Patches, Picture, matched
from diaphane.fuse.register_pose import Posed, refined

MOST = 260
"""Patches that are looked for in a frame: those lifted from the sides nearest to its own."""
LEAST = 12
"""Patches without which a pose is not moved."""


@dataclass(frozen=True, slots=True)
class Followed:
    """One frame's pose and what speaks for it."""

    pose: RigidTransform
    covariance: FloatArray
    """(6, 6): of turn (rad) and middle (mm), by this frame's pixels alone."""
    tried: int
    """Patches looked for."""
    agreeing: int
    """Of them, those found where the pose has them."""
    landmarks_off: float
    """Mean distance of the landmarks from where the pose has them, in standard deviations."""
    near: int
    """The key frame with the most similar line of sight."""


def settled_anchors(model: Model, keys: Sequence[Key]) -> Anchors:
    """The landmarks where the key frames show them on the skin as it is: what the network does wrong with this face is in them."""
    bent = model.face.bent(model.coefficients)
    found = []
    for key, pose in zip(keys, model.poses, strict=True):
        found.append(View.of(bent, pose, model.camera).lifted(np.asarray(key.glimpse.landmarks_px[:POINTS], float))[0])
    stacked = np.stack(found)
    seen = np.isfinite(stacked).all(axis=2).sum(axis=0) >= max(1, len(keys) // 3)
    points, spread = np.full((POINTS, 3), np.nan), np.full(POINTS, np.nan)
    points[seen] = np.nanmedian(stacked[:, seen], axis=0)
    spread[seen] = np.linalg.norm(np.nanmean(np.abs(stacked[:, seen] - points[seen]), axis=0), axis=1)
    points[spread > 6.0] = np.nan
    return Anchors(points, spread, np.full((POINTS, 3), np.nan))


def followed(model: Model, anchors: Anchors, picture: Array, landmarks: FloatArray | None, last: RigidTransform | None) -> Followed | None:
    """The pose in ``picture`` (row, column, 3; RGB); None where there is nothing to start from, or too few patches are found.

    It starts from the landmarks (478, 2), where there are any, else from the ``last`` pose.
    """
    looked = None if landmarks is None else first_look(anchors, landmarks, model.camera, model.face.middle)
    start = looked[0] if looked else last
    if start is None:
        return None
    levels = Picture.of(picture)
    chosen, near = _chosen(model, start)
    first = _posed(model, chosen, matched(chosen, levels, start, model.camera), start)
    if first is None:
        return None
    match = matched(chosen, levels, first.pose, model.camera, levels=(1,))
    last_one = _posed(model, chosen, match, first.pose)
    if last_one is None:
        return None
    off = np.inf if landmarks is None else _landmarks_off(model, anchors, landmarks, last_one.pose)
    return Followed(last_one.pose, last_one.covariance / CORRELATED**2, len(chosen.places), int(last_one.agreeing.sum()), off, near)


def _chosen(model: Model, pose: RigidTransform) -> tuple[Patches, int]:
    """Those that can be seen from ``pose``, and the key frame nearest to it."""
    poses = model.poses
    sights = np.stack([p.rotation[2] for p in poses]) @ pose.rotation[2]
    closer = np.array([p(model.face.middle)[2] for p in poses]) / pose(model.face.middle)[2]
    alike = sights - 0.15 * np.abs(np.log(closer))
    wanted = np.flatnonzero(is_faced(model.patches, model.origin, poses, pose))
    order = np.argsort(-alike[model.origin[wanted]], kind="stable")[:MOST]
    return model.patches.of(wanted[order]), int(alike.argmax())


def _posed(model: Model, patches: Patches, match: Match, start: RigidTransform) -> Posed | None:
    kept = match.found
    if int(kept.sum()) < LEAST:
        return None
    return refined(start, patches.places[kept], match.pixels[kept], match.root[kept] * CORRELATED, model.camera, middle=model.face.middle)


def _landmarks_off(model: Model, anchors: Anchors, landmarks: FloatArray, pose: RigidTransform) -> float:
    known = anchors.known
    expected = projected(anchors.points_mm[known], pose, model.camera)
    return float(np.linalg.norm(landmarks[:POINTS][known] - expected, axis=1).mean()) / landmark_sd_px(landmarks)
