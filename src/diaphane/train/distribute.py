"""Several processes as one training, started by ``torchrun``: each computes its share of every batch, the step is that of the whole batch.

The logits of all shares are gathered, so that every process has the very loss of the whole batch, whatever is averaged over in it
(cross-entropy over all known pixels, Dice over samples); its gradient flows through the own share only, and the sum of the shares'
gradients is that of one process. Torch's ``DistributedDataParallel`` would average the gradients of each share's own loss, which is
another number as soon as shares differ in how many pixels are known. Networks normalise each sample by itself, so that nothing else
is shared. The weights begin alike, see the same gradients, and so stay alike: only the first process looks at validation and writes.
"""

from __future__ import annotations

import io
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.rendezvous import rendezvous

from diaphane.errors import TrainingError, UsageError

STEP = timedelta(minutes=5)
"""How much later than the first a process may finish its share of a step. One that died is noticed at once."""
WORK = timedelta(hours=2)
"""How long the first process may plan, look at validation or judge while the others wait."""
ANSWER_S = 5.0
"""How long a process has to say that it is still there, when another is missed."""
Outputs = TypeVar("Outputs", torch.Tensor, list[torch.Tensor])


@dataclass(frozen=True, slots=True)
class Peers:
    """This process among those of one training; by itself: the only one."""

    rank: int = 0
    world: int = 1
    store: Any = None
    """Where processes leave notes for one another; None of the only one."""

    @property
    def leads(self) -> bool:
        """Whether it is the one that decides, looks, writes and speaks."""
        return self.rank == 0

    def share(self, samples: int) -> slice:
        """Which samples of a batch are its own.

        Raises:
            UsageError: They cannot be shared evenly.
        """
        each, rest = divmod(samples, self.world)
        if rest:
            better = self.world * max(1, round(samples / self.world))
            raise UsageError(
                f"{samples} samples a step must be shared evenly among {self.world} processes: give --batch-size {better}, or another --nproc-per-node"
            )
        return slice(self.rank * each, (self.rank + 1) * each)

    def whole(self, part: Outputs) -> Outputs:
        """What all processes have together of what each has a part of, along the first axis; gradients flow into the own part only.

        Raises:
            TrainingError: A process is gone.
        """
        if self.world == 1:
            return part
        if isinstance(part, list):
            return [self.whole(one) for one in part]
        parts = [torch.empty(part.shape, dtype=part.dtype) for _ in range(self.world)]
        self._together(lambda: dist.all_gather(parts, part.detach().contiguous()))
        parts[self.rank] = part
        return torch.cat(parts)

    def add_gradients(self, network: nn.Module) -> None:
        """Gives every process the sum of all processes' gradients.

        Raises:
            TrainingError: A process is gone.
        """
        if self.world == 1:
            return
        gradients = [p.grad for p in network.parameters() if p.grad is not None]
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        self._together(lambda: dist.all_reduce(flat))
        for gradient, part in zip(gradients, torch.split(flat, [g.numel() for g in gradients]), strict=True):
            gradient.copy_(part.view(gradient.shape))

    def agreed(self, value: Callable[[], float]) -> float:
        """The value that the first process computes, while the others wait.

        Raises:
            TrainingError: A process is gone.
        """
        if self.world == 1:
            return value()
        found = torch.tensor(value() if self.leads else 0.0, dtype=torch.float64)
        self.wait()
        self._together(lambda: dist.broadcast(found, 0))
        return found.item()

    def wait(self) -> None:
        """Goes on when all processes have come here.

        Raises:
            TrainingError: A process is gone.
        """
        if self.world > 1:
            self._together(lambda: dist.monitored_barrier(timeout=WORK))

    def lost(self) -> TrainingError:
        """What to say when others do not go on: which of them do not answer."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the launcher ends all as soon as one is gone; this one says which before
        gone = self._silent()
        who = f"rank {' and '.join(map(str, gone))} of {self.world}"
        what = f"{who} is gone (what it said, if anything, is above)" if gone else "the processes were ended from outside, or lost their connection"
        return TrainingError(f"{what}; the last checkpoint is kept: start all of them again with --resume")

    def _together(self, what: Callable[[], object]) -> None:
        try:
            what()
        except RuntimeError as problem:
            raise self.lost() from problem

    def _silent(self) -> list[int]:
        """The ranks that do not say that they are there."""
        until = time.monotonic() + ANSWER_S
        silent = list(range(self.world))
        try:
            self.store.set(f"here/{self.rank}", "")
            while (silent := [rank for rank in silent if not self.store.check([f"here/{rank}"])]) and time.monotonic() < until:
                time.sleep(0.1)
        except RuntimeError:  # the first process keeps the notes, or the launcher, which ends all of them
            return [0]
        return silent


ALONE = Peers()


@contextmanager
def joined() -> Iterator[Peers]:
    """This process among those that ``torchrun`` started; alone where it did not start any.

    Raises:
        UsageError: It was started by something that does not say where the others are.
        TrainingError: The others cannot be reached, or one is told to end.
    """
    if os.environ.get("WORLD_SIZE", "1") == "1":
        yield ALONE
        return
    try:
        store, rank, world = next(iter(rendezvous("env://", timeout=STEP)))
        dist.init_process_group("gloo", store=store, rank=rank, world_size=world, timeout=STEP)
    except ValueError as problem:
        raise UsageError(f"WORLD_SIZE is set, so this must be one of several processes, started by torchrun ({problem}); unset it otherwise") from problem
    except RuntimeError as problem:
        raise TrainingError(f"the other processes of this training cannot be reached ({str(problem)[:200]}); see docs/distributed.md") from problem
    peers = Peers(rank, world, store)

    def told_to_end(*_: object) -> None:
        raise peers.lost()

    before = signal.signal(signal.SIGTERM, told_to_end)
    if not peers.leads:
        say_less(logging.WARNING)
    try:
        yield peers
    finally:
        signal.signal(signal.SIGTERM, before)
        dist.destroy_process_group()


class Lines(io.TextIOWrapper):
    """A terminal that several processes write to: whole lines only, so that no progress bar is drawn there."""

    def isatty(self) -> bool:
        """Whether bars may be drawn."""
        return False


def say_less(level: int) -> None:
    """In a process beside others: messages from ``level`` on, as lines."""
    sys.stderr = Lines(os.fdopen(os.dup(2), "wb"), line_buffering=True)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr, force=True)
    logging.getLogger("diaphane").setLevel(level)
