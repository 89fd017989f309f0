"""What every fold of a training works with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from diaphane.engine.bundle import Bundle
from diaphane.segment import finder_of
from diaphane.train import place
from diaphane.train.arrays import Arrays
from diaphane.train.bundles import model_recipe
from diaphane.train.dataset import Checked
from diaphane.train.folds import Split
from diaphane.train.recipe import LoopTable, TrainRecipe

Fold = int | None
"""Which of the folds is held out; None, of the final network, nothing is."""


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

    init: Bundle | None = None
    """Whose weights are the first."""

    @property
    def jobs(self) -> tuple[Fold, ...]:
        """All networks that are trained."""
        return (*self.recipe.fold, *([None] if self.recipe.final else []))

    def training(self, fold: Fold) -> tuple[str, ...]:
        """Names of the items that are learnt from."""
        return self.parts.training(fold) if fold is not None else tuple(name for part in self.parts.folds for name in part)

    def validation(self, fold: Fold) -> tuple[str, ...]:
        """Names of the items that are held out."""
        return self.parts.validation(fold) if fold is not None else ()

    def loop(self, fold: Fold) -> LoopTable:
        """How it is trained; where nothing is held out there is nothing to look at."""
        return self.recipe.loop if fold is not None else replace(self.recipe.loop, validations=0, patience=0)

    def number(self, fold: Fold) -> int:
        """Added to the seed; for the final network the one after the last fold's."""
        return self.recipe.folds if fold is None else fold

    def folder(self, fold: Fold) -> Path:
        """Where its checkpoints and its bundle lie."""
        return self.out / (place.FINAL if fold is None else place.FOLD.format(fold))

    def title(self, fold: Fold) -> str:
        """In messages."""
        return "final" if fold is None else f"fold {fold}" if len(self.jobs) > 1 else "train"

    @property
    def digest(self) -> str:
        """Of what the weights depend on: the recipe, who is in which fold, the first weights, and what finds the part that is looked at."""
        finder = finder_of(model_recipe(self.recipe))
        others = [self.init.weights_sha256 if self.init else "", *([finder.weights_sha256] if finder else [])]
        return hashlib.sha256(json.dumps([asdict(self.recipe), self.parts.folds, *others], sort_keys=True).encode()).hexdigest()
