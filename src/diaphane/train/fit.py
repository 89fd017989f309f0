"""The small, plain training loop: one network, a fixed number of steps, the same seed gives the same weights."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from tqdm import trange

from diaphane.core.arrays import FloatArray, IntArray
from diaphane.nets.blocks import Network
from diaphane.nets.network import network as make_network
from diaphane.train.augment import Ranges, apply, draw
from diaphane.train.losses import dice_cross_entropy


@dataclass(frozen=True, slots=True, kw_only=True)
class FitOptions:
    """How a network is trained."""

    steps: int
    batch_size: int
    ranges: Ranges
    seed: int
    widths: tuple[int, ...] = (16, 32, 64, 128, 256)
    """Channels at each resolution; 1.9 M parameters."""
    learning_rate: float = 2e-3
    """AdamW's; falls by (1 - step/steps) ** 0.9 after 100 steps of warm-up."""
    weight_decay: float = 1e-2
    ema: float = 0.998
    """Share of the old weights kept in the moving average that is exported."""
    channels_last: bool = False
    """Lay pixels out channel by channel innermost: a fifth faster on CPUs for large pictures, and rounded otherwise."""


Watch = Callable[[int, Network], bool]
"""Is given the steps taken and the averaged network after each; says whether training goes on."""


def _go_on(step: int, average: Network) -> bool:
    return True


def fit_network(arrays: FloatArray, labels: IntArray, classes: int, options: FitOptions, title: str, *, watch: Watch = _go_on) -> Network:
    """A U-Net with averaged weights, in evaluation mode.

    ``arrays`` (sample, channel, row, column) float32 are as ``prepare`` makes them; ``labels`` (sample, row, column) run
    from 0 to ``classes``, or are ``losses.IGNORE``; ``title`` is what the progress bar says.
    """
    torch.manual_seed(options.seed)
    rng = np.random.default_rng(options.seed)
    network = make_network("unet", arrays.shape[1], classes + 1, widths=options.widths)
    layout = torch.channels_last if options.channels_last else torch.contiguous_format
    network.to(memory_format=layout)  # type: ignore[call-overload]  # takes it, says it does not
    average = copy.deepcopy(network)
    optimiser = torch.optim.AdamW(network.parameters(), options.learning_rate, weight_decay=options.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda n: min(1, (n + 1) / 100) * (1 - n / options.steps) ** 0.9)
    loss_mean = float("nan")
    bar = trange(options.steps, desc=title, mininterval=10, disable=None)
    for step in bar:
        x, y = _batch(arrays, labels, options, rng)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = network(x.contiguous(memory_format=layout))
        loss = dice_cross_entropy(logits.float(), y)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        _follow(average, network, min(options.ema, (step + 1) / (step + 10)))
        loss_mean = loss.item() if step == 0 else 0.98 * loss_mean + 0.02 * loss.item()
        bar.set_postfix(loss=f"{loss_mean:.4f}", refresh=False)
        if not watch(step + 1, average):
            break
    return average.eval()


def _batch(arrays: FloatArray, labels: IntArray, options: FitOptions, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    chosen = rng.integers(len(arrays), size=options.batch_size)
    drawn = [draw(options.ranges, arrays.shape[1:], rng) for _ in chosen]
    pairs = [apply(d, arrays[n], labels[n]) for d, n in zip(drawn, chosen, strict=True)]
    x = torch.from_numpy(np.stack([array for array, _ in pairs]))
    return x, torch.from_numpy(np.stack([mask for _, mask in pairs]).astype(np.int64))


@torch.no_grad()
def _follow(average: torch.nn.Module, network: torch.nn.Module, keep: float) -> None:
    for old, new in zip(average.parameters(), network.parameters(), strict=True):
        old.lerp_(new, 1 - keep)
