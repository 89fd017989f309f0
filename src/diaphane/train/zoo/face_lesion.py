"""``face_lesion``: skin lesions on a face, learnt from simulated pictures and measured on others of other people."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import Module

from diaphane.core.arrays import BoolArray, FloatArray
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.core.recipe import InputRecipe, LabelRecipe, NotAssessed, Recipe
from diaphane.engine import bundle as names
from diaphane.engine.bundle import open_bundle
from diaphane.nets.blocks import Network
from diaphane.nets.mirrored import Mirrored
from diaphane.ops.components import components
from diaphane.ops.crop import cropped
from diaphane.ops.resample import resample
from diaphane.prepare import prepare
from diaphane.segment import Options as SegmentOptions
from diaphane.segment import predict
from diaphane.segment.cleanup import cleaned
from diaphane.segment.predict import labels_of
from diaphane.train.export import json_bytes, onnx_bytes, write_bundle
from diaphane.train.froc import Picture, froc, matched
from diaphane.train.history import read_history
from diaphane.train.loop import HISTORY
from diaphane.train.zoo.arrays_fit import FitOptions, Stack, augment, fit_unet
from diaphane.train.zoo.entries import NO_MODEL
from diaphane.train.zoo.face_lesion_card import card
from diaphane.train.zoo.simulated import Shot, jittered, read_shots, stacked_shots

log = logging.getLogger(__name__)
FACE_LESION = Recipe(
    name="face_lesion",
    task="segment",
    modality="face photo",
    network="unet",
    licence="CC-BY-NC-SA-4.0",  # the lesions are CC0, but the faces were published for research only
    labels=(LabelRecipe(value=1, name="face lesion", role="lesion"),),
    field_of_view="face",
    smallest_part=0.0,  # a face may have several lesions of any size
    # 320: 1 px a millimetre of the face, about what the smallest faces have; mean and std are the training pictures'
    input=InputRecipe(channels=3, size=(320, 320), fit="pad", normalisation="fixed", mean=(0.45, 0.37, 0.33), std=(0.27, 0.24, 0.25)),
    not_assessed=(
        NotAssessed(what="what kind of lesion it is, and whether it is malignant", why=NO_MODEL),
        NotAssessed(what="skin outside the square around each face, and lesions without pigment", why=NO_MODEL),
    ),
)
FACE_FIT = FitOptions(
    steps=3000,
    batch_size=4,
    seed=320,
    # few channels at full size, where two cores spend their time, and one resolution more: the whole face at a glance
    widths=(8, 16, 32, 64, 128, 256),
    channels_last=True,
    # upright heads, which the simulation mirrors; twice as wide was no better (tune CPM 0.55 after 1800 steps, all of its schedule; this: 0.58)
    augment=augment(rotation_deg=15, scale=0.12, shift=0.05, gain=0.2, offset=0.25),
    looks=6,
    patience=3,
)
SEEDS: dict[str, tuple[int, int]] = {"train": (101, 2000), "tune": (102, 160), "test": (103, 300)}
"""Seed and number of the simulated pictures."""
THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5)
"""From which a pixel may belong to a candidate: chosen on tune."""
Segmenter = Callable[[Image], Labels]


def face_lesion(data: Path, out: Path, work: Path) -> None:
    """Trained on part ``train`` of the simulation; when to stop and the threshold by ``tune``; how often ``test`` was read, the card says."""
    tune = read_shots(pictures(data, work, "tune"))
    single, history = trained_on_faces(data, work, tune)
    network = Mirrored(single)  # CPM on tune 0.64 instead of 0.58
    recipe = replace(FACE_LESION, threshold=best_threshold(network, tune))
    files = {names.NETWORK: onnx_bytes(network, (3, *_size(recipe)))}
    write_bundle(out / recipe.name, recipe, files)
    metrics = {"tune": history, **evaluated(out / recipe.name, read_shots(pictures(data, work, "test")))}
    files |= {names.METRICS: json_bytes(metrics), names.CARD: card(metrics, recipe, SEEDS["train"][1]).encode()}
    write_bundle(out / recipe.name, recipe, files)


def pictures(data: Path, work: Path, part: str) -> Path:
    """The folder of that part's simulated pictures; made if it is not there, by the command that users have."""
    seed, count = SEEDS[part]
    folder = work / f"face_lesion_{part}"
    if not folder.exists():
        aside = folder.with_name(folder.name + ".partial")
        shutil.rmtree(aside, ignore_errors=True)
        flags = {"--out": aside, "--seed": seed, "--count": count, "--lesions": data / "isic2017", "--faces": data / "faces", "--part": part}
        words = (str(word) for pair in flags.items() for word in pair)
        subprocess.run([sys.executable, "-m", "diaphane", "simulate", "skin", *words], check=True)  # noqa: S603  # our own command, our own words
        os.replace(aside, folder)
    return folder


def trained_on_faces(data: Path, work: Path, tune: Sequence[Shot]) -> tuple[Network, dict[str, Any]]:
    """The network that was best on tune, and how tune went; a training that was begun in ``work`` is gone on with, a finished one read."""
    stack = Stack(*stacked_shots(read_shots(pictures(data, work, "train")), FACE_LESION, FACE_FIT.seed))
    folder = work / "face_lesion"
    network = fit_unet(stack, 1, FACE_FIT, folder, lambda average: froc(judged(by_torch(average, THRESHOLDS[1]), tune), draws=1)["cpm"]["mean"])
    rows = [row for row in read_history(folder / HISTORY) if row["validation"] is not None]
    looks = [{"step": int(row["step"] or 0), "cpm": row["validation"]} for row in rows]
    best = max(looks, key=lambda look: look["cpm"] or 0)
    return network, {"looks": looks, "best_step": best["step"], "stopped_at": looks[-1]["step"], "planned": FACE_FIT.steps}


def by_torch(network: Module, threshold: float) -> Segmenter:
    """What the bundle will say, from the network itself."""
    return lambda image: _labels(probabilities(network, image, FACE_LESION), threshold)


@torch.inference_mode()
def probabilities(network: Module, image: Image, recipe: Recipe) -> FloatArray:
    """Class probabilities (class, row, column) on the source grid, by plain float32 torch."""
    prepared = prepare(image, recipe)
    top, left, height, width = prepared.box
    soft = network(torch.from_numpy(prepared.array.copy())[None]).softmax(dim=1)[0].numpy()
    inside = soft[:, top : top + height, left : left + width].transpose(1, 2, 0)
    return np.asarray(resample(inside, *image.shape[1:])).transpose(2, 0, 1)


def _labels(probability: FloatArray, threshold: float) -> Labels:
    labels = cleaned(labels_of(probability, threshold), FACE_LESION.smallest_part)
    return Labels(labels[None], FACE_LESION.labels, (1 - probability[0])[None])


def best_threshold(network: Module, tune: Sequence[Shot]) -> float:
    """The one whose candidates have the highest CPM on tune."""
    said = {image.name: probabilities(network, image, FACE_LESION) for image, _ in (shot.square(shot.face_box) for shot in tune)}

    def cpm(threshold: float) -> float:
        return float(froc(judged(lambda image: _labels(said[image.name], threshold), tune), draws=1)["cpm"]["mean"])

    scores = [cpm(threshold) for threshold in THRESHOLDS]
    log.info("tune CPM by threshold: %s", dict(zip(THRESHOLDS, np.round(scores, 3).tolist(), strict=True)))
    return THRESHOLDS[int(np.argmax(scores))]


def candidates(labels: Labels) -> list[tuple[BoolArray, float]]:
    """Each connected region and its mean probability, as ``candidates.jsonl`` has them."""
    probability = np.zeros(labels.array.shape[1:]) if labels.probability is None else labels.probability[0]
    return [(part, float(probability[part].mean())) for part in components(labels.array[0] > 0)]


def judged(segmented: Segmenter, shots: Sequence[Shot], boxes: Sequence[tuple[float, ...]] | None = None) -> list[Picture]:
    """Every picture's candidates against its truth; ``boxes``: where the face is said to be, otherwise where it is."""
    out = []
    for n, shot in enumerate(shots):
        image, around = shot.square(shot.face_box if boxes is None else boxes[n])
        lesions = [m for m in (cropped(mask, around) for mask in shot.lesions) if m.any()]
        out.append(matched(shot.identity, candidates(segmented(image)), lesions, cropped(shot.ignore, around)))
    return out


def evaluated(folder: Path, shots: Sequence[Shot]) -> dict[str, Any]:
    """The bundle as it is shipped, on people and lesions that training never saw."""
    bundle = open_bundle(folder)

    def segmented(image: Image) -> Labels:
        return predict(prepare(image, bundle.recipe), bundle, SegmentOptions())

    rng = np.random.default_rng(0)
    seed, count = SEEDS["test"]
    return {
        "protocol": f"diaphane simulate skin --part test --seed {seed} --count {count}; intervals by drawing the {len({s.identity for s in shots})} people",
        "pictures": len(shots),
        "lesions": sum(len(s.entry["lesions"]) for s in shots),
        "summary": {"face lesion": froc(judged(segmented, shots))},
        "with_jittered_boxes": {"face lesion": froc(judged(segmented, shots, [jittered(s.face_box, rng) for s in shots]))},
        "mistaken_distractors": mistaken(segmented, shots),
    }


def mistaken(segmented: Segmenter, shots: Sequence[Shot]) -> dict[str, dict[str, float]]:
    """Of each kind of distractor in the network's view: how many there are, and the share that a candidate lies on."""
    seen, taken = Counter[str](), Counter[str]()
    for shot in shots:
        image, (x0, y0, width, height) = shot.square(shot.face_box)
        found = [mask for mask, _ in candidates(segmented(image))]
        for thing in shot.entry["distractors"]:
            x, y, w, h = thing["box_px"]
            if 0 <= x + w / 2 - x0 < width and 0 <= y + h / 2 - y0 < height:
                inside = np.s_[max(0, y - y0 - 1) : max(0, y - y0 + h + 1), max(0, x - x0 - 1) : max(0, x - x0 + w + 1)]
                seen[thing["kind"]] += 1
                taken[thing["kind"]] += any(np.count_nonzero(mask[inside]) > 0.5 * np.count_nonzero(mask) for mask in found)
    return {kind: {"count": seen[kind], "mistaken": taken[kind] / seen[kind]} for kind in sorted(seen)}


def _size(recipe: Recipe) -> tuple[int, ...]:
    return recipe.input.size if recipe.input else ()
