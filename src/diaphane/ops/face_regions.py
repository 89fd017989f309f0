"""The regions of a face, as polygons of the 478 points of the face mesh.

Left and right are the person's own. The numbers are those of MediaPipe's canonical face (its drawing ``canonical_face_model_uv_visualization`` names
them). Every outline runs clockwise, as a picture of the face from in front shows it: one that runs the other way is seen from behind, and hidden.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from diaphane.core.arrays import FloatArray

MESH = "mesh478"
"""What a face calls landmarks that are the points of the mesh."""
REGIONS: Mapping[str, tuple[int, ...]] = {
    "left eye": (285, 295, 282, 283, 276, 383, 265, 448, 449, 450, 451, 452, 453, 465, 417),
    "right eye": (193, 245, 233, 232, 231, 230, 229, 228, 35, 156, 46, 53, 52, 65, 55),
    "left brow": (276, 283, 282, 295, 285, 336, 296, 334, 293, 300),
    "right brow": (70, 63, 105, 66, 107, 55, 65, 52, 53, 46),
    "lips": (185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146, 61),
    "nose": (168, 417, 465, 343, 437, 420, 429, 279, 331, 294, 327, 326, 2, 97, 98, 64, 102, 49, 209, 198, 217, 114, 245, 193),
    "upper lip": (98, 97, 2, 326, 327, 409, 270, 269, 267, 0, 37, 39, 40, 185),
    "chin": (91, 181, 84, 17, 314, 405, 321, 424, 431, 400, 377, 152, 148, 176, 211, 204),
    "forehead": (10, 338, 297, 332, 333, 334, 296, 336, 285, 417, 168, 193, 55, 107, 66, 105, 104, 103, 67, 109),
    "left temple": (332, 284, 251, 389, 356, 454, 447, 264, 368, 383, 276, 300, 293, 334, 333),
    "right temple": (104, 105, 63, 70, 46, 156, 139, 34, 227, 234, 127, 162, 21, 54, 103),
    "left cheek": (
        454, 323, 361, 288, 397, 365, 379, 378, 400, 369, 431, 424, 321, 375, 291, 409,
        327, 294, 331, 279, 429, 420, 437, 343, 453, 452, 451, 450, 449, 448, 265, 447,
    ),
    "right cheek": (
        227, 35, 228, 229, 230, 231, 232, 233, 114, 217, 198, 209, 49, 102, 64, 98,
        185, 61, 146, 91, 204, 211, 140, 176, 149, 150, 136, 172, 58, 132, 93, 234,
    ),
}  # fmt: skip
"""Outlines, the small ones first: a place counts to the first that holds it."""


def outlines(points: FloatArray, regions: Mapping[str, tuple[int, ...]] = REGIONS) -> dict[str, FloatArray]:
    """The outline (n, 2) of each region that is turned to the camera, in the order in which they are asked; ``points`` (478, 2) in pixels."""
    every = {name: np.asarray(points, np.float32)[list(outline)] for name, outline in regions.items()}
    return {name: outline for name, outline in every.items() if cv2.contourArea(outline, oriented=True) > 0}


def region_at(points: FloatArray, x: float, y: float, regions: Mapping[str, tuple[int, ...]] = REGIONS) -> str | None:
    """The region that holds the place (pixels); beside all of them but on the face: the nearest; None off the face."""
    seen = outlines(points, regions)
    for name, outline in seen.items():
        if cv2.pointPolygonTest(outline, (x, y), False) >= 0:
            return name
    if not seen or cv2.pointPolygonTest(cv2.convexHull(np.asarray(points, np.float32)), (x, y), False) < 0:
        return None
    return max(seen, key=lambda name: cv2.pointPolygonTest(seen[name], (x, y), True))
