"""What regions of the training are like, so that one that is not gets no verdict.

Source: Mahalanobis distance under a shrunk covariance: Ledoit and Wolf, Journal of Multivariate Analysis 88, 365 (2004).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.covariance import LedoitWolf

from diaphane.assess.columns import Column
from diaphane.assess.tabular import Unlike
from diaphane.core.arrays import FloatArray
from diaphane.train.fingerprints import parts_of

QUANTILE = 0.99
"""Of held-out training images lie below the limit."""
FLOOR = 0.05
"""Variance that each score is taken to have at least: what hardly changed in training may change a little in use."""


def fit_unlike(z: FloatArray, columns: Sequence[Column], groups: Sequence[str], seed: int) -> Unlike:
    """From scores ``z`` (n, d) that are not cut; patients are cut into ten parts, the distances of each are to the other nine."""
    looked_at = np.array([n for n, c in enumerate(columns) if c.source != "unknown"])
    own = z[:, looked_at]
    away = np.empty(len(z))
    parts = parts_of(list(groups), seed)
    for n in np.unique(parts):
        out = parts == n
        away[out] = _fit(own[~out], 1.0).distance(own[out])
    whole = _fit(own, float(np.quantile(away, QUANTILE)))
    return Unlike(centre=whole.centre, precision=whole.precision, limit=whole.limit, columns=looked_at)


def _fit(z: FloatArray, limit: float) -> Unlike:
    fit = LedoitWolf().fit(z)
    covariance = fit.covariance_ + FLOOR * np.eye(z.shape[1])
    return Unlike(centre=fit.location_, precision=np.linalg.inv(covariance), limit=max(limit, 1e-9), columns=np.arange(z.shape[1]))
