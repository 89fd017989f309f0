"""What is measured of single bundles beside what every training measures, and how their cards say it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from diaphane.ops.overlap import dice
from diaphane.ops.picture import read_png
from diaphane.train import place
from diaphane.train.evaluate import mean_interval, value_words
from diaphane.train.forms_table import read_table

More = tuple[dict[str, Any], str]
"""What goes into ``metrics.json``, and a section of the card."""
FINDINGS = {"ground glass opacity": 1, "consolidation": 2}


def whole_lung(data: Path, work: Path) -> More:
    """Held-out Dice of ``lung_findings`` beside that of calling both lungs, as outlined by a person, the finding; over pictures that show it."""
    source, rows = work / "data" / "lung_findings", read_table(work / "data" / "lung_findings" / "index.csv")
    ours = {(c["case"], c["label"]): c["dice"] for c in _metrics(work / "lung_findings")["cases"]}
    found, outside, lines = {}, {}, []
    for label, value in FINDINGS.items():
        pairs, patients, beyond = [], [], []
        for row in rows:
            truth = read_png(source / row["mask"]) == value
            if truth.any():
                lungs = read_png(data / "cxr_lungs" / "lung_masks" / Path(row["mask"]).name) > 0
                pairs.append((ours[Path(row["image"]).stem, label], dice(lungs, truth)))
                patients.append(row["patient"])
                beyond.append(np.count_nonzero(truth & ~lungs) / np.count_nonzero(truth))
        values = np.array(pairs)
        columns = {"network": values[:, 0], "whole_lung": values[:, 1], "difference": values[:, 0] - values[:, 1]}
        found[label] = {name: mean_interval(column, groups=patients) for name, column in columns.items()}
        outside[label] = float(np.mean(beyond))
        lines.append(f"| {label} | {len(pairs)} | {' | '.join(value_words(found[label][name]) for name in columns)} |")
    table = "\n".join(lines)
    coarse = "; ".join(f"of {label} {share:.0%} of the marked area lies outside the lungs" for label, share in outside.items())
    section = f"""## Beside calling the whole lung the finding

Dice on held-out pictures that show the finding, against naming all of both lungs (as a person outlined them); intervals by drawing patients:

| finding | pictures | this network | whole lung | paired difference |
| --- | --- | --- | --- | --- |
{table}

How coarse the truth is: {coarse}. The marks are ovals and polygons with a few corners, drawn around opacities rather than along them.
"""
    return {"beside_whole_lung": found, "truth_outside_the_lungs": outside}, section


def blacked_out(data: Path, work: Path) -> More:
    """AUC of ``pneumonia`` beside that of the same training with the lungs blacked out: what the rest of the picture gives away."""
    seen, blacked = (_told(_metrics(work / name)) for name in ("pneumonia", "pneumonia_blacked"))
    both = {"lungs": seen, "lungs_blacked_out": blacked}
    section = f"""## With the lungs blacked out

The same training on the same folds, with the lungs made black in every picture (their outline still shows): AUC {value_words(blacked)}; with
them {value_words(seen)}. What is above 0.5 without them comes from the rest of the picture, projection, devices, the shape of the chest, and
need not hold in another hospital.
"""
    return {"auc": both}, section


def _told(document: Mapping[str, Any]) -> dict[str, Any]:
    return dict(document["summary"]["all classes"]["auc"])


def _metrics(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / place.METRICS).read_text(encoding="utf-8")))
