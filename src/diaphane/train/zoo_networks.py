"""The networks of the zoo, trained once and kept with their checkpoints in a working folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from diaphane.core.arrays import FloatArray
from diaphane.core.image import Image
from diaphane.core.recipe import Recipe
from diaphane.nets.blocks import Network
from diaphane.ops.resample import resample
from diaphane.prepare import prepare
from diaphane.train.zoo_fit import FitOptions, Stack, fit_unet
from diaphane.train.zoo_samples import Sample, stacked


def trained(title: str, samples: Sequence[Sample], recipe: Recipe, options: FitOptions, work: Path) -> Network:
    """The network of ``title``; a training that was begun in ``work`` is gone on with, a finished one read."""
    return fit_unet(Stack(*stacked(samples, recipe)), len(recipe.labels), options, work / title)


def halves(samples: Sequence[Sample], recipe: Recipe, options: FitOptions, work: Path) -> list[FloatArray]:
    """A foreground probability for each sample, from a network that was trained on the *other* half of them.

    (row, column) on the source grid. Halves are drawn with ``options.seed``.
    """
    order = np.random.default_rng(options.seed).permutation(len(samples))
    parts = [sorted(order[::2]), sorted(order[1::2])]
    out: list[FloatArray] = [np.empty(0)] * len(samples)
    for n, (seen, unseen) in enumerate([(parts[0], parts[1]), (parts[1], parts[0])]):
        seeded = replace(options, seed=options.seed + 1 + n)
        network = trained(f"{recipe.name}_half_{n}", [samples[k] for k in seen], recipe, seeded, work)
        for k in unseen:
            out[k] = 1 - probabilities(network, samples[k].image, recipe)[0]
    return out


@torch.inference_mode()
def probabilities(network: torch.nn.Module, image: Image, recipe: Recipe) -> FloatArray:
    """Class probabilities (class, row, column) on the source grid, by plain float32 torch."""
    prepared = prepare(image, recipe)
    top, left, height, width = prepared.box
    soft = network(torch.from_numpy(prepared.array.copy())[None]).softmax(dim=1)[0].numpy()
    inside = soft[:, top : top + height, left : left + width].transpose(1, 2, 0)
    return np.asarray(resample(inside, *image.shape[1:])).transpose(2, 0, 1)
