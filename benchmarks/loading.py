"""How long one batch takes to be drawn, cut and augmented: it must stay far below a step of training.

    .venv/bin/python benchmarks/loading.py

Half a minute. Beside it: the step of a U-Net that is fed from the background thread, and how much of it is waiting for data.
"""

from __future__ import annotations

import sys
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import torch
from torch.nn import functional

from diaphane.core.image import Image
from diaphane.core.recipe import InputRecipe, LabelRecipe, Recipe
from diaphane.nets.network import network
from diaphane.train.arrays import Arrays, prepared_arrays
from diaphane.train.batches import Batches, prefetched
from diaphane.train.dataset import Checked, Dataset, Item
from diaphane.train.losses import IGNORE
from diaphane.train.recipe import AugmentTable, LoopTable

FULL = AugmentTable(
    flip=(True, True, True), rotation_deg=30, rotation_out_deg=15, scale=0.25, shift=0.05, gain=0.25, offset=0.2, gamma=0.4, noise=0.1, blur=1.0
)  # fmt: skip
PICTURES = InputRecipe(channels=3, size=(144, 192), fit="stretch", normalisation="fixed", mean=(0.5,) * 3, std=(0.2,) * 3)
VOLUMES = InputRecipe(channels=1, size=(40, 56, 40), fit="windows", normalisation="z-score", spacing_mm=(1.0, 1.0, 1.0))
STEPS = 40


def loop(batch_size: int) -> LoopTable:
    """Of which only the size of a batch and the share of windows on structures matter here."""
    return LoopTable(
        steps=STEPS, batch_size=batch_size, loss="dice_cross_entropy", optimizer="adamw", learning_rate=1e-3, weight_decay=0, schedule="poly", warmup_steps=0,
        clip_norm=5, ema=0.99, foreground=0.5, precision="bfloat16", channels_last=False, validations=1, validation_items=1, checkpoint_minutes=10,
    )  # fmt: skip


def made(recipe: InputRecipe, shape: tuple[int, ...], folder: Path) -> Arrays:
    """Twenty items of noise with a block in it, prepared."""
    rng = np.random.default_rng(0)
    label = LabelRecipe(value=1, name="block")
    items = tuple(Item(str(n), folder, None) for n in range(20))
    labels = np.zeros(shape[:3], np.uint8)
    labels[:, shape[1] // 4 : shape[1] // 2, shape[2] // 4 : shape[2] // 2] = 1
    data = Dataset(
        root=folder, form="MSD", task="segment", name="made", modality="made", labels=(label,), items=items, patients_known=False
    )  # fmt: skip
    whole = Recipe(name="made", task="segment", modality="made", network="unet", labels=(label,), licence="none", input=recipe)

    def read(item: Item, values: object) -> tuple[Image, np.ndarray]:
        return Image(rng.integers(0, 256, shape, dtype=np.uint8)), labels

    return prepared_arrays(Checked(data, {}, (), {}), [item.name for item in items], whole, folder, read=read)


def batch_ms(batches: Batches) -> float:
    """The median of one batch after the other, in time of the processor: what else runs does not count."""
    times = []
    for step in range(STEPS):
        began = time.thread_time()
        batches.batch(step)
        times.append(1e3 * (time.thread_time() - began))
    return float(np.median(times))


def steps_ahead(batches: Batches, steps: int = 8) -> tuple[float, float]:
    """Seconds a step of a U-Net that is fed from the background, and how much of it is waiting."""
    channels, dimensions = batches.batch(0)[0].shape[1], 2 if batches.size[0] == 1 else 3
    widths = (16, 32, 64, 128, 256) if dimensions == 2 else (16, 32, 64, 128)
    net = network("unet", channels, 2, dimensions=dimensions, widths=widths)
    began = 0.0
    with closing(prefetched(batches, 0, steps + 1)) as ahead:
        for number, (x, y) in enumerate(ahead):
            if number == 1:  # the first step warms up
                began, before = time.perf_counter(), ahead.waited_s
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = net(torch.from_numpy(x))
            functional.cross_entropy(logits.float(), torch.from_numpy(y), ignore_index=IGNORE).backward()
        taken, waited = time.perf_counter() - began, ahead.waited_s - before
    return taken / steps, waited / taken


def main() -> None:
    """Print milliseconds a batch, seconds a step, and the share of waiting."""
    cv2.setNumThreads(1)
    for name, recipe, shape, size, count in (
        ("pictures 16x3x144x192", PICTURES, (1, 192, 256, 3), (1, 144, 192), 16),
        ("volumes 4x1x40x56x40", VOLUMES, (60, 80, 60), (40, 56, 40), 4),
    ):
        with TemporaryDirectory() as folder:
            arrays = made(recipe, shape, Path(folder))
            batches = Batches(arrays=arrays, names=arrays.names, size=size, loop=loop(count), augment=FULL, task="segment", seed=0)
            alone = batch_ms(batches)
            step, share = steps_ahead(batches)
        sys.stdout.write(f"{name}: {alone:.0f} ms a batch, {step:.2f} s a step of which {share:.1%} waiting for data\n")


if __name__ == "__main__":
    main()
