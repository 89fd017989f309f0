"""Fixtures that all tests share."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="diaphane-tests-")  # what an engine remembers of this machine decides nothing here
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is loaded: threads that wait sleep, as in diaphane train

from diaphane.core.arrays import BoolArray
from diaphane.core.finding import Assessment
from diaphane.core.outcome import Outcome, Part
from diaphane.core.provenance import Provenance
from diaphane.core.recipe import NotAssessed
from diaphane.core.verdict import Verdict
from diaphane.engine.pinned import SETS, is_here
from diaphane.fuse import Options as FuseOptions
from diaphane.fuse import decide, propose, with_regions
from diaphane.measure import Options as MeasureOptions
from diaphane.measure import extract
from diaphane.ops.picture import write_png
from diaphane.simulate.skin import draw_lesion, render_lesion
from tests.phantoms import disc, lesion_of

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
def weights() -> None:
    """Tests that ask for it need what ``diaphane models pull faces`` takes; they are skipped where it was not."""
    if not all(map(is_here, SETS["faces"])):
        pytest.skip("the weights of faces are not here: run diaphane models pull faces")


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


@pytest.fixture
def outcome() -> Outcome:
    """Of a disc-shaped lesion: one finding with a verdict, doubted by the output gate."""
    image, labels = lesion_of(disc(30))
    regions = extract(image, labels, MeasureOptions())
    melanoma = Assessment(
        task="melanoma", probability=0.234, interval95=(0.15, 0.34), bundle="melanoma", contributions=(("asymmetry", 0.8), ("contrast", -0.2))
    )
    regions = tuple(replace(r, assessments=(melanoma,)) for r in regions)
    return Outcome(
        name=image.name, parts=(Part(image=image, modality="dermoscopy", labels=labels, regions=regions),),
        decision=with_regions(decide(propose(image, labels, regions), (), None, FuseOptions()), regions, {image.name: image}),
        verdicts=(Verdict(gate="output", verdict="doubted", subject="skin_lesion", reason="odd area"),),
        not_assessed=(NotAssessed(what="depth", why="no model for this"),),
        provenance=Provenance(version="0", inputs={"x": "ab"}, plan_sha256="cd", weights={}, recipes={}, licences={}, seed=0, created="2026-01-02T03:04:05Z"),
    )  # fmt: skip
