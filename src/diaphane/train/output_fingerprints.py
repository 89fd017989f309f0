"""Fitting the output gate: what the structures in held-out results are like."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from diaphane.core.arrays import FloatArray, IntArray
from diaphane.core.recipe import Kind, OutputFingerprint, Typical
from diaphane.train.fingerprints import FALSE_ALARMS, PARTS, deviations, parts_of
from diaphane.train.kinds import fitted, log_distances

ENOUGH = 40
"""Held-out results that show a structure, from which on they say what it is like."""

FLOOR = 0.02
"""Standard deviation that each descriptor is taken to have at least; places are shares of the image."""

Results = Mapping[int, Mapping[str, FloatArray]]
"""Label → name of the item → descriptors of that structure (``segment.gate_output``); items without it are left out."""


def fit_output(results: Results, patients: Mapping[str, str], seed: int) -> OutputFingerprint | None:
    """One limit for all structures of a result, from held-out results; None where there are too few of any.

    Each is scored by what those of other patients are like, and standardised. ``patients`` by name of the item.
    """
    structures: list[Typical] = []
    scores: dict[str, float] = {}
    for label, found in sorted(results.items()):
        if len(found) < ENOUGH:
            continue
        vectors = np.stack(list(found.values()))
        outside = _held_out(vectors, parts_of([patients[name] for name in found], seed))
        centre, spread = float(outside.mean()), float(outside.std()) + 1e-6
        mean, precision = fitted(vectors, FLOOR)
        structures.append(Typical(label, mean, precision, centre, spread))
        for name, one in zip(found, (outside - centre) / spread, strict=True):
            scores[name] = max(float(one), scores.get(name, -np.inf))
    if not structures:
        return None
    largest = np.array(list(scores.values()))
    limit = float(max(np.quantile(largest, 1 - FALSE_ALARMS), deviations(FALSE_ALARMS / len(structures), len(largest))))
    basis = f"{len(largest)} held-out results, in {PARTS} parts: {FALSE_ALARMS:.1%} of them may be called unlike the others"
    return OutputFingerprint(limit, basis, tuple(structures))


def _held_out(vectors: FloatArray, part: IntArray) -> FloatArray:
    out = np.empty(len(vectors))
    for n in np.unique(part):
        out[part == n] = log_distances(vectors[part == n], [Kind(0.0, *fitted(vectors[part != n], FLOOR))])
    return out
