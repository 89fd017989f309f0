"""The networks of the zoo, trained once and kept as safetensors in a working folder."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from diaphane.core.arrays import FloatArray
from diaphane.core.image import Image
from diaphane.core.recipe import Recipe
from diaphane.nets.blocks import Network
from diaphane.nets.network import network as make_network
from diaphane.ops.resample import resample
from diaphane.prepare import prepare
from diaphane.train.fit import FitOptions, fit_network
from diaphane.train.zoo_samples import Sample, stacked

log = logging.getLogger(__name__)


def trained(title: str, samples: Sequence[Sample], recipe: Recipe, options: FitOptions, work: Path) -> Network:
    """The network of ``title``: read from ``work`` if it was trained there before, trained now if not."""
    weights = work / f"{title}.safetensors"
    classes = len(recipe.labels)
    if weights.exists():
        log.info("%s: weights from %s", title, weights)
        network = make_network("unet", prepare(samples[0].image, recipe).array.shape[0], classes + 1, widths=options.widths)
        network.load_state_dict(with_encoder(load_file(weights)))
        return network.eval()
    arrays, labels = stacked(samples, recipe)
    network = fit_network(arrays, labels, classes, options, title)
    work.mkdir(parents=True, exist_ok=True)
    save_file(network.state_dict(), weights)
    return network


def with_encoder(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights of a U-Net, also of one kept before its encoder was a part by itself, under today's names."""
    return {f"encoder.{name}" if name.startswith(("stem.", "down.")) else name: values for name, values in weights.items()}


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
