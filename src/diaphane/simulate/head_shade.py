"""The picture of a head: its skin lit, before a background."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import trimesh

from diaphane.core.arrays import Array, BoolArray, FloatArray
from diaphane.core.camera import Camera
from diaphane.core.mesh import Mesh
from diaphane.core.transform import RigidTransform
from diaphane.simulate.head_conditions import WIDTH_PX, Conditions
from diaphane.simulate.head_render import Caster, directions
from diaphane.simulate.head_shape import CENTRE, places
from diaphane.simulate.head_subject import Subject
from diaphane.simulate.head_texture import Looks, texture
from diaphane.simulate.skin import clouds

WRAP = 0.25
"""Light goes so far round an edge."""
SHINE, GLOSS = 0.10, 18.0
SIDE = 3
"""Rays a pixel along each of its sides, where an edge is."""
EDGE_MM, FAR_MM = 6.0, 1e5
SHOULDERS = (np.array([0.0, 62, -345]), np.array([190.0, 100, 195]))
"""Middle and half axes, mm of the average head."""
ROOM = 0.5
"""Of the background's width and height, beyond the frame on each side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Studio:
    """All that pictures of one head are made of."""

    conditions: Conditions
    camera: Camera
    caster: Caster
    middles: FloatArray
    """(row, column, 1, 3): directions of the rays through the pixels' middles."""
    finer: FloatArray
    """(row, column, n, 3): those that look again where an edge is."""
    normals: FloatArray
    """(vertices, 3), of the deformed skin, LPS."""
    arms: FloatArray
    """(vertices, 3): from the middle of the average head to where the undeformed skin's vertices lie on it: where the texture is looked up."""
    texture: Array
    cloth: FloatArray
    """RGB of what is not skin: the triangles after the skin's own."""
    bare: int
    """Triangles of the skin."""
    background: Array

    def __call__(self, pose: RigidTransform, share: float) -> FloatArray:
        """(row, column, 3), 0-1, sharp and without noise, at ``share`` of the clip."""
        out = self._background(share).astype(float)
        window = self.caster.window(pose, self.camera)
        part = out[window]
        back = part.copy()
        colour, distance = self._seen(pose, self.middles[window].reshape(-1, 3), back.reshape(-1, 3))
        part[:] = colour.reshape(part.shape)
        edge = _edges(distance.reshape(part.shape[:2]))
        again = self.finer[window][edge]
        count = again.shape[1]
        finer, _ = self._seen(pose, again.reshape(-1, 3), np.repeat(back[edge], count, axis=0))
        part[edge] = finer.reshape(-1, count, 3).mean(axis=1)
        return out

    def _seen(self, pose: RigidTransform, to: FloatArray, back: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Colours (n, 3) of what rays meet, else ``back``; and how far it is, else without end."""
        met = self.caster(pose, to)
        corners = np.asarray(self.caster.mesh.faces)[met.triangle]
        arms, normals = (np.einsum("nk,nkd->nd", met.weights, values[corners]) for values in (self.arms, self.normals))
        colour = _looked_up(self.texture, arms)
        dressed = met.triangle >= self.bare
        colour[dressed] = self.cloth * (0.7 + 0.3 * colour[dressed].mean(axis=1, keepdims=True) / float(self.texture.mean()))
        normals = normals @ pose.rotation.T
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
        out, far = back.copy(), np.full(len(to), FAR_MM)
        out[met.hit], far[met.hit] = self._lit(colour, normals, to[met.hit]), met.distance_mm
        return out, far

    def _lit(self, colour: FloatArray, normals: FloatArray, to: FloatArray) -> FloatArray:
        strength = self.conditions.ambient * (0.85 - 0.15 * normals[:, 1])
        shine = np.zeros(len(normals))
        for light in self.conditions.lights:
            facing = normals @ light.direction
            strength = strength + light.strength * np.clip((facing + WRAP) / (1 + WRAP), 0, None) ** 1.5
            between = light.direction - to
            between /= np.linalg.norm(between, axis=1, keepdims=True)
            shine += light.strength * SHINE * np.clip((normals * between).sum(axis=1), 0, None) ** GLOSS
        return np.asarray((colour * strength[:, None] + shine[:, None]) * self.conditions.tint)

    def _background(self, share: float) -> Array:
        """What is behind, which moves a little against the head."""
        width, height = self.camera.width, self.camera.height
        turn, nod = (float(sway.at(np.array([share]))[0]) / 90 for sway in (self.conditions.yaw_deg, self.conditions.pitch_deg))
        shift = np.array([[1, 0, -width * (ROOM + turn)], [0, 1, -height * (ROOM + nod)]])
        return np.asarray(cv2.warpAffine(self.background, shift, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT))


def studio(subject: Subject, skin: Mesh, looks: Looks, *, conditions: Conditions, camera: Camera, rng: np.random.Generator) -> Studio:
    """Pictures of ``skin``, the deformed one of ``subject``, above shoulders in cloth.

    Raises:
        UsageError: embreex is missing.
    """
    shoulders = _shoulders(subject)
    every = joined(skin, shoulders)
    places_mm = np.concatenate([np.asarray(subject.skin.vertices_mm, float), np.asarray(shoulders.vertices_mm, float)])
    painted = texture(looks, subject.placed.back(subject.face))
    return Studio(
        conditions=conditions, camera=camera, caster=Caster(every), middles=directions(camera), finer=directions(camera, SIDE),
        normals=every.vertex_normals.astype(float), arms=subject.placed.back(places_mm) - CENTRE, texture=painted, cloth=looks.cloth, bare=len(skin.faces),
        background=_wall(camera, rng),
    )  # fmt: skip


def _shoulders(subject: Subject) -> Mesh:
    """A body to stand on: it belongs to no scan."""
    ball = trimesh.creation.icosphere(subdivisions=5)
    middle, axes = SHOULDERS
    return Mesh(subject.placed(ball.vertices * axes + middle).astype(np.float32), np.array(ball.faces, np.int32))


def joined(first: Mesh, second: Mesh) -> Mesh:
    """Both as one: the first one's vertices and triangles come first."""
    vertices = np.concatenate([first.vertices_mm, second.vertices_mm])
    return Mesh(vertices, np.concatenate([first.faces, np.asarray(second.faces) + len(first.vertices_mm)]))


def _edges(distance: FloatArray) -> BoolArray:
    """(row, column): pixels whose neighbours see something nearer or farther."""
    reach = np.ones((3, 3), np.uint8)
    near, far = (operation(distance.astype(np.float32), reach) for operation in (cv2.erode, cv2.dilate))
    return np.asarray(far - near > EDGE_MM)


def _wall(camera: Camera, rng: np.random.Generator) -> Array:
    """A blurred room: shades and patches, no black."""
    shape = (round(camera.height * (1 + 2 * ROOM)), round(camera.width * (1 + 2 * ROOM)))
    size = camera.width / WIDTH_PX
    base = rng.uniform(0.3, 0.65) + rng.uniform(-0.06, 0.06, 3)
    shade = 0.10 * clouds(rng, shape, 160 * size) + 0.05 * clouds(rng, shape, 50 * size) + 0.02 * clouds(rng, shape, 14 * size)
    tint = np.stack([0.015 * clouds(rng, shape, 120 * size) for _ in range(3)], axis=-1)
    return np.asarray(np.clip(base * (1 + shade[..., None]) + tint, 0.08, 0.95), np.float32)


def _looked_up(texture: Array, arms: FloatArray) -> FloatArray:
    """(n, 3) colours in directions (n, 3)."""
    if not len(arms):
        return np.zeros((0, 3))
    rows, columns = texture.shape[:2]
    column, row = (np.resize(p, (-(-len(p) // 1024), 1024)) for p in places(arms, rows, columns))
    found = cv2.remap(texture, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found.reshape(-1, 3)[: len(arms)], float)
