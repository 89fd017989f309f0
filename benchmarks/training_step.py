"""A step of training against the same step in plain float32 eager torch: same network, same data, interleaved.

    .venv/bin/python benchmarks/training_step.py

The peer is what one writes first: forward, Dice + cross-entropy, backward, clipping, torch's own AdamW, with one
thread or two, whichever is faster; no moving average.
Ours is what the loop does, moving average included, in the way that the pilot would choose (precision, layout, threads). Five minutes.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as diaphane train does, for both

import sys
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from diaphane.nets.blocks import Network
from diaphane.nets.network import network
from diaphane.train.checkpoint import Model
from diaphane.train.loop import arranged, step_once
from diaphane.train.losses import dice_cross_entropy
from diaphane.train.optimizers import OPTIMIZERS
from diaphane.train.recipe import LoopTable

ROUNDS = 9
CASES = {
    "2-D U-Net, 1.9 M parameters, 16 x 3 x 144 x 192": (lambda: network("unet", 3, 2), (16, 3, 144, 192), 2),
    "3-D U-Net, 1.4 M parameters, 4 x 1 x 40 x 56 x 40": (lambda: network("unet", 1, 3, dimensions=3, widths=(16, 32, 64, 128)), (4, 1, 40, 56, 40), 3),
    "2-D UNet++, 4 x 3 x 144 x 192": (lambda: network("unetplusplus", 3, 2, deep_supervision=True), (4, 3, 144, 192), 2),
    "2-D DeepLabV3+, ResNet-18, 8 x 3 x 144 x 192": (lambda: network("deeplabv3plus", 3, 2, encoder="resnet18"), (8, 3, 144, 192), 2),
}
LOOP = LoopTable(
    steps=1000, batch_size=4, loss="dice_cross_entropy", optimizer="adamw", learning_rate=1e-3, weight_decay=1e-2, schedule="poly", warmup_steps=0,
    clip_norm=5, ema=0.99, foreground=0, precision="bfloat16", channels_last=False, validations=1, validation_items=1, checkpoint_minutes=10,
)  # fmt: skip
WAYS = [(p, last, n) for p in ("bfloat16", "float32") for last in (False, True) for n in (1, 2)]


def ours(make: Callable[[], Network], x: np.ndarray, y: np.ndarray, loop: LoopTable, threads: int) -> Callable[[], None]:
    """A step of the loop."""
    net, average = (arranged(make(), loop) for _ in range(2))
    model = Model(net, average.eval(), OPTIMIZERS[loop.optimizer](net, loop))

    def step() -> None:
        torch.set_num_threads(threads)
        step_once(model, loop, x, y, 100)

    return step


def plain(make: Callable[[], Network], x: np.ndarray, y: np.ndarray, threads: int) -> Callable[[], None]:
    """A step as one writes it first."""
    net = make()
    optimiser = torch.optim.AdamW(net.parameters(), 1e-3, weight_decay=1e-2)
    images, labels = torch.from_numpy(x), torch.from_numpy(y)

    def step() -> None:
        torch.set_num_threads(threads)
        outputs = net(images)
        heads = outputs if isinstance(outputs, list) else [outputs]
        loss = torch.stack([dice_cross_entropy(head, labels) for head in heads]).mean()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5)
        optimiser.step()

    return step


def seconds(step: Callable[[], None]) -> float:
    """Of one step."""
    begun = time.perf_counter()
    step()
    return time.perf_counter() - begun


def main() -> None:
    """Print the table, a line as soon as it is known."""
    sys.stdout.write("| network and batch | plain float32, s | ours, s | faster (quartiles) | the way |\n| --- | --- | --- | --- | --- |\n")
    for title, (make, shape, classes) in CASES.items():
        rng = np.random.default_rng(0)
        x = rng.normal(size=shape).astype(np.float32)
        y = rng.integers(0, classes, (shape[0], *shape[2:]))
        tried = {way: ours(make, x, y, replace(LOOP, precision=way[0], channels_last=way[1]), way[2]) for way in WAYS}
        for step in tried.values():
            step()
        best = min(tried, key=lambda way: min(seconds(tried[way]) for _ in range(3)))
        peers = [plain(make, x, y, threads) for threads in (1, 2)]
        peer, own = min(peers, key=lambda p: min(seconds(p) for _ in range(3))), tried[best]
        pairs = np.array([(seconds(peer), seconds(own)) for _ in range(ROUNDS)])
        low, middle, high = np.quantile(pairs[:, 0] / pairs[:, 1], [0.25, 0.5, 0.75])
        slow, fast = np.median(pairs, axis=0)
        words = f"{best[0]}{', channels last' if best[1] else ''}, {best[2]} threads"
        sys.stdout.write(f"| {title} | {slow:.2f} | {fast:.2f} | {middle:.2f}x ({low:.2f} to {high:.2f}) | {words} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
