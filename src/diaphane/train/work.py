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

    init_sha256: str = ""
    """Of the bundle whose weights are the first, if there is one."""

    @property
    def digest(self) -> str:
        """Of what the weights depend on: the recipe, who is in which fold, the first weights."""
        return hashlib.sha256(json.dumps([asdict(self.recipe), self.parts.folds, self.init_sha256], sort_keys=True).encode()).hexdigest()
