"""The training loop, top to bottom: batch, loss, step, average, look at validation, checkpoint.

Everything that is drawn depends on the seed and the number of the step alone, so that a training which was killed and resumed ends
with the very bytes of one that was not.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn
from tqdm import tqdm

from diaphane.core.arrays import FloatArray, IntArray
from diaphane.errors import TrainingError
from diaphane.nets.classifier import Classifier
from diaphane.train.batches import Batches, prefetched
from diaphane.train.checkpoint import Model, Progress, read_checkpoint, write_checkpoint, write_weights
from diaphane.train.distribute import ALONE, Peers
from diaphane.train.history import write_history
from diaphane.train.losses import LOSSES, total_loss
from diaphane.train.optimizers import OPTIMIZERS, learning_rate
from diaphane.train.recipe import LoopTable

log = logging.getLogger(__name__)
LAST, BEST, HISTORY = "last.safetensors", "best.safetensors", "history.csv"
TOO_LONG = 0.1
"""Share of the time that a training should not wait for data."""
SETTLED = 256
"""Samples that the scale of a classifier's head is taken from."""
ROWS = 400
"""About as many lines has the history of a training."""
Look = Callable[[nn.Module], float]
"""Validation: the metric of a network, always of the same items."""


def train(
    network: nn.Module, batches: Batches, loop: LoopTable, look: Look, folder: Path, *, recipe: str, resume: bool, title: str, peers: Peers = ALONE
) -> Progress:  # fmt: skip
    """Trains ``network`` for ``loop.steps`` steps; ``folder`` then holds the last state, the best average and the history.

    ``recipe`` is the digest of what is trained; with ``resume`` it goes on from the last checkpoint, if there is one. With ``peers``,
    ``batches`` are the share of this process, and the first one alone looks at validation and writes.

    Raises:
        TrainingError: The loss is not a number any more, memory ran out, or the checkpoint is of something else.
        StorageError: A checkpoint cannot be written; the one before is kept.
    """
    arranged(network, loop).train()
    goes_on = resume and (folder / LAST).exists()
    settle(network, batches, goes_on=goes_on)
    model = Model(network, copy.deepcopy(network).eval(), OPTIMIZERS[loop.optimizer](network, loop))
    progress = Progress(recipe)
    if goes_on:
        progress = read_checkpoint(folder / LAST, model, recipe)
    folder.mkdir(parents=True, exist_ok=True)
    started = saved = time.monotonic()
    before = progress.minutes
    with closing(prefetched(batches, progress.step, loop.steps)) as ahead, _bar(loop, progress, title) as bar:
        for x, y in _unless_over(ahead, loop, progress):
            progress.losses.append(step_once(model, loop, x, y, progress.step, peers=peers))
            progress.step += 1
            progress.epoch = progress.step * loop.batch_size // len(batches.names)
            progress.minutes = before + (time.monotonic() - started) / 60
            metric = _look(model, look, progress, folder, peers) if _is_due(progress.step, loop.steps, loop.validations) else None
            if metric is not None or _is_due(progress.step, loop.steps, ROWS):
                progress.history.append(_row(progress, learning_rate(progress.step - 1, loop), metric))
                bar.set_postfix(_words(progress), refresh=False)
            if metric is not None and bar.disable:  # in a file, or beside other processes: lines in place of a bar
                log.info("%s: step %d of %d, %s", title, progress.step, loop.steps, ", ".join(f"{k} {v}" for k, v in _words(progress).items()))
            bar.update()
            if peers.leads and time.monotonic() - saved > 60 * loop.checkpoint_minutes:
                saved = time.monotonic()
                _save(model, progress, folder)
        share = ahead.waited_s / max(time.monotonic() - started, 1e-9)
    log.log(logging.WARNING if share > TOO_LONG else logging.DEBUG, "%s: waited for data %.1f %% of the time", title, 100 * share)
    if peers.leads:
        _save(model, progress, folder)
        if not loop.validations:  # nothing was held out: the last average is the best there is
            write_weights(folder / BEST, model.average, {"step": progress.step, "epoch": progress.epoch})
    return progress


def settle(network: nn.Module, batches: Batches, *, goes_on: bool) -> None:
    """Before its first step, the scale of what a classifier's head reads, from the first samples that it will see: every process of several takes the same."""
    if goes_on or not isinstance(network, Classifier) or network.settled:
        return
    alone = replace(batches, share=slice(None))
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=batches.loop.precision == "bfloat16"):
        network.settle([laid_out(torch.from_numpy(alone.batch(n)[0]), batches.loop) for n in range(-(-SETTLED // batches.loop.batch_size))])


def step_once(model: Model, loop: LoopTable, x: FloatArray, y: IntArray, step: int, *, peers: Peers = ALONE) -> float:
    """One batch (with ``peers``: a share of it) forward and back, one step of the optimiser, one of the moving average; gives the loss."""
    for group in model.optimizer.param_groups:
        group["lr"] = learning_rate(step, loop)
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=loop.precision == "bfloat16"):
            outputs = model.network(laid_out(torch.from_numpy(x), loop))
        loss = total_loss(LOSSES[loop.loss], peers.whole(outputs), peers.whole(torch.from_numpy(y)))
        if not torch.isfinite(loss):
            raise TrainingError(
                f"the loss is not a number after {step} steps; try --learning-rate {loop.learning_rate / 4:g}, or precision = 'float32' under [loop] in --plan"
            )
        model.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        peers.add_gradients(model.network)
    except (MemoryError, RuntimeError) as problem:
        raise out_of_memory(problem, loop) from problem
    torch.nn.utils.clip_grad_norm_(model.network.parameters(), loop.clip_norm)
    model.optimizer.step()
    follow(model.average, model.network, min(loop.ema, (step + 1) / (step + 10)))
    return loss.item()


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, keep: float) -> None:
    """Moves ``average`` towards ``network``: an exponential moving average. Source: Polyak, Juditsky, SIAM J Control Optim 30, 838 (1992)."""
    torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - keep)


def out_of_memory(problem: Exception, loop: LoopTable) -> Exception:
    """``problem``, or what to do about it where it says that memory ran out."""
    if isinstance(problem, MemoryError) or "allocate memory" in str(problem):
        smaller = max(1, loop.batch_size // 2)
        return TrainingError(f"out of memory at {loop.batch_size} samples a step; try --batch-size {smaller}, or a smaller size under [input] in --plan")
    return problem


def _look(model: Model, look: Look, progress: Progress, folder: Path, peers: Peers) -> float:
    """The average network's metric; where it is the best so far, its weights are kept."""
    metric = peers.agreed(lambda: look(model.average))
    progress.looks_since_best += 1
    if metric > progress.best:
        progress.looks_since_best = 0
    if metric >= progress.best:  # of equals the later one: it has learnt longer
        progress.best, progress.best_step = metric, progress.step
        if peers.leads:
            write_weights(folder / BEST, model.average, {"step": progress.step, "epoch": progress.epoch, "metric": metric})
    return metric


def _row(progress: Progress, rate: float, metric: float | None) -> dict[str, float | None]:
    mean = sum(progress.losses) / len(progress.losses)
    progress.losses.clear()
    return {"step": progress.step, "minutes": progress.minutes, "loss": mean, "learning_rate": rate, "validation": metric}


def _unless_over(ahead: Iterator[tuple[FloatArray, IntArray]], loop: LoopTable, progress: Progress) -> Iterator[tuple[FloatArray, IntArray]]:
    """The batches, until validation has not become better for ``patience`` looks."""
    while not (loop.patience and progress.looks_since_best >= loop.patience):
        batch = next(ahead, None)
        if batch is None:
            return
        yield batch


def _is_due(step: int, steps: int, times: int) -> bool:
    """Whether something that happens ``times`` times, evenly and at the end, happens after this step."""
    return step * times // steps > (step - 1) * times // steps


def _save(model: Model, progress: Progress, folder: Path) -> None:
    write_checkpoint(folder / LAST, model, progress)
    write_history(folder / HISTORY, progress.history)


def arranged(network: nn.Module, loop: LoopTable) -> nn.Module:
    """``network`` with its weights in the layout that the loop wants."""
    for parameter in network.parameters():
        parameter.data = laid_out(parameter.data, loop)
    return network


def laid_out(x: torch.Tensor, loop: LoopTable) -> torch.Tensor:
    """``x`` in the layout that the loop wants."""
    if not loop.channels_last or x.ndim < 4:
        return x.contiguous()
    return x.contiguous(memory_format=torch.channels_last if x.ndim == 4 else torch.channels_last_3d)


def _bar(loop: LoopTable, progress: Progress, title: str) -> tqdm[None]:
    return tqdm(total=loop.steps, initial=progress.step, desc=title, unit="step", mininterval=1, disable=None)


def _words(progress: Progress) -> dict[str, str]:
    loss = progress.history[-1]["loss"]
    return {"loss": f"{loss:.3f}", **({"best": f"{progress.best:.3f}"} if progress.best_step else {})}
