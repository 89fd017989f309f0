"""What the shipped melanoma verdicts are worth on pictures that no fit and no choice has seen: the ISIC 2017 validation part, judged as in use.

    python benchmarks/melanoma.py [DATA] [--split validation] [--bundle NAME]

Outlined by ``skin_lesion``, measured, judged by the named classifier with age and sex; a minute. AUC, Brier skill against the prevalence and
calibration slope with intervals by drawing pictures. The validation part is read by the final verdict alone: ``--split train`` is for trying the script.
"""

from __future__ import annotations

from beside import DATA, say  # isort: skip

import argparse
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from tqdm import tqdm

from diaphane import zoo
from diaphane.acquire.picture import read_picture
from diaphane.assess import Options as AssessOptions
from diaphane.assess import classifiers, score
from diaphane.core.case import PatientContext
from diaphane.core.region import Region
from diaphane.engine.bundle import open_bundle
from diaphane.measure import Options as MeasureOptions
from diaphane.measure import extract
from diaphane.prepare import prepare
from diaphane.segment import Options as SegmentOptions
from diaphane.segment import predict
from diaphane.train.forms_table import number, read_table
from diaphane.train.table_metrics import figures, rows

TASK = "melanoma"


def judged(path: Path, context: PatientContext, name: str) -> float:
    """The probability that the classifier gives the largest lesion; NaN where it gives none."""
    outliner, options = open_bundle(zoo.path("skin_lesion")), AssessOptions(bundle=name)
    image = read_picture(path)
    labels = predict(prepare(image, outliner.recipe), outliner, SegmentOptions())
    networks = {b.name: prepare(image, b.recipe) for b in classifiers(options) if b.recipe.input is not None}
    regions, _ = score(image, labels, extract(image, labels, MeasureOptions()), context, options, prepared=networks)
    largest = max(regions, key=lambda region: int(np.count_nonzero(region.mask)), default=None)
    return next((a.probability for a in _assessments(largest) if a.task == TASK), math.nan)


def _assessments(region: Region | None) -> Iterator:
    yield from () if region is None else region.assessments


def context_of(row: Mapping[str, str]) -> PatientContext:
    """Age and sex, where the list knows them."""
    age = number(row["age"])
    return PatientContext(age_years=None if math.isnan(age) else age, sex=row["sex"] if row["sex"] in ("female", "male") else None)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?", default=DATA)
    parser.add_argument("--split", choices=("train", "validation"), default="validation")
    parser.add_argument("--bundle", default=TASK)
    parser.add_argument("--count", type=int, default=0, help="only the first so many pictures")
    asked = parser.parse_args()
    folder = asked.data / "isic2017"
    listed = [row for row in read_table(folder / "index.csv") if row["split"] == asked.split][: asked.count or None]
    found = np.array([judged(folder / row["image"], context_of(row), asked.bundle) for row in tqdm(listed, disable=None)])
    truth = np.array([float(row["melanoma"]) for row in listed])
    there = np.isfinite(found)
    odds = np.log(found[there] / (1 - found[there]))[:, None]
    names = [row["image"] for row, yes in zip(listed, there, strict=True) if yes]
    say(f"{asked.bundle} on the {asked.split} part: {len(listed)} pictures, {int(truth.sum())} melanomas, without a verdict: {int((~there).sum())}")
    say("")
    say("| | mean (95 % interval) |\n| --- | --- |")
    say(rows(figures(truth[there][:, None], odds, names)))


if __name__ == "__main__":
    main()
