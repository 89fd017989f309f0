"""From a trained fold to a bundle; from the folds' bundles to their ensemble."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from torch import nn

from diaphane.core.recipe import OutputLimits, Recipe
from diaphane.engine import bundle as names
from diaphane.engine.bundle import open_bundle
from diaphane.nets.mirrored import Mirrored
from diaphane.train.dataset import Item
from diaphane.train.export import fingerprint_bytes, network_files, onnx_bytes, write_bundle
from diaphane.train.output_fingerprints import Results, fit_output
from diaphane.train.recipe import TrainRecipe

TRAINING = "training.toml"
"""The recipe of the training, in its bundle: what ``--init`` needs to build the network again."""
FEW = 20
"""Below so many held-out results their extremes, widened, are the limits; above, their quantiles."""


def model_recipe(recipe: TrainRecipe, members: int = 1) -> Recipe:
    """What use needs to know of a training."""
    name = recipe.network.encoder if recipe.data.task == "classify" else recipe.network.name
    words = f"{name} ({recipe.network.encoder} encoder)" if recipe.network.encoder not in ("plain", name) else name
    return Recipe(
        name=recipe.data.name,
        task=recipe.data.task,
        modality=recipe.data.modality,
        network=words if members == 1 else f"ensemble of {members} {words}",
        labels=recipe.data.labels,
        licence=recipe.data.licence,
        input=recipe.input,
        thresholds=recipe.output.thresholds,
        smallest_part=recipe.output.smallest_part,
    )


def network_file(network: nn.Module, recipe: TrainRecipe) -> bytes:
    """As ONNX; mirror images that are also looked at are part of it."""
    network = network.eval().float()
    axes = tuple(n - 3 for n, mirrored in enumerate(recipe.output.mirror) if mirrored)
    return onnx_bytes(Mirrored(network, axes) if axes else network, recipe.input.tensor_shape)


def output_limits(results: Mapping[int, Sequence[tuple[float, float]]]) -> tuple[OutputLimits, ...]:
    """What the output gate takes for plausible, from (share of the image, mean probability) of each structure in held-out results."""
    limits = []
    for label, pairs in results.items():
        found = np.array([pair for pair in pairs if pair[0] > 0]).reshape(-1, 2)
        if len(found) == 0:
            continue
        share, confidence = found.T
        if len(found) < FEW:
            low, high, sure = 0.75 * share.min(), 1.25 * share.max(), confidence.min() - 0.05
        else:
            (low, high), sure = np.quantile(share, [0.005, 0.995]), np.quantile(confidence, 0.005)
        limits.append(OutputLimits(label=label, area_fraction=(float(low), min(1.0, float(high))), confidence=max(0.0, float(sure))))
    return tuple(limits)


def output_texts(results: Results, items: Iterable[Item], seed: int) -> dict[str, bytes]:
    """What the output gate compares with, as a file of a bundle; none where there are too few held-out results."""
    found = fit_output(results, {item.name: item.patient for item in items}, seed)
    return {} if found is None else {names.OUTPUT_FINGERPRINT: fingerprint_bytes(found)}


def write_fold(folder: Path, recipe: Recipe, network: bytes, texts: Mapping[str, bytes]) -> None:
    """The bundle of one network."""
    write_bundle(folder, recipe, {names.NETWORK: network, **texts})


def widest(folds: Sequence[Path]) -> tuple[OutputLimits, ...]:
    """Limits within which the results of all folds lie."""
    limits: dict[int, list[OutputLimits]] = {}
    for fold in folds:
        for limit in open_bundle(fold).recipe.limits:
            limits.setdefault(limit.label, []).append(limit)
    return tuple(
        OutputLimits(
            label=label,
            area_fraction=(min(x.area_fraction[0] for x in every), max(x.area_fraction[1] for x in every)),
            confidence=min(x.confidence for x in every),
        )
        for label, every in sorted(limits.items())
    )


def write_whole_bundle(folder: Path, members: Sequence[Path], limits: tuple[OutputLimits, ...], recipe: TrainRecipe, texts: Mapping[str, bytes]) -> None:
    """The mean of the members' bundles as one, with other ``limits`` and ``texts``; of one its copy."""
    bundles = [open_bundle(member) for member in members]
    files = network_files([bundle.members[0] for bundle in bundles])
    write_bundle(folder, replace(model_recipe(recipe, len(bundles)), limits=limits), {**files, **texts})
