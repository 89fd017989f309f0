from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra 'train'")

from tests.train import folds_that_die  # noqa: E402
from tests.train.made import discs  # noqa: E402
from tests.train.two import KILLED_AT, NETWORKS, run  # noqa: E402

from diaphane.errors import TrainingError, UsageError  # noqa: E402
from diaphane.train import side_by_side  # noqa: E402
from diaphane.train.build import memory  # noqa: E402
from diaphane.train.check import check  # noqa: E402
from diaphane.train.checkpoint import Progress  # noqa: E402
from diaphane.train.distribute import Peers, joined  # noqa: E402
from diaphane.train.fit import Asked, fit  # noqa: E402
from diaphane.train.forms import read_dataset  # noqa: E402
from diaphane.train.history import read_history  # noqa: E402
from diaphane.train.loop import HISTORY, LAST  # noqa: E402
from diaphane.train.machine import Machine  # noqa: E402
from diaphane.train.one_fold import trained  # noqa: E402
from diaphane.train.options import Options  # noqa: E402
from diaphane.train.planner import plan  # noqa: E402
from diaphane.train.resume import decided  # noqa: E402

ROOT = Path(__file__).parents[2]


@dataclass
class Ran:
    """What came of this process as the first of two; the second was killed in the end."""

    folder: Path
    progress: dict[str, Progress]
    error: TrainingError
    other: int


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    folder = tmp_path_factory.mktemp("two")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        where = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    words = [sys.executable, "-m", "tests.train.two", str(folder)]
    other = subprocess.Popen(words, cwd=ROOT, env={**os.environ, **where, "RANK": "1"})
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {**where, "RANK": "0"}.items():
                patch.setenv(name, value)
            patch.setattr("diaphane.train.distribute.ANSWER_S", 1.0)
            progress = {}
            with pytest.raises(TrainingError, match="rank 1 of 2 is gone") as caught, joined() as peers:
                progress = {which: run(folder, which, peers) for which in NETWORKS}
                run(folder / "lost", "group", peers)
        yield Ran(folder, progress, caught.value, other.wait(5))
    finally:
        other.kill()
        other.wait()


def tensors(path: Path) -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    return load_file(path)


@pytest.mark.parametrize("which", NETWORKS)
def test_two_processes_take_the_steps_of_one_with_the_whole_batch(ran: Ran, tmp_path: Path, which: str) -> None:
    one, two = run(tmp_path, which), ran.progress[which]
    assert [r["loss"] for r in two.history] == pytest.approx([r["loss"] for r in one.history], rel=1e-5)
    assert (two.step, two.best_step, two.best) == (12, one.best_step, pytest.approx(one.best, rel=1e-5))
    a, b = (tensors(folder / which / LAST) for folder in (tmp_path, ran.folder))
    assert a.keys() == b.keys()
    for key in a:
        assert np.abs(a[key].astype(float) - b[key]).max() <= 1e-5 * max(1, np.abs(a[key]).max()), key


def test_a_lost_process_is_named_and_its_training_goes_on_from_the_last_checkpoint(ran: Ran) -> None:
    assert ran.other == -signal.SIGKILL
    assert "last checkpoint is kept: start all of them again with --resume" in str(ran.error)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    kept = read_history(ran.folder / "lost" / "group" / HISTORY)
    assert [r["step"] for r in kept] == list(range(1, KILLED_AT + 1))
    again, whole = run(ran.folder / "lost", "group"), ran.progress["group"]
    assert again.step == whole.step
    assert [r["loss"] for r in again.history] == pytest.approx([r["loss"] for r in whole.history], rel=1e-5)


def test_a_batch_is_shared_evenly_or_refused() -> None:
    shares = [Peers(rank, 3).share(6) for rank in range(3)]
    assert [list(range(6)[share]) for share in shares] == [[0, 1], [2, 3], [4, 5]]
    with pytest.raises(UsageError, match="4 samples a step must be shared evenly among 3 processes: give --batch-size 3"):
        Peers(0, 3).share(4)


@pytest.mark.services
def test_folds_side_by_side_have_the_weights_of_folds_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diaphane.train.fit.this_machine", lambda alone: Machine(2, 10**10, alone))
    data = discs(tmp_path / "data", 8)
    loop = {"steps": 4, "batch_size": 2, "precision": "float32", "channels_last": False, "validations": 1}
    plan = {"threads": 1, "loop": loop, "network": {"widths": [4, 8]}}
    fit(data, tmp_path / "both", Options(folds=2), Asked(overrides=plan))
    (tmp_path / "each").mkdir()
    for name in ("recipe.toml", "split.json"):
        (tmp_path / "each" / name).write_bytes((tmp_path / "both" / name).read_bytes())
    work = decided(check(read_dataset(data)), tmp_path / "each")
    for fold in (0, 1):
        trained(fold, work, None)
        a, b = (tensors(tmp_path / f / f"fold_{fold}" / LAST) for f in ("both", "each"))
        assert a.keys() == b.keys()
        assert all(np.array_equal(a[key], b[key]) for key in a)
    assert (tmp_path / "both" / "bundle" / "member_1.onnx").exists()


@pytest.mark.services
def test_a_fold_whose_process_dies_is_named_and_the_others_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_by_side, "_train", folds_that_die.dies_in_fold_1)
    work = SimpleNamespace(recipe=SimpleNamespace(threads=1), jobs=(0, 1, 2), title="fold {}".format, checked=None, out=tmp_path, texts={})
    with pytest.raises(TrainingError, match=r"fold 1: its process died.*the others.*are kept: go on with --resume"):
        side_by_side.train_all(work, None, 2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["fold_0", "fold_2"]


def test_a_machine_trains_as_many_folds_at_a_time_as_processors_and_memory_allow(tmp_path: Path) -> None:
    recipe = replace(plan(check(read_dataset(discs(tmp_path, 10))), Options(folds=5), {}, 10**10, 4).recipe, threads=2)
    step = memory(recipe)
    assert [Machine(n, 10**11).together(recipe) for n in (1, 2, 3, 4, 7, 8, 64)] == [1, 1, 1, 2, 3, 4, 5]
    assert [Machine(8, 10**11).rounds(replace(recipe, threads=n)) for n in (1, 2, 4, 8)] == [1, 2, 3, 5]
    assert [Machine(64, int(n * step / 0.6) + 9).together(recipe) for n in (0, 1, 3)] == [1, 1, 3]
    assert Machine(64, 10**11, alone=False).rounds(recipe) == 5
    assert Machine(64, 10**11).together(replace(recipe, fold=(2,))) == 1
