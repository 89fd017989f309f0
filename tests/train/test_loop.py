from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra 'train'")

from diaphane.errors import StorageError, TrainingError  # noqa: E402
from diaphane.nets.network import network  # noqa: E402
from diaphane.train.arrays import Stored  # noqa: E402
from diaphane.train.batches import Batches  # noqa: E402
from diaphane.train.checkpoint import read_weights  # noqa: E402
from diaphane.train.history import read_history  # noqa: E402
from diaphane.train.loop import BEST, HISTORY, LAST, train  # noqa: E402
from diaphane.train.losses import IGNORE, LOSSES, cross_entropy, soft_dice, total_loss  # noqa: E402
from diaphane.train.optimizers import SCHEDULES, learning_rate  # noqa: E402
from diaphane.train.recipe import LoopTable  # noqa: E402
from diaphane.train.zoo.arrays_fit import FitOptions, Stack, augment  # noqa: E402

STEPS = 24
OPTIONS = FitOptions(
    steps=STEPS, batch_size=2, augment=augment(20, 0.2, 0.1, 0.2, 0.2, flips=True), seed=3, widths=(4, 8), learning_rate=5e-3, ema=0.9, looks=6
)
LOOP = replace(OPTIONS.loop, warmup_steps=4, checkpoint_minutes=0, precision="float32")


def batches(loop=LOOP) -> Batches:
    rng = np.random.default_rng(0)
    labels = (rng.random((6, 16, 16)) < 0.3).astype(np.uint8)
    arrays = (labels[:, None] * 2 + rng.normal(0, 0.5, (6, 1, 16, 16))).astype(np.float32)
    stack = Stack(arrays, labels)
    return Batches(arrays=stack, names=stack.names, size=(1, 16, 16), loop=loop, augment=OPTIONS.augment, task="segment", seed=3)


def fresh() -> torch.nn.Module:
    torch.manual_seed(7)
    return network("unet", 1, 2, widths=(4, 8))


def norm(net: torch.nn.Module) -> float:
    """A metric that rises and falls: some digits of the weights."""
    return float(sum(p.detach().double().abs().sum() for p in net.parameters())) % 1


def run(folder: Path, loop=LOOP, *, resume: bool = True, recipe: str = "r") -> None:
    train(fresh(), batches(loop), loop, norm, folder, recipe=recipe, resume=resume, title="t")


def stopped(folder: Path, loop: LoopTable, at: int, net: torch.nn.Module, data: Batches) -> None:
    """As if it had been killed after a checkpoint at step ``at``."""

    def look(network: torch.nn.Module) -> float:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(net, data, replace(loop, validations=loop.steps // (at + 1)), look, folder, recipe="r", resume=False, title="t")


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import torch
torch.set_num_threads(1)
from tests.train import test_loop as t
from diaphane.train import checkpoint, loop
folder, at, where = Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
if where == "writing":
    replaced, count = os.replace, [0]
    def replace(a, b):
        count[0] += str(b).endswith("last.safetensors")
        if count[0] == at:
            os.kill(os.getpid(), signal.SIGKILL)
        replaced(a, b)
    checkpoint.os.replace = replace
else:
    step = loop.step_once
    def killed(model, options, x, y, n, **more):
        if n == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(model, options, x, y, n, **more)
    loop.step_once = killed
t.run(folder)
"""


def test_killed_at_random_steps_and_resumed_ends_with_the_very_bytes(tmp_path: Path) -> None:
    run(tmp_path / "whole")
    rng = np.random.default_rng()
    first, later = int(rng.integers(1, 10)), int(rng.integers(2, 8))
    root = Path(__file__).parents[2]
    for at, where in ((first, "step"), (later, "writing")):
        done = subprocess.run([sys.executable, "-c", KILLED, str(root), str(tmp_path / "killed"), str(at), where], check=False, cwd=root)
        assert done.returncode == -signal.SIGKILL, (first, later)
    run(tmp_path / "killed")
    a, b = ({n: torch.from_numpy(v) for n, v in _tensors(tmp_path / f / LAST).items()} for f in ("whole", "killed"))
    assert a.keys() == b.keys()
    assert all(torch.equal(a[n], b[n]) for n in a), (first, later)
    whole, killed = (read_history(tmp_path / f / HISTORY) for f in ("whole", "killed"))
    assert [{**r, "minutes": 0} for r in whole] == [{**r, "minutes": 0} for r in killed]
    assert _tensors(tmp_path / "whole" / BEST).keys() == _tensors(tmp_path / "killed" / BEST).keys()
    assert all(np.array_equal(v, _tensors(tmp_path / "killed" / BEST)[n]) for n, v in _tensors(tmp_path / "whole" / BEST).items())


@pytest.mark.parametrize("optimizer", ["adamw", "adam", "sgd"])
def test_resumed_in_another_memory_layout_and_in_three_dimensions_is_the_same_to_the_bit(tmp_path: Path, optimizer: str) -> None:
    rng = np.random.default_rng(1)
    labels = (rng.random((4, 8, 8, 8)) < 0.3).astype(np.uint8)
    volumes = {str(n): Stored((y * 2 + rng.normal(0, 0.5, y.shape))[None].astype(np.float16), y, 0, {}) for n, y in enumerate(labels)}
    loop = replace(LOOP, steps=8, channels_last=True, optimizer=optimizer, precision="bfloat16")
    volumetric = Batches(arrays=volumes, names=tuple(volumes), size=(8, 8, 8), loop=loop, augment=OPTIONS.augment, task="segment", seed=3)
    for name, dimensions, data in (("flat", 2, batches(loop)), ("deep", 3, volumetric)):

        def make(dimensions: int = dimensions) -> torch.nn.Module:
            torch.manual_seed(7)
            return network("unet", 1, 2, dimensions=dimensions, widths=(4, 8))

        train(make(), data, loop, norm, tmp_path / name / "whole", recipe="r", resume=False, title="t")
        stopped(tmp_path / name / "killed", loop, 3, make(), data)
        assert json.loads(_header(tmp_path / name / "killed" / LAST))["step"] == 3
        train(make(), data, loop, norm, tmp_path / name / "killed", recipe="r", resume=True, title="t")
        a, b = (_tensors(tmp_path / name / which / LAST) for which in ("whole", "killed"))
        assert all(np.array_equal(a[key], b[key]) for key in a), (name, [key for key in a if not np.array_equal(a[key], b[key])][:3])


def _header(path: Path) -> str:
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        return str(file.metadata()["diaphane"])


def _tensors(path: Path) -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    return load_file(path)


def test_best_holds_the_average_of_the_highest_look_and_the_history_tells_it(tmp_path: Path) -> None:
    run(tmp_path)
    rows = [r for r in read_history(tmp_path / HISTORY) if r["validation"] is not None]
    assert [r["step"] for r in rows] == [4, 8, 12, 16, 20, 24]
    best = fresh()
    read_weights(tmp_path / BEST, best)
    assert norm(best) == pytest.approx(max(r["validation"] for r in rows), abs=1e-5)


def test_patience_ends_a_training_after_looks_without_a_better_one(tmp_path: Path) -> None:
    seen: list[int] = []

    def look(net: torch.nn.Module) -> float:
        seen.append(1)
        return [0.2, 0.5, 0.4, 0.3, 0.9, 0.9][len(seen) - 1]

    loop = replace(LOOP, patience=2)
    progress = train(fresh(), batches(loop), loop, look, tmp_path, recipe="r", resume=False, title="t")
    assert (progress.step, progress.best, progress.best_step) == (16, 0.5, 8)


def test_checkpoint_of_another_recipe_or_a_damaged_one_is_refused_and_kept(tmp_path: Path) -> None:
    run(tmp_path)
    before = (tmp_path / LAST).read_bytes()
    with pytest.raises(TrainingError, match="belongs to another recipe"):
        run(tmp_path, recipe="other")
    assert (tmp_path / LAST).read_bytes() == before
    (tmp_path / LAST).write_bytes(before[: len(before) // 2])
    with pytest.raises(TrainingError, match="not a checkpoint that can be read"):
        run(tmp_path)


def test_full_disk_during_a_checkpoint_keeps_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tmp_path, replace(LOOP, steps=6))
    before = (tmp_path / LAST).read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("diaphane.train.checkpoint.os.fsync", full)
    with pytest.raises(StorageError, match=r"make room.*checkpoint before is kept"):
        run(tmp_path)
    assert (tmp_path / LAST).read_bytes() == before
    assert not list(tmp_path.glob("*.partial"))


def test_diverged_and_out_of_memory_say_what_to_do(tmp_path: Path) -> None:
    class Broken(torch.nn.Module):
        def __init__(self, problem: Exception | None) -> None:
            super().__init__()
            self.weight, self.problem = torch.nn.Parameter(torch.ones(1)), problem

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if self.problem:
                raise self.problem
            return torch.stack([x[:, 0] * self.weight * float("nan")] * 2, dim=1)

    too_much = RuntimeError("can't allocate memory: you tried 9 bytes")
    for problem, words in ((None, "not a number"), (too_much, "--batch-size 1"), (MemoryError(), "out of memory")):
        with pytest.raises(TrainingError, match=words):
            train(Broken(problem), batches(), LOOP, norm, tmp_path, recipe="r", resume=False, title="t")


def test_schedules_begin_at_one_and_end_at_nothing_and_warm_up() -> None:
    for name, fall in SCHEDULES.items():
        assert fall(0.0) == 1.0
        assert fall(0.999) < 0.011, name
        assert all(fall(a / 50) >= fall((a + 1) / 50) for a in range(49)), name
    assert learning_rate(0, LOOP) == pytest.approx(LOOP.learning_rate / 4)
    assert learning_rate(12, LOOP) == pytest.approx(LOOP.learning_rate * 0.5**0.9)


def test_every_loss_is_low_at_the_truth_and_ignores_what_nobody_knows() -> None:
    labels = torch.zeros(2, 8, 8, dtype=torch.int64)
    labels[:, 2:6, 2:6] = 1
    right = torch.stack([1.0 - labels, labels.float()], dim=1) * 20
    unknown = labels.clone()
    unknown[:, :2] = IGNORE
    wrong_there = right.clone()
    wrong_there[:, :, :2] = -wrong_there[:, :, :2]
    for name, loss in LOSSES.items():
        assert loss(right, labels) < 0.02, name
        assert loss(-right, labels) > loss(torch.zeros_like(right), labels) > loss(right, labels), name
        assert loss(wrong_there, unknown) == pytest.approx(float(loss(right, unknown)), abs=1e-6), name


def test_soft_dice_is_the_slow_obvious_sum_in_three_dimensions() -> None:
    torch.manual_seed(1)
    logits, labels = torch.randn(2, 3, 4, 5, 6), torch.randint(0, 3, (2, 4, 5, 6))
    soft, values = logits.softmax(dim=1), []
    for n in range(2):
        for c in (1, 2):
            p, t = soft[n, c], (labels[n] == c).float()
            values.append((2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1))
    assert float(soft_dice(logits, labels)) == pytest.approx(1 - float(torch.stack(values).mean()), abs=1e-6)
    one = [torch.cat([*batch])[None] for batch in (logits.movedim(1, -1), labels)]  # the batch as one image
    assert float(soft_dice(logits, labels, together=True)) == pytest.approx(float(soft_dice(one[0].movedim(-1, 1), one[1])), abs=1e-6)
    assert float(cross_entropy(logits, labels)) == pytest.approx(float(torch.nn.functional.cross_entropy(logits, labels)), abs=1e-5)
    assert float(total_loss(soft_dice, [logits, logits * 2], labels)) == pytest.approx(float(soft_dice(logits, labels) + soft_dice(logits * 2, labels)) / 2)
