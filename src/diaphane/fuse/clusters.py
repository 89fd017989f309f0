"""Candidates that are one lesion, gathered from networks and frames: agglomerative clustering by where on the face they are and how they look.

Source: Sokal and Michener, University of Kansas Science Bulletin 38, 1409 (1958): average linkage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from diaphane.core.arrays import FloatArray, IntArray
from diaphane.core.candidate import Candidate
from diaphane.errors import UsageError
from diaphane.fuse.columns import values

FACE_MM = 150.0
"""Width of a face's box where there are no landmarks."""
MOST = 4000
"""Candidates on one face: each is compared with each."""
APPEARANCE = ("face_skin_lightness", "face_skin_red", "face_skin_yellow")
"""Its colour in deviations of the face's skin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far apart candidates of one lesion may be; distances are divided by these and the mean between clusters must stay below 1."""

    millimetres: float = 9.0
    deviations: float = 6.0
    """Of the colour of this face's skin."""


def clusters(candidates: Sequence[Candidate], reach: Reach) -> list[list[int]]:
    """The numbers (places in ``candidates``) that belong together, each cluster and all of them in rising order; those on different faces never do.

    Raises:
        UsageError: There are too many on one face.
    """
    identity = np.array([c.features.get("face_identity", np.nan) for c in candidates])
    out: list[list[int]] = []
    for own in np.unique(identity[~np.isnan(identity)]):
        out += _of_face(np.flatnonzero(identity == own), candidates, reach)
    return sorted(out + [[int(n)] for n in np.flatnonzero(np.isnan(identity))])


def _of_face(numbers: IntArray, candidates: Sequence[Candidate], reach: Reach) -> list[list[int]]:
    if len(numbers) < 2:
        return [[int(n)] for n in numbers]
    if len(numbers) > MOST:
        raise UsageError(f"one face has {len(numbers)} candidates, at most {MOST} can be gathered; raise the probability from which the segmentation proposes")
    from scipy.cluster.hierarchy import fcluster, linkage  # 0.2 s to import: not for a face with one candidate

    where = np.stack([placed(candidates[n]) / reach.millimetres for n in numbers])
    looks = np.nan_to_num(values([candidates[n] for n in numbers], APPEARANCE)) / reach.deviations
    apart = np.sqrt(_squares(where) + _squares(looks))
    upper = apart[np.triu_indices(len(numbers), 1)]
    label = fcluster(linkage(upper, "average"), 1.0, "distance")
    return [[int(n) for n in numbers[label == one]] for one in np.unique(label)]


def placed(candidate: Candidate) -> FloatArray:
    """(3,): where it is on the average face, mm; from the box where there are no landmarks, then with no depth."""
    f = candidate.features
    own = np.array([f.get(name, np.nan) for name in ("face_x_mm", "face_y_mm", "face_z_mm")])
    if not np.isnan(own).any():
        return own
    return np.array([(f.get("face_u", 0.5) - 0.5) * FACE_MM, (f.get("face_v", 0.5) - 0.5) * FACE_MM, 0.0])


def _squares(points: FloatArray) -> FloatArray:
    return np.asarray(((points[:, None] - points[None]) ** 2).sum(axis=2))
