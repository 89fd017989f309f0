"""Fixtures that all tests share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from diaphane.core.arrays import BoolArray
from diaphane.ops.picture import write_png
from diaphane.simulate.skin import draw_lesion, render_lesion

ROOT = Path(__file__).parents[1]
CommandLine = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data; tests that ask for it are skipped where it is not."""
    folder = Path(os.environ.get("DIAPHANE_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("no real data here: set DIAPHANE_DATA to its folder")
    return folder


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, BoolArray]:
    """A made lesion of 256x192 as a file, and its true mask."""
    picture, truth = render_lesion(draw_lesion(np.random.default_rng(3), 192, 256))
    path = tmp_path_factory.mktemp("made") / "lesion.png"
    write_png(path, picture)
    return path, truth


@pytest.fixture
def rng() -> np.random.Generator:
    """Seeded."""
    return np.random.default_rng(20)


@pytest.fixture(scope="session")
def cli() -> CommandLine:
    """Run ``diaphane`` in a process of its own."""

    def run(*words: object, **more: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "diaphane", *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **more)  # type: ignore[call-overload]

    return run
