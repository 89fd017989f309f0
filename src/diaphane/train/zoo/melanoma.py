"""``melanoma``: a classifier on what is measured on outlines by networks that had not seen the picture, and on the patient's age and sex."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from diaphane.acquire.picture import read_picture
from diaphane.core.labels import Labels
from diaphane.core.recipe import LabelRecipe, Recipe
from diaphane.core.region import Region
from diaphane.engine import bundle as names
from diaphane.measure import Options, extract
from diaphane.ops.picture import read_png
from diaphane.train import place
from diaphane.train.export import write_bundle
from diaphane.train.forms_table import read_table
from diaphane.train.table_columns import NETWORK
from diaphane.train.table_fit import STEPS, files_of, fit
from diaphane.train.table_read import joined, rows_of
from diaphane.train.zoo.datasets import isic_training
from diaphane.train.zoo.entries import entry_of
from diaphane.train.zoo.make import trained
from diaphane.train.zoo.melanoma_card import section

OUTLINES = "skin_lesion_folds"
"""The training whose held-out predictions are measured."""
SEED = 2017
TARGET = "melanoma"
LABEL = LabelRecipe(value=1, name="skin lesion")
SELDOM = 0.002
"""A feature that more lesions lack is not learnt from: a model that needs it would say nothing of them."""


def melanoma(data: Path, out: Path, work: Path, *, network: str = "", name: str = "melanoma") -> None:
    """Nested cross-validation on the training part; the validation part is not read.

    ``network`` is the training whose held-out verdicts on the pictures are a column too: then the bundle needs the shipped bundle of that name in use.
    """
    trained(entry_of(OUTLINES), data, work)
    index = isic_training(data, work)
    rows = read_table(index)
    if network:
        trained(entry_of(network), data, work)
        verdicts = _verdicts(work / network / place.METRICS)
        rows = [{**row, f"{NETWORK}{network}": repr(verdicts[Path(row["image"]).stem])} for row in rows if Path(row["image"]).stem in verdicts]
    found = {Path(row["image"]).stem: _largest(index.parent / row["image"], work / OUTLINES / place.PREDICTIONS) for row in tqdm(rows, disable=None)}
    regions = _with_what_exists({image: region for image, region in found.items() if region})
    table, faults = rows_of(rows, TARGET, str(index), regions)
    joint = joined(regions, table, TARGET, label=LABEL.name, left_out=(), faults=faults, where=str(index))
    with tqdm(total=STEPS, desc="cross-validate", unit="fold", disable=None) as bar:
        fitted = fit(joint, SEED, bar.update)
    recipe = Recipe(
        name=name, task="classify", modality="dermoscopy", network=fitted.model.title, licence="Apache-2.0", labels=(LabelRecipe(value=1, name=TARGET),),
        applies_to=LABEL.name,
    )  # fmt: skip
    files = files_of(fitted, fitted.metrics, name)
    files[names.CARD] += section(len(rows) - len(joint.names), SEED, name).encode()
    write_bundle(out / name, recipe, files)


def _largest(picture: Path, outlines: Path) -> Region | None:
    """The largest region of the outline that a network gave for a picture it had not seen."""
    mask = read_png(outlines / f"{picture.stem}.png") > 0
    regions = extract(read_picture(picture), Labels(mask[None].astype(np.uint8), (LABEL,)), Options())
    return regions[0] if regions else None


def _with_what_exists(regions: Mapping[str, Region]) -> dict[str, Region]:
    """Only features that nearly all of them have: nothing else is chosen, so that no figure is better for it."""
    missing = Counter(f.name for region in regions.values() for f in region.features if f.nan_reason)
    return {name: replace(r, features=tuple(f for f in r.features if missing[f.name] <= SELDOM * len(regions))) for name, r in regions.items()}


def _verdicts(metrics: Path) -> Mapping[str, float]:
    """The probability of melanoma that the network of the fold gave, which had not seen the picture."""
    cases = json.loads(metrics.read_text(encoding="utf-8"))["cases"]
    return {c["case"]: c["probability"] if c["predicted"] == TARGET else 1 - c["probability"] for c in cases}
