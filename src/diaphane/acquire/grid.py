"""Labels brought onto the grid of their image: exactly, by swapping and turning axes, or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from diaphane.core.arrays import Array, FloatArray
from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.errors import RefusedError

TOLERANCE = 1e-3
"""Of a voxel, at the corners."""


def onto_grid(path: Path, array: Array, affine: FloatArray, image: Image) -> Array:
    """``array`` with its axes in the image's order and direction. No value is resampled.

    Raises:
        RefusedError: The grids differ in another way; it says how.
    """
    turned, own = _turned(array, affine, image.geometry)
    if turned.shape != image.shape:
        raise RefusedError(_differ(path, turned.shape, own, image, f"{_by(turned.shape)} voxels, and the image has {_by(image.shape)}"))
    corners = np.array(np.meshgrid(*[[0, n - 1] for n in image.shape])).reshape(3, -1).T.astype(float)
    apart = Geometry(own, calibrated=True).to_world(corners) - image.geometry.to_world(corners)
    voxels = apart @ np.linalg.inv(image.geometry.affine[:3, :3]).T
    if np.abs(voxels).max() > TOLERANCE:
        far = np.linalg.norm(apart, axis=1).max()
        raise RefusedError(_differ(path, turned.shape, own, image, f"lie up to {far:.3g} mm from its voxels"))
    return turned


def _turned(array: Array, affine: FloatArray, geometry: Geometry) -> tuple[Array, FloatArray]:
    """The array with each axis along the image's axis that it is nearest to, and its affine."""
    directions = geometry.direction.T @ Geometry(affine, calibrated=True).direction  # image axis, label axis
    order = [int(np.abs(row).argmax()) for row in directions]
    if sorted(order) != [0, 1, 2]:
        return array, affine
    turn = np.zeros((4, 4))
    turn[3, 3] = 1
    flips = []
    for axis, own in enumerate(order):
        backwards = directions[axis, own] < 0
        turn[own, axis] = -1 if backwards else 1
        turn[own, 3] = array.shape[own] - 1 if backwards else 0
        flips.append(slice(None, None, -1 if backwards else 1))
    return array.transpose(order)[tuple(flips)], affine @ turn


def _differ(path: Path, shape: tuple[int, ...], affine: FloatArray, image: Image, what: str) -> str:
    labels = Geometry(affine, calibrated=True)
    return (
        f"{path}: the labels are not on the grid of the image: they {'have ' if what[0].isdigit() else ''}{what} "
        f"(labels: {_by(shape)}, spacing {_mm(labels.spacing)}, origin {_mm(labels.origin)}; "
        f"image: {_by(image.shape)}, spacing {_mm(image.geometry.spacing)}, origin {_mm(image.geometry.origin)} mm); resample them onto the image first"
    )


def _by(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _mm(values: tuple[float, ...]) -> str:
    return "(" + ", ".join(f"{v:.4g}" for v in values) + ")"
