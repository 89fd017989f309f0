"""Kinds of training items: a mixture of normal distributions of their descriptors, as many as held-out items find likely."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from sklearn.covariance import LedoitWolf
from sklearn.mixture import GaussianMixture

from diaphane.core.arrays import FloatArray, IntArray
from diaphane.core.recipe import Kind
from diaphane.ops.fingerprint import distances, log_density

FLOOR = 0.1
"""Standard deviation that each descriptor is taken to have at least: what never changed in training may change a little in use."""
COUNTS = (1, 2, 4, 6)
EACH = 150
"""Items of a kind on average at least: fewer do not tell how its descriptors go together."""
REGULARISATION = 0.05
"""Added to the variances of standardised descriptors while items are told apart."""


def fit_kinds(vectors: FloatArray, count: int, seed: int) -> tuple[Kind, ...]:
    """``count`` kinds of the rows of ``vectors`` (n, d), each with a covariance of its own, shrunk.

    Source: Dempster, Laird, Rubin, J R Stat Soc B 39, 1 (1977), for telling them apart.
    """
    part = np.zeros(len(vectors), int)
    if count > 1:
        scaled = vectors / np.sqrt(vectors.var(axis=0) + FLOOR**2)
        part = GaussianMixture(count, reg_covar=REGULARISATION, random_state=seed).fit_predict(scaled)
    return tuple(_kind(vectors[part == n], float(np.mean(part == n))) for n in np.unique(part))


def _kind(vectors: FloatArray, share: float) -> Kind:
    mean, precision = fitted(vectors)
    return Kind(math.log(share) + float(np.linalg.slogdet(precision)[1]) / 2, mean, precision)


def fitted(vectors: FloatArray, floor: float = FLOOR) -> tuple[FloatArray, FloatArray]:
    """Mean and inverse covariance, shrunk, with ``floor`` added. Source: Ledoit, Wolf, J Multivar Anal 88, 365 (2004) for the shrinkage."""
    scale = np.sqrt(vectors.var(axis=0) + floor**2)
    found = LedoitWolf().fit(vectors / scale)
    covariance = found.covariance_ + np.diag((floor / scale) ** 2)
    return found.location_ * scale, np.linalg.inv(covariance) / np.outer(scale, scale)


def log_distances(vectors: FloatArray, kinds: Sequence[Kind]) -> FloatArray:
    """The logarithm of the distance of each row of ``vectors`` (n, d)."""
    return np.asarray(np.log(distances(vectors, kinds) + 1e-6))


def likeliest_count(vectors: FloatArray, parts: IntArray, items: int, seed: int) -> int:
    """How many kinds make held-out ``parts`` likeliest of ``items``, of which ``vectors`` may hold copies too."""
    counts = [count for count in COUNTS if count == 1 or items >= EACH * count]
    return counts[0] if len(counts) == 1 else max(counts, key=lambda count: _held_out_density(vectors, parts, count, seed))


def _held_out_density(vectors: FloatArray, parts: IntArray, count: int, seed: int) -> float:
    return float(np.mean(np.concatenate([log_density(vectors[parts == n], fit_kinds(vectors[parts != n], count, seed)) for n in np.unique(parts)])))
