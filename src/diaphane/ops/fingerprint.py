"""What a picture looks like as a whole, in a few numbers, and how far that is from a training set.

The input gate of a bundle refuses a picture whose Mahalanobis distance exceeds the limit that its training
pictures set. Source of the idea: Lee et al., NeurIPS 2018, arXiv 1807.03888, here on plain descriptors.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from diaphane.core.arrays import FloatArray
from diaphane.core.image import Image
from diaphane.core.recipe import Fingerprint
from diaphane.errors import BundleError
from diaphane.ops.picture import to_rgb
from diaphane.ops.resample import resample

SIDE = 64


def descriptors(image: Image) -> FloatArray:
    """(45,) float64: light and colour (mean, spread, quantiles in CIELAB), layout (4x4 lightness), edges, sharpness."""
    rgb = to_rgb(image.array[0])
    small = resample(rgb, SIDE, SIDE).astype(np.float32) / 255
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).astype(np.float64)
    flat = lab.reshape(-1, 3)
    light = lab[..., 0]
    layout = resample(light.astype(np.float32), 4, 4).ravel() - light.mean()
    chroma = np.hypot(flat[:, 1], flat[:, 2])
    return np.concatenate(
        [
            flat.mean(axis=0),
            np.log1p(flat.std(axis=0)),
            np.quantile(flat, [0.02, 0.25, 0.75, 0.98], axis=0).ravel(),
            np.log1p([float(chroma.mean()), float(chroma.std())]),
            layout.astype(np.float64),
            _edges(light),
            _mirror(light),
        ]
    )


def distance(image: Image, fingerprint: Fingerprint) -> float:
    """Mahalanobis distance of ``image`` from the training pictures.

    Raises:
        BundleError: The fingerprint was made of other descriptors.
    """
    found = descriptors(image)
    if found.shape != fingerprint.mean.shape:
        raise BundleError(f"a fingerprint must hold {found.size} descriptors, this one holds {fingerprint.mean.size}; export the bundle anew")
    away = found - fingerprint.mean
    return math.sqrt(max(0.0, float(away @ fingerprint.precision @ away)))


def _edges(light: FloatArray) -> FloatArray:
    """Log energy of horizontal and vertical gradients at three scales."""
    out = []
    for side in (64, 32, 16):
        level = resample(light.astype(np.float32), side, side)
        out += [np.log1p(np.abs(np.diff(level, axis=axis)).mean()) for axis in (0, 1)]
    return np.array(out, dtype=np.float64)


def _mirror(light: FloatArray) -> FloatArray:
    """Correlation with the left-right and the up-down mirror image, and lightness of the centre against the rim."""
    away = light - light.mean()
    energy = float((away**2).mean()) + 1e-6
    left_right, up_down = ((away * np.flip(away, axis)).mean() / energy for axis in (1, 0))
    quarter = SIDE // 4
    centre = away[quarter:-quarter, quarter:-quarter].mean()
    return np.array([left_right, up_down, centre])
