"""A small training that one or two processes run; as a program, the second of two, which is killed in the end."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from diaphane.nets.network import network
from diaphane.train import loop as loops
from diaphane.train.batches import Batches
from diaphane.train.checkpoint import Progress
from diaphane.train.distribute import ALONE, Peers, joined
from diaphane.train.losses import IGNORE
from diaphane.train.zoo.arrays_fit import FitOptions, Stack, augment

OPTIONS = FitOptions(steps=12, batch_size=4, augment=augment(20, 0.2, 0.1, 0.2, 0.2, flips=True), seed=3, widths=(4, 8), learning_rate=5e-3, ema=0.9, looks=3)
LOOP = replace(OPTIONS.loop, warmup_steps=4, checkpoint_minutes=0, precision="float32", clip_norm=0.5)
NETWORKS = {"group": "unet", "heads": "unetplusplus"}
"""Group normalisation; instance normalisation and deep supervision."""
KILLED_AT = 5


def batches(peers: Peers) -> Batches:
    """Of some pictures most is unknown: shares differ in how much is known."""
    rng = np.random.default_rng(0)
    labels = (rng.random((7, 16, 16)) < 0.3).astype(np.uint8)
    arrays = (labels[:, None] * 2 + rng.normal(0, 0.5, (7, 1, 16, 16))).astype(np.float32)
    for n, rows in enumerate((0, 15, 12, 3, 0, 14, 16)):
        labels[n, :rows] = IGNORE
    stack, share = Stack(arrays, labels), peers.share(LOOP.batch_size)
    return Batches(arrays=stack, names=stack.names, size=(1, 16, 16), loop=LOOP, augment=OPTIONS.augment, task="segment", seed=3, share=share)


def metric(net: torch.nn.Module) -> float:
    """Some number of the weights."""
    return float(sum(p.detach().double().abs().sum() for p in net.parameters()))


def never(_: torch.nn.Module) -> float:
    """Only the first process looks."""
    raise NotImplementedError


def run(folder: Path, which: str, peers: Peers = ALONE) -> Progress:
    """Trains, or goes on, in a folder of ``folder``."""
    torch.manual_seed(7)
    net = network(NETWORKS[which], 1, 2, widths=(4, 8), norm="group" if which == "group" else "instance", deep_supervision=which == "heads")
    look = metric if peers.leads else never
    return loops.train(net, batches(peers), LOOP, look, folder / which, recipe="r", resume=True, title="t", peers=peers)


def second(folder: Path) -> None:
    """Both trainings, then one more, in which this process is killed."""
    step_once = loops.step_once

    def killed(*values: Any, **more: Any) -> float:
        if values[4] == KILLED_AT:
            os.kill(os.getpid(), signal.SIGKILL)
        return step_once(*values, **more)

    with joined() as peers:
        for which in NETWORKS:
            run(folder, which, peers)
        loops.step_once = killed
        run(folder / "lost", "group", peers)


if __name__ == "__main__":
    torch.set_num_threads(1)
    second(Path(sys.argv[1]))
