"""Surfaces in a camera's frame, each a layer with depth and opacity, laid over one another from far to near."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from diaphane.core.arrays import Array, BoolArray, FloatArray
from diaphane.core.camera import Camera
from diaphane.core.mesh import Mesh
from diaphane.core.transform import RigidTransform
from diaphane.ops.paint import Colour
from diaphane.ops.projection import is_in_view, project
from diaphane.ops.raster import raster

SKIN: Colour = (222, 234, 255)
VEIL, RIM = 0.05, 0.40
"""Opacity of the skin where it is seen face on, and how much more at its outline."""
DARKEST, DARK_MM = 0.6, 140.0
"""Depth cue: so dark is what lies this far below the skin."""
AMBIENT = 0.45
OUTLINE = 0.5
"""Structures more opaque than this hide the outlines of those behind them."""
AROUND_PX = 4


@dataclass(frozen=True, slots=True)
class Layer:
    """One surface."""

    depth_mm: FloatArray
    """(row, column): along z; inf where it is not."""
    rgb: FloatArray
    """(row, column, 3), 0-255."""
    alpha: FloatArray
    """(row, column), 0-1; 0 where it is not."""
    colour: Colour
    opacity: float

    @classmethod
    def of_skin(cls, mesh: Mesh, pose: RigidTransform, camera: Camera) -> Layer:
        """A veil, denser where the skin turns away."""
        depth, facing = _seen(mesh, pose, camera)
        alpha = np.where(np.isfinite(depth), VEIL + RIM * (1 - facing) ** 2, 0.0)
        rgb = (0.7 + 0.3 * facing)[..., None] * np.array(SKIN, float)
        return cls(depth, rgb, alpha, SKIN, VEIL)

    @classmethod
    def of_body(cls, mesh: Mesh, colour: Colour, opacity: float, *, pose: RigidTransform, camera: Camera, skin_mm: FloatArray) -> Layer:
        """Shaded by a light at the camera, darker the deeper it lies below the skin."""
        depth, facing = _seen(mesh, pose, camera)
        there = np.isfinite(depth)
        below = np.where(there & np.isfinite(skin_mm), depth - np.where(np.isfinite(skin_mm), skin_mm, 0), 0.0)
        cue = 1 - (1 - DARKEST) * np.clip(below / DARK_MM, 0, 1)
        rgb = ((AMBIENT + (1 - AMBIENT) * facing) * cue)[..., None] * np.array(colour, float)
        return cls(depth, rgb, np.where(there, opacity, 0.0), colour, opacity)


def window_of(points: FloatArray, camera: Camera) -> tuple[slice, slice, Camera | None]:
    """Rows and columns of the frame that hold ``points`` (n, 3; camera axes), and the camera of that part; None where it is empty."""
    seen = project(points[is_in_view(points, camera)], camera)
    ends = np.array([camera.width, camera.height])
    low = np.clip(np.floor(seen.min(axis=0)) - AROUND_PX, 0, ends).astype(int)
    high = np.clip(np.ceil(seen.max(axis=0)) + AROUND_PX, 0, ends).astype(int)
    rows, columns = slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))
    if (high <= low).any():
        return rows, columns, None
    width, height = int(high[0] - low[0]), int(high[1] - low[1])
    return rows, columns, replace(camera, width=width, height=height, cx=camera.cx - float(low[0]), cy=camera.cy - float(low[1]))


def stacked(frame: Array, layers: Sequence[Layer]) -> Array:
    """``frame`` (row, column, 3; uint8) under all layers, in each pixel from the farthest to the nearest."""
    depth = np.stack([layer.depth_mm for layer in layers])
    rgb, alpha = np.stack([layer.rgb for layer in layers]), np.stack([layer.alpha for layer in layers])
    out = frame.astype(float)
    for number in np.argsort(-depth, axis=0):
        cover = np.take_along_axis(alpha, number[None], axis=0)[0][..., None]
        colour = np.take_along_axis(rgb, number[None, ..., None], axis=0)[0]
        out += cover * (colour - out)
    return np.asarray(np.round(np.clip(out, 0, 255)).astype(np.uint8))


def contours(frame: Array, layers: Sequence[Layer]) -> None:
    """The outline of each layer's visible part, into ``frame``."""
    line = max(1, round(max(frame.shape) / 400))
    for number, layer in enumerate(layers):
        others = [o.depth_mm for n, o in enumerate(layers) if n != number and o.opacity > OUTLINE]
        nearest = np.min(others, axis=0) if others else np.full(layer.depth_mm.shape, np.inf)
        visible: BoolArray = np.isfinite(layer.depth_mm) & (layer.depth_mm <= nearest)
        lines, _ = cv2.findContours(visible.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        drawn = np.ascontiguousarray(frame)
        cv2.drawContours(drawn, lines, -1, (0, 0, 0), line + 2, cv2.LINE_AA)
        cv2.drawContours(drawn, lines, -1, layer.colour, line, cv2.LINE_AA)
        frame[:] = drawn


def _seen(mesh: Mesh, pose: RigidTransform, camera: Camera) -> tuple[FloatArray, FloatArray]:
    """Depth mm (inf where nothing is), and how much the surface faces the camera, 0-1."""
    points = pose(np.asarray(mesh.vertices_mm, float))
    seen = raster(points, mesh.faces, camera)
    normals = np.asarray(mesh.vertex_normals, float) @ pose.rotation.T
    towards = -points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-9)
    values = seen.of((normals * towards).sum(axis=1, keepdims=True))[..., 0]
    return np.asarray(seen.depth_mm, float), np.clip(np.asarray(values, float), 0, 1)
