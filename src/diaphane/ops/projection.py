"""Where points in camera axes fall in the picture, and how that changes with the point and the camera.

Source: the lens model of OpenCV (Brown, Decentering distortion of lenses, 1966): radial k1, k2, k3 and tangential p1, p2.
"""

from __future__ import annotations

import numpy as np

from diaphane.core.arrays import BoolArray, FloatArray
from diaphane.core.camera import Camera


def project(points_mm: FloatArray, camera: Camera) -> FloatArray:
    """Pixels (…, 2) of points (…, 3) in camera axes (x right, y down, z forward); NaN where z is not positive."""
    points = np.asarray(points_mm, float)
    z = np.where(points[..., 2] > 0, points[..., 2], np.nan)
    x, y = _bent(points[..., 0] / z, points[..., 1] / z, camera)
    return np.stack([camera.fx * x + camera.cx, camera.fy * y + camera.cy], axis=-1)


def is_in_view(points_mm: FloatArray, camera: Camera, near_mm: float = 1.0) -> BoolArray:
    """(…,): before the camera, and where the lens model still grows outward: beyond, it folds back and would draw points that are not there."""
    points = np.asarray(points_mm, float)
    ahead = points[..., 2] >= near_mm
    z = np.where(ahead, points[..., 2], 1.0)
    square = (points[..., 0] / z) ** 2 + (points[..., 1] / z) ** 2
    k1, k2, _, _, k3 = camera.distortion
    grows = 1 + square * (3 * k1 + square * (5 * k2 + square * 7 * k3))
    return np.asarray(ahead & (grows > 0))


def _bent(x: FloatArray, y: FloatArray, camera: Camera) -> tuple[FloatArray, FloatArray]:
    """Points of the plane z = 1 as the lens shifts them."""
    k1, k2, p1, p2, k3 = camera.distortion
    if not any(camera.distortion):
        return x, y
    square = x * x + y * y
    radial = 1 + square * (k1 + square * (k2 + square * k3))
    return x * radial + 2 * p1 * x * y + p2 * (square + 2 * x * x), y * radial + p1 * (square + 2 * y * y) + 2 * p2 * x * y


def slopes(points_mm: FloatArray, camera: Camera) -> tuple[FloatArray, FloatArray]:
    """How the pixels of points (n, 3) change: with the point (n, 2, 3), px/mm; with the focal length's logarithm and with k1 (n, 2, 2), px.

    Tangential and higher radial terms are taken for constant near a point.
    """
    points = np.asarray(points_mm, float)
    z = points[:, 2]
    x, y = points[:, 0] / z, points[:, 1] / z
    k1, k2, _, _, k3 = camera.distortion
    square = x * x + y * y
    radial = 1 + square * (k1 + square * (k2 + square * k3))
    grows = 2 * (k1 + square * (2 * k2 + square * 3 * k3))
    cross = x * y * grows
    of_x = np.stack([radial + x * x * grows, cross], axis=1) * np.array([camera.fx, camera.fy])
    of_y = np.stack([cross, radial + y * y * grows], axis=1) * np.array([camera.fx, camera.fy])
    of_point = np.stack([of_x, of_y, -(of_x * x[:, None] + of_y * y[:, None])], axis=2) / z[:, None, None]
    seen = np.stack(_bent(x, y, camera), axis=1) * np.array([camera.fx, camera.fy])
    of_k1 = np.stack([camera.fx * x * square, camera.fy * y * square], axis=1)
    return of_point, np.stack([seen, of_k1], axis=2)
