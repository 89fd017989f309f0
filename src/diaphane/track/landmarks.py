"""Which of the 478 points is what of the 68 that face data sets share.

The 68 come from people who put points on corners (of eyes, mouth, nostrils) and spread others evenly between two ends (along the brows and the bridge of the
nose). Corners are single points of the mesh, found on the drawing ``canonical_face_model_uv_visualization`` of MediaPipe's canonical face; what was spread is
spread here too, along a line of its points. The jaw's 17 are single points: the mesh's go with the face when it turns, those of a picture's annotation go
with the outline.

Source: Sagonas et al., 300 Faces in-the-Wild Challenge, IVC 2016.
"""

from __future__ import annotations

import numpy as np

from diaphane.core.arrays import FloatArray

JAW = (127, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 356)
BROWS = ((70, 63, 105, 66, 107), (336, 296, 334, 293, 300))
"""Upper edges; the person's right brow first, each from the picture's left to its right."""
BRIDGE = (168, 6, 197, 195, 5, 4)
"""Its 4 points begin half way between the first two."""
CORNERS = (
    75, 97, 2, 326, 305,  # nostrils
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,  # eyes
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181,  # lips, outer
    78, 82, 13, 312, 308, 317, 14, 87,  # lips, inner
)  # fmt: skip


def common_68(points: FloatArray) -> FloatArray:
    """(68, 2) of 478 landmarks (478, 2): jaw, brows, nose, eyes, lips, each from the picture's left to its right in an upright face."""
    points = np.asarray(points, float)
    bridge = points[list(BRIDGE)]
    bridge[0] = bridge[:2].mean(axis=0)
    spread = [*(_spread(points[list(brow)], 5) for brow in BROWS), _spread(bridge, 4)]
    return np.concatenate([points[list(JAW)], *spread, points[list(CORNERS)]])


def _spread(line: FloatArray, count: int) -> FloatArray:
    """``count`` points evenly along the polyline ``line`` (n, 2), its ends among them."""
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    places = np.linspace(0, along[-1], count)
    return np.stack([np.interp(places, along, line[:, axis]) for axis in (0, 1)], axis=1)
