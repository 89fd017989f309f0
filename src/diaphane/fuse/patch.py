"""What the network of deep fusion sees of a candidate: a small picture, the candidate's outline, and below them its numbers."""

from __future__ import annotations

import cv2
import numpy as np

from diaphane.core.arrays import Array, FloatArray
from diaphane.core.candidate import Candidate

SIDE = 32
CHANNELS = 4
"""Red, green, blue less the middle of the patch; and the outline."""
AROUND = 3.0
"""The side of the square over the longer side of the candidate's box."""
LEAST_PX = 16.0


def patch_of(rgb: Array, candidate: Candidate) -> FloatArray:
    """(4, 32, 32) float32 of the picture (row, column, 3) uint8; beyond the picture's edge it is continued."""
    x, y, width, height = candidate.box_px
    side = max(AROUND * max(width, height), LEAST_PX)
    scale = side / SIDE
    left, top = x + width / 2 - side / 2 - 0.5 + scale / 2, y + height / 2 - side / 2 - 0.5 + scale / 2
    sampled = np.array([[scale, 0, left], [0, scale, top]])
    mask: Array = np.zeros(rgb.shape[:2], np.uint8)
    mask[y : y + height, x : x + width] = candidate.mask * np.uint8(255)
    seen, outline = (_warped(array, sampled) for array in (rgb, mask))
    seen = seen - np.median(seen, axis=(0, 1))
    return np.concatenate([4 * seen, outline[..., None]], axis=2).transpose(2, 0, 1).astype(np.float32)


def _warped(array: Array, sampled: FloatArray) -> FloatArray:
    """0-1."""
    blur = 0.4 * sampled[0, 0]
    smooth = cv2.GaussianBlur(array, (0, 0), blur) if blur > 0.6 else array
    near = cv2.warpAffine(smooth, sampled, (SIDE, SIDE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(near.astype(np.float32) / 255)


def sample_of(patch: FloatArray, scores: FloatArray) -> FloatArray:
    """(1, rows, 32): the channels of the patch one below the other, then the scores (d,), filled up with zeros. What ONNX takes is one array."""
    rows = np.zeros((context_rows(len(scores)), SIDE), np.float32)
    rows.ravel()[: len(scores)] = scores
    return np.concatenate([patch.reshape(-1, SIDE), rows])[None].astype(np.float32)


def context_rows(count: int) -> int:
    """How many rows ``count`` numbers take."""
    return -(-count // SIDE)
