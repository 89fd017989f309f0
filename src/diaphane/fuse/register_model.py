"""The face as key frames show it: one joint solution, and the patches of skin by which further frames are followed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import partial

import numpy as np

from diaphane.core.arrays import FloatArray, IntArray
from diaphane.core.camera import Camera
from diaphane.core.transform import RigidTransform
from diaphane.fuse.register_anchors import POINTS
from diaphane.fuse.register_bundle import Bundle, Points, Sightings, Solution, State
from diaphane.fuse.register_face import ScannedFace
from diaphane.fuse.register_field import rigid_part
from diaphane.fuse.register_keys import Key
from diaphane.fuse.register_lift import View
from diaphane.fuse.register_patches import Match, Patches, corners, lifted, matched

EVERY = 5
"""Landmarks err together: one of so many counts."""
SLIDE_MM, FREE_MM = 10.0, 20.0
"""Standard deviation of a landmark's place on the skin between scan and frame; and of a patch's, which is found by the pictures."""
OFF_MM = 0.25
"""Standard deviation of how far the skin lies off the scan's by what no slow deformation explains: voxels, and its short waves."""
STRETCH = 0.1
"""Standard deviation by which the landmarks of a frame are stretched against those of the drawn skin, as a share: the network sees brows and lips in one, and
none in the other. So landmarks say where a face is and how it is turned, and nothing of its size."""
CORNERS, APART_PX = 80, 5.5
"""Patches a key frame, and how far apart."""
CORRELATED = 0.45
"""Of a match's inverse deviation: neighbours err together."""
BELIEVED = (0.3, 0.5, 1.0, 1.0, 1.0)
"""How much of that counts, round by round: at first the scan's shape and the camera file are held, else a deformation takes what is the pose's."""
FACING, TURNED = 0.4, 0.6
"""Cosines: of the skin to the line of sight, and between two frames' lines of sight, from which a patch is looked for."""
OWN_PX = 0.1
"""Standard deviation of a patch's place in the frame that it was lifted from."""


@dataclass(frozen=True, slots=True)
class Model:
    """What key frames told."""

    face: ScannedFace
    camera: Camera
    """As estimated."""
    solution: Solution
    sightings: Sightings
    landmark_count: int
    """The first points of the bundle are landmarks."""
    patches: Patches
    """Of all key frames, deformed places."""
    origin: IntArray
    """(n,): the key frame of each patch."""

    @property
    def is_guess(self) -> bool:
        """Whether nobody measured the camera."""
        return self.camera.is_guess

    @property
    def coefficients(self) -> FloatArray:
        """(q, 3): the deformation's."""
        return self.solution.state.coefficients[: self.face.field.size]

    @property
    def poses(self) -> list[RigidTransform]:
        """Of the key frames."""
        return [self.solution.state.pose(n, self.face.middle) for n in range(len(self.solution.state.rotations))]


def modelled(face: ScannedFace, keys: Sequence[Key], nominal: Camera, focal_sd: float) -> Model:
    """From key frames with first poses; one at least."""
    landmark_points, landmark_seen = _landmarks(face, keys)
    poses = [key.glimpse.pose for key in keys]
    state = State(
        np.stack([p.rotation for p in poses]), np.stack([p(face.middle) for p in poses]), 0.0, nominal.distortion[0], np.zeros((face.field.size + 3, 3)),
        np.zeros((len(landmark_points.places), 3)),
    )  # fmt: skip
    held = _held(face, landmark_points)
    bundle = Bundle(landmark_points, landmark_seen, held, face.middle, nominal, focal_sd)
    bundle, solution = bundle.solved(state)
    state = solution.state
    pixels: list[FloatArray] | None = None
    for believed in BELIEVED:
        patches, origin = _lifted(face, keys, state, nominal, pixels)
        pixels = [patches.pixels[origin == n] for n in range(len(keys))]
        seen = _seen(keys, patches, origin, state, (face.middle, nominal))
        seen = replace(seen, root=seen.root * believed)
        points = _points(face, patches, landmark_points, state)
        slides = np.concatenate([state.slides[: len(landmark_points.places)], np.zeros((len(origin), 3))])
        seen = replace(seen, point=seen.point + len(landmark_points.places))
        bundle = Bundle(points, landmark_seen.joined(seen), held, face.middle, nominal, focal_sd, partial(_on_skin, face))
        bundle, solution = bundle.solved(replace(state, slides=slides))
        state = solution.state
    moved = bundle.bent(state)[len(landmark_points.places) :] - patches.places
    settled = replace(patches, places=patches.places + moved, grids=tuple(g + moved[:, None] for g in patches.grids))
    return Model(face, state.camera(nominal), solution, bundle.sightings, len(landmark_points.places), settled, origin)


def _landmarks(face: ScannedFace, keys: Sequence[Key]) -> tuple[Points, Sightings]:
    """Some of the landmarks as points, and where each key frame has them."""
    known = np.flatnonzero(face.anchors.known)[::EVERY]
    places = face.anchors.points_mm[known]
    along = np.hypot(SLIDE_MM, face.anchors.sd_mm[known])
    sd = np.stack([along, along, np.full(len(known), OFF_MM)], axis=1)
    basis = np.column_stack([face.field.basis(places), STRETCH * (places - face.middle)])
    points = Points(places, tangents_of(face.anchors.normals[known]), sd, np.zeros(len(known), bool), basis)
    frame = np.repeat(np.arange(len(keys)), len(known))
    pixels = np.concatenate([np.asarray(key.glimpse.landmarks_px[:POINTS][known], float) for key in keys])
    root = np.concatenate([np.broadcast_to(np.eye(2) / key.glimpse.sd_px, (len(known), 2, 2)) for key in keys])
    return points, Sightings(frame, np.tile(np.arange(len(known)), len(keys)), pixels, root)


def _held(face: ScannedFace, landmarks: Points) -> FloatArray:
    """The rigid motion of the deformation, and that of the landmarks' stretching."""
    waves = 3 * face.field.size
    stretch = rigid_part(landmarks.places, landmarks.basis[:, face.field.size :])
    return np.block([[face.field.rigid, np.zeros((6, 9))], [np.zeros((6, waves)), stretch]])


def tangents_of(normals: FloatArray) -> FloatArray:
    """(n, 3, 3): two directions across unit normals (n, 3), and the normals."""
    other = np.where(np.abs(normals[:, :1]) < 0.9, (1.0, 0, 0), (0, 1.0, 0))
    first = np.cross(normals, other)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    return np.stack([first, np.cross(normals, first), normals], axis=2)


def _lifted(face: ScannedFace, keys: Sequence[Key], state: State, nominal: Camera, pixels: list[FloatArray] | None) -> tuple[Patches, IntArray]:
    """The patches of all key frames on the skin as it is deformed now; where none were chosen before, at corners."""
    mesh, camera = face.bent(state.coefficients[: face.field.size]), state.camera(nominal)
    found, origin = [], []
    for n, key in enumerate(keys):
        view = View.of(mesh, state.pose(n, face.middle), camera)
        if pixels is None:
            where = view.seen.covered & face.is_face[view.seen.triangle]
            at = corners(key.glimpse.picture, where, CORNERS, APART_PX)
        else:
            at = pixels[n]
        patches, _ = lifted(key.levels, view, at)
        sight = view.pose(patches.places) / np.linalg.norm(view.pose(patches.places), axis=1, keepdims=True)
        patches = patches.of(-np.einsum("ij,ij->i", sight, patches.normals @ view.pose.rotation.T) > FACING)
        found.append(patches)
        origin.append(np.full(len(patches.places), n))
    whole = found[0]
    for more in found[1:]:
        whole = whole.joined(more)
    return whole, np.concatenate(origin)


def _points(face: ScannedFace, patches: Patches, landmarks: Points, state: State) -> Points:
    """Landmarks first, then the patches' middles, where they lie on the undeformed scan."""
    places = patches.places
    for _ in range(2):
        places = patches.places - face.field.basis(places) @ state.coefficients[: face.field.size]
    own = _on_skin(face, places)
    return Points(*(np.concatenate([getattr(landmarks, f.name), getattr(own, f.name)]) for f in fields(Points)))


def _on_skin(face: ScannedFace, places: FloatArray) -> Points:
    """Free points at the places of the undeformed skin that are nearest."""
    there, normals = face.skin.nearest(places)
    basis = np.column_stack([face.field.basis(there), np.zeros((len(there), 3))])
    return Points(there, tangents_of(normals), np.tile([FREE_MM, FREE_MM, OFF_MM], (len(there), 1)), np.ones(len(there), bool), basis)


def _seen(keys: Sequence[Key], patches: Patches, origin: IntArray, state: State, given: tuple[FloatArray, Camera]) -> Sightings:
    """Each patch in its own frame, and in all others that see it from near enough a side."""
    middle, nominal = given
    camera = state.camera(nominal)
    own = np.broadcast_to(np.eye(2) / OWN_PX, (len(origin), 2, 2))
    out = Sightings(origin, np.arange(len(origin)), patches.pixels, own)
    for n, key in enumerate(keys):
        pose = state.pose(n, middle)
        wanted = np.flatnonzero((origin != n) & is_faced(patches, origin, [state.pose(k, middle) for k in range(len(keys))], pose))
        match = matched(patches.of(wanted), key.levels, pose, camera)
        out = out.joined(_as_sightings(match, wanted, n))
    return out


def is_faced(patches: Patches, origin: IntArray, poses: Sequence[RigidTransform], pose: RigidTransform) -> FloatArray:
    """(n,) bool: patches turned towards a camera at ``pose``, and lifted from a frame whose line of sight is like its own."""
    eyes = np.stack([p.inverse().translation_mm for p in poses])[origin] - patches.places
    here = pose.inverse().translation_mm - patches.places
    eyes, here = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (eyes, here))
    return np.asarray((np.einsum("ij,ij->i", here, patches.normals) > FACING) & (np.einsum("ij,ij->i", here, eyes) > TURNED))


def _as_sightings(match: Match, number: IntArray, frame: int) -> Sightings:
    kept = match.found
    return Sightings(np.full(int(kept.sum()), frame), number[kept], match.pixels[kept], match.root[kept] * CORRELATED)
