"""Small made data sets: pictures of a bright disc to be outlined, volumes of a ball, pictures of bars to be told apart."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from diaphane.core.arrays import BoolArray, IntArray
from diaphane.core.geometry import Geometry
from diaphane.ops.nifti import write_nifti
from diaphane.ops.picture import write_png


def disc(rng: np.random.Generator, side: int = 32) -> tuple[IntArray, BoolArray]:
    """A grey picture with a brighter disc, and where it is."""
    radius, y, x = rng.uniform(4, 9), *rng.uniform(10, side - 10, 2)
    rows, columns = np.mgrid[:side, :side]
    mask = (rows - y) ** 2 + (columns - x) ** 2 < radius**2
    picture = 90 + 60 * mask + rng.normal(0, 15, (side, side))
    return picture.clip(0, 255).astype(np.uint8), mask


def discs(folder: Path, count: int, *, seed: int = 1, side: int = 32) -> Path:
    """``images/`` and ``masks/`` (0 and 255) of ``count`` pictures."""
    rng = np.random.default_rng(seed)
    for n in range(count):
        picture, mask = disc(rng, side)
        write_png(folder / f"images/disc{n:02}.png", picture)
        write_png(folder / f"masks/disc{n:02}_mask.png", mask.astype(np.uint8) * 255)
    return folder


def bars(folder: Path, each: int, *, classes: int = 3, seed: int = 1, side: int = 16) -> Path:
    """Class folders 0, 1, 2 …: bars at another angle in each."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side]
    for c in range(classes):
        for n in range(each):
            angle = np.pi * c / classes + rng.uniform(-0.15, 0.15)
            wave = np.sin((rows * np.sin(angle) + columns * np.cos(angle)) * 1.2 + rng.uniform(0, 6))
            write_png(folder / f"{c}/{n:03}.png", (128 + 80 * wave + rng.normal(0, 10, (side, side))).clip(0, 255).astype(np.uint8))
    return folder


def balls(folder: Path, count: int, *, seed: int = 1, shape: tuple[int, int, int] = (12, 20, 18)) -> Path:
    """The form of the Medical Segmentation Decathlon: volumes of 2 x 1.5 x 1.5 mm with a bright ball."""
    rng = np.random.default_rng(seed)
    grid = Geometry(np.array([[0, 0, 1.5, 4], [0, 1.5, 0, -3], [2.0, 0, 0, 7], [0, 0, 0, 1]]), calibrated=True)
    k, j, i = np.mgrid[: shape[0], : shape[1], : shape[2]]
    for n in range(count):
        radius, middle = rng.uniform(6, 8), [rng.uniform(5, size - 5) for size in shape]
        mask = (2 * (k - middle[0])) ** 2 + (1.5 * (j - middle[1])) ** 2 + (1.5 * (i - middle[2])) ** 2 < radius**2
        write_nifti(folder / f"imagesTr/ball{n}.nii.gz", (100 + 60 * mask + rng.normal(0, 12, shape)).astype(np.int16), grid)
        write_nifti(folder / f"labelsTr/ball{n}.nii.gz", mask.astype(np.uint8), grid)
    training = [{"image": f"./imagesTr/ball{n}.nii.gz", "label": f"./labelsTr/ball{n}.nii.gz"} for n in range(count)]
    about = {"name": "Balls", "modality": {"0": "MRI"}, "labels": {"0": "background", "1": "ball"}, "licence": "none"}
    (folder / "dataset.json").write_text(json.dumps({**about, "training": training, "numTraining": count}))
    return folder
