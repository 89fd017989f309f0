"""A shortcut, shown: COVID-19 against other chest X-rays where each class comes from a source of its own, with the lungs and without.

    python benchmarks/shortcuts.py [--work FOLDER]

Needs ``cxr_lungs`` and ``cxr_pneumonia`` (``DIAPHANE_DATA``, else ``../shared/data``) and the extra ``train``. The same small network is trained by
``diaphane train`` (three folds by patient, seed 0) on the pictures as they are, with the lungs black, and with nothing but a frame a tenth of the picture
wide; AUC with its interval is of held-out pictures. A hundred steps each, so that a
busy machine changes nothing; some minutes a row.
"""

from __future__ import annotations

from beside import DATA, say  # isort: skip

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from tqdm import tqdm

from diaphane.acquire.picture import read_picture
from diaphane.core.image import Image
from diaphane.engine.bundle import open_bundle
from diaphane.ops.picture import to_rgb, write_png
from diaphane.prepare import prepare
from diaphane.segment import Options, predict

FRAME = 0.1
PLAN = "[network]\nwidths = [16, 32, 64, 128, 256]\n\n[loop]\nsteps = 100\nvalidations = 1\n\n[input]\nsize = [96, 96]\nchannels = 1\n"
Way = Callable[[Image], np.ndarray]
"""From a picture to what is left of it, grey."""


def pictures() -> Iterator[tuple[Path, str, str]]:
    """File, class and patient: one class from each of two sources."""
    with (DATA / "cxr_lungs/index.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["finding"].startswith("COVID-19"):
                yield DATA / "cxr_lungs" / row["image"], "covid", f"a{row['patient']}"
    with (DATA / "cxr_pneumonia/index.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield DATA / "cxr_pneumonia" / row["file"], "other", f"b{row['patient']}"


def whole(image: Image) -> np.ndarray:
    """All of it."""
    return np.asarray(to_rgb(image.array[0])[..., 1])


def lungs_black(image: Image) -> np.ndarray:
    """All but the lungs, as the bundle ``lungs`` outlines them."""
    finder = open_bundle("lungs")
    labels = predict(prepare(image, finder.recipe), finder, Options())
    return np.where(labels.array[0] > 0, 0, whole(image)).astype(np.uint8)


def frame(image: Image) -> np.ndarray:
    """The outer tenth on each side."""
    grey = whole(image).copy()
    rows, columns = (round(FRAME * n) for n in grey.shape)
    grey[rows:-rows, columns:-columns] = 0
    return grey


WAYS: dict[str, Way] = {"the whole picture": whole, "the lungs black": lungs_black, "a frame of a tenth alone": frame}


def auc(way: Way, folder: Path) -> tuple[dict[str, float], int]:
    """Of ``diaphane train`` on what ``way`` leaves of the pictures, and how many there are."""
    rows = []
    for number, (path, kind, patient) in enumerate(tqdm(list(pictures()), desc=folder.name, unit="picture", disable=None)):
        name = f"{number}.png"
        rows.append({"image": name, "class": kind, "patient": patient})
        if not (folder / name).exists():
            write_png(folder / name, way(read_picture(path)))
    with (folder / "index.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (folder / "plan.toml").write_text(PLAN, encoding="utf-8")
    words = ["--data", str(folder / "index.csv"), "--out", str(folder / "trained"), "--folds", "3", "--seed", "0"]
    free = {k: v for k, v in os.environ.items() if not k.endswith("_THREADS")}
    subprocess.run([sys.executable, "-m", "diaphane", "train", *words, "--plan", str(folder / "plan.toml")], check=True, env=free)  # noqa: S603  # our own
    document = json.loads((folder / "trained/metrics.json").read_text(encoding="utf-8"))
    return document["summary"]["all classes"]["auc"], len(rows)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--work", type=Path, help="where pictures and trainings go (default: a folder that is removed)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        lines = []
        for number, (words, way) in enumerate(WAYS.items()):
            found, count = auc(way, (given.work or Path(temporary)) / f"way_{number}")
            low, high = found["ci95"]
            lines.append(f"| {words} | {count} | {found['mean']:.3f} ({low:.3f} to {high:.3f}) |")
    say("\n".join(["| what the network sees | pictures | AUC (95 % interval) |", "| --- | --- | --- |", *lines]))


if __name__ == "__main__":
    main()
