"""The data sets of the zoo, as lists that ``diaphane train --data`` takes; written into the working folder where they differ from the published ones."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from diaphane.acquire.picture import read_picture
from diaphane.core.storage import write_whole
from diaphane.engine.bundle import open_bundle
from diaphane.ops.crop import cropped
from diaphane.ops.picture import read_png, write_png
from diaphane.prepare import prepare
from diaphane.segment import Options, predict
from diaphane.segment.focus import part_of
from diaphane.train.forms_table import read_table

INDEX = "index.csv"
GROUND_GLASS, CONSOLIDATION = 1, 2


def hippocampus(data: Path, work: Path) -> Path:
    """As published."""
    return data / "msd_hippocampus"


def lungs(data: Path, work: Path) -> Path:
    """The pictures whose masks hold both lungs: of two of the hundred the publisher gives one lung only."""
    source, folder = data / "cxr_lungs", work / "data" / "lungs"
    rows = [row for row in read_table(source / INDEX) if {1, 2} <= set(np.unique(read_png(source / row["mask"])).tolist())]
    return _listed(folder, rows, {"images": source / "images", "lung_masks": source / "lung_masks"})


def lung_findings(data: Path, work: Path) -> Path:
    """All pictures, with what the masks of findings say of ground glass and consolidation; the three others of effusion and pneumothorax are too few."""
    source, folder = data / "cxr_lungs", work / "data" / "lung_findings"
    rows = []
    for row in read_table(source / INDEX):
        name = Path(row["mask"]).name
        found = read_png(source / "finding_masks" / name)
        if not (folder / "finding_masks" / name).exists():
            write_png(folder / "finding_masks" / name, np.where(np.isin(found, [GROUND_GLASS, CONSOLIDATION]), found, 0).astype(np.uint8))
        rows.append({**row, "mask": f"finding_masks/{name}"})
    return _listed(folder, rows, {"images": source / "images"})


def pneumonia(data: Path, work: Path) -> Path:
    """As published."""
    return data / "cxr_pneumonia" / INDEX


def pneumonia_blacked(data: Path, work: Path) -> Path:
    """The same boxes around the lungs, and the lungs black: what the rest of the picture gives away."""
    finder = open_bundle("lungs")
    source, folder = data / "cxr_pneumonia", work / "data" / f"pneumonia_blacked_{finder.weights_sha256[:8]}"
    rows = []
    for row in tqdm(read_table(source / INDEX), desc="black out", unit="picture", disable=None):
        file = str(Path(row["file"]).with_suffix(".png"))
        rows.append({**row, "file": file})
        if not (folder / file).exists():
            image = read_picture(source / row["file"])
            labels = predict(prepare(image, finder.recipe), finder, Options())
            black = np.where(labels.array[0] > 0, 0, image.array[0]).astype(np.uint8)
            box, _ = part_of(image, labels)
            write_png(folder / file, black if box is None else cropped(black, box))
    return _listed(folder, rows, {})


def skin_lesion(data: Path, work: Path) -> Path:
    """As published, with its validation and its test part."""
    return data / "isic2017" / INDEX


def isic_training(data: Path, work: Path) -> Path:
    """The training part without near-duplicates of the other parts."""
    folder = work / "data" / "isic_training"
    return _listed(folder, _training(data), _isic(data))


def melanoma(data: Path, work: Path) -> Path:
    """The same pictures with the class in place of the mask."""
    words = {"0.0": "not melanoma", "1.0": "melanoma"}
    rows = [{"image": r["image"], "class": words[r["melanoma"]], "sex": r["sex"], "age": r["age"]} for r in _training(data)]
    return _listed(work / "data" / "melanoma", rows, {"images": _isic(data)["images"]})


def _isic(data: Path) -> Mapping[str, Path]:
    return {name: data / "isic2017" / name for name in ("images", "masks")}


def _training(data: Path) -> list[dict[str, str]]:
    doubled = {r[f"id_{side}"] for r in read_table(data / "isic2017" / "near_duplicates.csv") for side in "ab"}
    kept = ("image", "mask", "melanoma", "age", "sex")
    rows = read_table(data / "isic2017" / INDEX)
    return [{key: r[key] for key in kept} for r in rows if r["split"] == "train" and r["isic_id"] not in doubled]


def _listed(folder: Path, rows: Sequence[Mapping[str, str]], links: Mapping[str, Path]) -> Path:
    """``rows`` as ``index.csv`` in ``folder``, beside links to the folders of their files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, target in links.items():
        if not (folder / name).exists():
            (folder / name).symlink_to(target.resolve(), target_is_directory=True)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_whole(folder / INDEX, text.getvalue().encode())
    return folder / INDEX
