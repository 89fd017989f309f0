"""The folder of a training: what lies where, and whether a training may begin or go on in it."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from diaphane.core.storage import locked, storage
from diaphane.errors import UsageError

RECIPE, SPLIT, CHECK, METRICS = "recipe.toml", "split.json", "check.csv", "metrics.json"
BUNDLE, PREDICTIONS, PREPARED, TEST, FOLD, FINAL, INIT = "bundle", "predictions", "prepared", "test", "fold_{}", "final", "init"
BEFORE = {SPLIT, CHECK, PREPARED, INIT}
"""What may lie in the folder of a training that has not begun: a split that the user brings, or what a killed one left."""


@contextmanager
def training_folder(out: Path, *, resume: bool) -> Iterator[bool]:
    """Holds the folder for one training; says whether one has begun there.

    Raises:
        UsageError: It holds other things, or a training and ``resume`` was not asked for, or another training is using it.
        StorageError: It cannot be made.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out}: is a file; give --out a folder")
    with storage(out):
        out.mkdir(parents=True, exist_ok=True)
    lock = locked(out, "another training is using this folder")
    try:
        begun = (out / RECIPE).exists()
        others = sorted(p.name for p in out.iterdir() if p.name not in BEFORE)
        if begun and not resume:
            raise UsageError(f"{out}: holds a training already; go on with it by --resume, or give --out a new folder")
        if others and not begun:
            raise UsageError(f"{out}: holds other things ({', '.join(others[:3])}); give --out a new folder")
        there = set(out.iterdir())
        try:
            yield begun
        except Exception:
            if not (out / RECIPE).exists():  # nothing was decided: nothing is to be gone on with
                _cleared(set(out.iterdir()) - there)
            raise
    finally:
        if lock is not None:
            os.close(lock)
        with contextlib.suppress(OSError):  # an empty folder is of no use
            out.rmdir()


def _cleared(made: set[Path]) -> None:
    for path in made:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
