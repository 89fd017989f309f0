"""A clip of a face with a made lesion on its cheek: for the demo and for tests, where no patient may be shown.

The face is NASA's portrait of the astronaut Eileen Collins (public domain), which scikit-image brings along.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from skimage import data

from diaphane.core.arrays import Array, BoolArray
from diaphane.simulate.lesions import Placement, cut_out, laid_on
from diaphane.simulate.skin import draw_lesion, render_lesion

CUT = (slice(0, 320), slice(60, 380))
"""Rows and columns of the portrait: head and shoulders."""
CHEEK = (186.0, 131.0)
"""x, y of the left cheek there, found by eye."""
DIAMETER_PX = 9.0
"""On a face 84 px wide, so some 16 mm."""
SIDE_PX, RATE_HZ = 256, 12


def portrait(rng: np.random.Generator) -> tuple[Array, BoolArray]:
    """The face (row, column, 3) uint8 with a drawn lesion on the left cheek, and the lesion's mask."""
    face = np.asarray(data.astronaut())[CUT].astype(np.float64) / 255
    lesion = cut_out(*render_lesion(draw_lesion(rng)), "made")
    place = Placement(x=CHEEK[0], y=CHEEK[1], diameter_px=DIAMETER_PX, angle_rad=0.5, is_mirrored=False, squeeze=0.9, strength=1.0)
    rgb, mask = laid_on(face, lesion, place, 0.5, 1.0)
    return np.round(np.clip(rgb, 0, 1) * 255).astype(np.uint8), mask


def write_clip(path: Path, picture: Array, frames: int) -> None:
    """``picture`` as an MP4 of 256x256 at 12 frames a second in which the camera swings sideways once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), RATE_HZ, (SIDE_PX, SIDE_PX))
    for n in range(frames):
        left = round(35 + 15 * np.sin(2 * np.pi * n / frames))
        writer.write(np.ascontiguousarray(picture[10 : 10 + SIDE_PX, left : left + SIDE_PX, ::-1]))
    writer.release()
