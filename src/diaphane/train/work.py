"""What every fold of a training works with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from diaphane.train.arrays import Arrays
from diaphane.train.dataset import Checked
from diaphane.train.folds import Split
from diaphane.train.recipe import TrainRecipe


@dataclass(frozen=True, slots=True)
class Work:
    """Decided and prepared."""

    checked: Checked
    recipe: TrainRecipe
    parts: Split
    arrays: Arrays
    out: Path
    texts: Mapping[str, bytes]
    """Files that go into every bundle: how it was trained, what its pictures look like."""

    @property
    def digest(self) -> str:
        """Of the recipe."""
        return hashlib.sha256(json.dumps(asdict(self.recipe), sort_keys=True).encode()).hexdigest()
