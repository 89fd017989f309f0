"""Clusters as rows of numbers: what their members have in common, and what only several tell."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from diaphane.core.arrays import FloatArray
from diaphane.core.candidate import Candidate
from diaphane.fuse.columns import names, values

OF_CLUSTERS = ("cluster_highest", "cluster_mean", "cluster_spread", "cluster_networks")
"""Log-odds of the segmentation for its members, how they scatter, and by how many networks it was proposed."""


def cluster_values(members: Sequence[Candidate], columns: Sequence[str]) -> FloatArray:
    """(d,) of one cluster: means over its members, of what is known."""
    odds = values(members, ("probability_logit",))[:, 0]
    told = {
        "cluster_highest": float(odds.max()),
        "cluster_mean": float(odds.mean()),
        "cluster_spread": float(odds.std()),
        "cluster_networks": float(len({c.network for c in members})),
    }
    known = names()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of a column that no member has
        means = dict(zip(known, np.nanmean(values(members, known), axis=0).tolist(), strict=True))
    return np.array([told[name] if name in told else means[name] for name in columns])
