"""The four networks side by side: how good on the same held-out pictures after the same minutes, how large, how fast. Tables in Markdown.

    .venv/bin/python benchmarks/networks.py zoo-training

Reads what `make train-zoo` left there. Speed: ONNX Runtime, one picture, one thread, medians of interleaved rounds; nothing else should run.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from diaphane.engine.bundle import Bundle, open_bundle
from diaphane.engine.options import Options
from diaphane.engine.session import session_of
from diaphane.nets.cost import cost
from diaphane.train.build import build
from diaphane.train.evaluate import interval_words
from diaphane.train.forms_table import read_table
from diaphane.train.paired import compared, sentence
from diaphane.train.reasons import loads
from diaphane.train.zoo.entries import NETWORKS

SETS = {"skin_lesion": "data/isic_training/index.csv", "lungs": "data/lungs/index.csv"}
ROUNDS = 15


def document(folder: Path) -> dict[str, Any]:
    """What the trainer measured on the held-out fold, and every case of it."""
    return dict(json.loads((folder / "metrics.json").read_text(encoding="utf-8")))


def milliseconds(bundles: Mapping[str, Bundle]) -> dict[str, float]:
    """Of one picture, a network's part alone: median of interleaved rounds."""
    sessions, arrays = {}, {}
    for name, bundle in bundles.items():
        shape = bundle.recipe.input.tensor_shape if bundle.recipe.input else ()
        sessions[name] = session_of(bundle, options=Options(engine="onnxruntime", threads=1))
        arrays[name] = np.random.default_rng(0).normal(size=(1, *shape)).astype(np.float32)
    took: dict[str, list[float]] = {name: [] for name in bundles}
    for n in range(ROUNDS + 2):
        for name, session in sessions.items():
            begun = time.perf_counter()
            session(arrays[name])
            if n > 1:
                took[name].append(1000 * (time.perf_counter() - begun))
    return {name: statistics.median(times) for name, times in took.items()}


def table(work: Path, which: str) -> str:
    """One data set: a row a network, then every pair of networks in words."""
    folders = {name: work / f"{which}_{name}" for name in NETWORKS}
    found = {name: document(folder) for name, folder in folders.items()}
    bundles = {name: open_bundle(folder / "bundle") for name, folder in folders.items()}
    alone = milliseconds(bundles)
    labels = list(found["unet"]["summary"])
    titles = ["network", *(f"Jaccard, {label} (95 % interval)" for label in labels), "parameters", "ms", "MB", "steps"]
    lines = [f"| {' | '.join(titles)} |", "| --- " * len(titles) + "|"]
    for name, folder in folders.items():
        recipe = loads((folder / "recipe.toml").read_text(encoding="utf-8"), str(folder))
        loop, parameters = recipe.loop, cost(build(recipe), recipe.input.tensor_shape).parameters / 1e6
        figures = (f"{one['jaccard']['mean']:.3f} ({interval_words(one['jaccard']['ci95'])})" for one in found[name]["summary"].values())
        size, seen = f"{parameters:.2f} M", f"{loop.steps} of {loop.batch_size}"
        cells = [f"`{name}`", *figures, size, f"{alone[name]:.1f}", f"{len(bundles[name].members[0]) / 1e6:.1f}", seen]
        lines.append(f"| {' | '.join(cells)} |")
    comparison = compared(found, "jaccard", patients(work / SETS[which]))
    return "\n".join([*lines, "", *(f"* {sentence(pair, comparison)}" for pair in comparison["pairs"])])


def patients(index: Path) -> dict[str, str] | None:
    """Who is in which picture, where the list says it."""
    rows = read_table(index)
    return {Path(row["image"]).stem: row["patient"] for row in rows} if "patient" in rows[0] else None


def main(work: Path) -> None:
    """Print the tables that can be made."""
    for which in SETS:
        if all((work / f"{which}_{name}" / "metrics.json").exists() for name in NETWORKS):
            sys.stdout.write(f"### {which}\n\n{table(work, which)}\n\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
