"""What the shipped networks are: their recipes, training options and data, with the reasons."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from diaphane.core.recipe import InputRecipe, LabelRecipe, NotAssessed, Recipe
from diaphane.train.zoo_fit import FitOptions, augment
from diaphane.train.zoo_samples import Sample, read_rows, read_samples

NO_MODEL = "no model for this"
SKIN_LESION = Recipe(
    name="skin_lesion",
    task="segment",
    modality="dermoscopy",
    network="unet",
    licence="Apache-2.0",
    labels=(LabelRecipe(value=1, name="skin lesion", role="lesion"),),
    smallest_part=0.5,  # a dermoscope frames one lesion: Jaccard 0.805 instead of 0.796 (0.02) out of fold
    # 144x192 keeps the pictures' 3:4 shape at a cost that two cores can train; mean and std are the training split's
    input=InputRecipe(channels=3, size=(144, 192), fit="stretch", normalisation="fixed", mean=(0.71, 0.59, 0.55), std=(0.15, 0.16, 0.18)),
    not_assessed=(
        NotAssessed(what="kinds of lesion other than melanoma yes or no (for example basal cell carcinoma)", why=NO_MODEL),
        NotAssessed(what="dermoscopic structures (network, globules, streaks, veil)", why=NO_MODEL),
        NotAssessed(what="depth and spread", why="a picture of the surface does not show them"),
    ),
)
SKIN_FIT = FitOptions(
    steps=2200,
    batch_size=16,
    seed=2017,
    # dermoscopy has no up or down: flips and all rotations
    augment=augment(flips=True, rotation_deg=180, scale=0.25, shift=0.08, gain=0.15, offset=0.25),
)
HALVES_FIT = replace(SKIN_FIT, steps=600)
"""For the two networks that each saw one half of the training split: their masks of the other half are what use will see."""
LUNGS = Recipe(
    name="lungs",
    task="segment",
    modality="chest X-ray",
    network="unet",
    licence="CC-BY-NC-SA-4.0",
    labels=(LabelRecipe(value=1, name="left lung", role="anatomy"), LabelRecipe(value=2, name="right lung", role="anatomy")),
    smallest_part=0.3,  # a lung is one part, or two where a device crosses it
    input=InputRecipe(channels=1, size=(256, 256), fit="pad", normalisation="z-score"),
    not_assessed=(
        NotAssessed(what="opacities, effusion, pneumothorax, nodules, fractures, heart size", why=NO_MODEL),
        NotAssessed(what="lung volume", why="a projection has no volume"),
    ),
)
LUNGS_FIT = FitOptions(
    steps=600,
    batch_size=8,
    seed=100,
    # no flips: left and right are labels; patients stand upright within some 10 degrees
    augment=augment(rotation_deg=12, scale=0.2, shift=0.08, gain=0.25, offset=0.3),
)

MELANOMA = Recipe(
    name="melanoma",
    task="classify",
    modality="dermoscopy",
    network="logistic regression",
    licence="Apache-2.0",
    labels=(LabelRecipe(value=1, name="melanoma"),),
    applies_to="skin lesion",
)
MELANOMA_FEATURES = (
    # shape: only what does not change with the picture's resolution
    "area_fraction", "elongation", "circularity", "solidity", "asymmetry", "border_touch",
    *(f"{channel}_{word}" for channel in ("red", "green", "blue") for word in ("mean", "deviation")),
    *(f"{channel}_{word}" for channel in ("lightness", "green_red", "blue_yellow") for word in ("mean", "deviation", "contrast")),
    "colour_asymmetry",
    "skewness", "excess_kurtosis", "interquartile_range",
    "contrast", "correlation", "angular_second_moment", "joint_entropy", "cluster_shade", "cluster_prominence", "joint_average", "joint_maximum",
)  # fmt: skip
"""Out of fold their AUC is 0.767, and 0.770 with all 51 that were measured (C = 0.3, two seeds): fewer are easier to explain."""


def skin_samples(data: Path, split: str) -> list[Sample]:
    """ISIC 2017 pictures of a split; ``train`` comes without those listed as near-duplicates."""
    folder = data / "isic2017"
    doubled = _doubled(folder / "near_duplicates.csv")
    rows = [r for r in read_rows(folder / "index.csv") if r["split"] == split and not (split == "train" and r["isic_id"] in doubled)]
    return read_samples(folder, rows, binary=True)


def _doubled(listed: Path) -> set[str]:
    with listed.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {r[f"id_{s}"] for r in rows for s in "ab"}


def lung_samples(data: Path) -> list[Sample]:
    """Chest X-rays with both lungs drawn."""
    folder = data / "cxr_lungs"
    return read_samples(folder, read_rows(folder / "index.csv"), binary=False)


def held_out(rows: list[Mapping[str, str]], key: str, share: float, seed: int) -> list[bool]:
    """Which rows belong to the ``share`` of ``key``'s values (patients) that training never sees; seeded."""
    values = sorted({row[key] for row in rows})
    order = np.random.default_rng(seed).permutation(len(values))
    out = {values[n] for n in order[: round(share * len(values))]}
    return [row[key] in out for row in rows]
