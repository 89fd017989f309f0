"""Deep fusion in use: the networks of a bundle, each given a candidate's patch and its numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from diaphane.core.arrays import FloatArray
from diaphane.engine.bundle import Bundle
from diaphane.engine.session import session_of
from diaphane.errors import UsageError
from diaphane.fuse.patch import sample_of


class Networks:
    """The members of an ensemble: their mean log-odds count, and how they differ tells how sure they are."""

    def __init__(self, bundle: Bundle, slope: float, offset: float) -> None:
        self._bundle, self._slope, self._offset = bundle, slope, offset

    def __call__(self, z: FloatArray, patches: Sequence[FloatArray], member: int) -> FloatArray:
        """As ``model.Scorer`` says; member 0 is the mean of all.

        Raises:
            UsageError: The candidates' pictures are not given.
        """
        if len(patches) != len(z):
            raise UsageError("deep fusion looks at the candidates' pictures too: they must be given, named as the candidates name them")
        samples = np.stack([sample_of(patch, row) for patch, row in zip(patches, z, strict=True)])
        numbers = range(len(self._bundle.members)) if member == 0 else [member - 1]
        answers = np.mean([np.asarray(session_of(self._bundle, n)(samples))[:, 0] for n in numbers], axis=0)
        return np.asarray(self._slope * answers + self._offset, float)
