"""Fitting the input gate: what the training pictures look like."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.covariance import LedoitWolf

from diaphane.core.arrays import FloatArray
from diaphane.core.image import Image
from diaphane.core.recipe import Fingerprint
from diaphane.ops.fingerprint import descriptors


def fit_fingerprint(images: Sequence[Image], quantile: float, margin: float, seed: int) -> Fingerprint:
    """Mean and shrunk covariance of the descriptors, and the limit.

    The limit is ``margin`` times the ``quantile`` of the distances of pictures from a fingerprint of the *other*
    nine tenths. Source: Ledoit, Wolf, J Multivar Anal 88, 365 (2004) for the shrinkage.
    """
    all_of_them = np.stack([descriptors(image) for image in images])
    part = np.random.default_rng(seed).permutation(len(images)) % 10
    outside = np.empty(len(images))
    for n in range(10):
        mean, precision = _fit(all_of_them[part != n])
        away = all_of_them[part == n] - mean
        outside[part == n] = np.sqrt(np.einsum("nd,de,ne->n", away, precision, away))
    mean, precision = _fit(all_of_them)
    limit = margin * float(np.quantile(outside, quantile))
    basis = f"{margin} times the {quantile:.1%} quantile of ten-fold held-out distances of {len(images)} training pictures"
    return Fingerprint(mean, precision, limit, basis)


def _fit(vectors: FloatArray) -> tuple[FloatArray, FloatArray]:
    scale = vectors.std(axis=0) + 1e-6
    found = LedoitWolf().fit(vectors / scale)
    return found.location_ * scale, found.precision_ / np.outer(scale, scale)
