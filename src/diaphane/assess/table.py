"""Regions of a ``features.csv``, judged by a classifier on features."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from io import StringIO

import numpy as np

from diaphane.assess.answer import Answer, answer
from diaphane.assess.score import lacking
from diaphane.assess.tabular import LogisticModel
from diaphane.core.region import Region, features_from_csv
from diaphane.engine.bundle import Bundle
from diaphane.errors import InputError, RefusedError

UNNAMED = re.compile(r"label \d+")
"""A region of a mask whose structures nobody named, as ``diaphane measure`` writes it: taken for what the model judges."""


def judged_table(text: str, bundle: Bundle, *, threshold: float | None = None, where: str = "features.csv") -> tuple[Answer, ...]:
    """An answer for each region that ``bundle`` judges; regions of other structures are left out.

    Raises:
        InputError: The table is none of features.
        RefusedError: There is no region that the bundle judges.
    """
    wanted = bundle.recipe.applies_to
    known = regions_from_csv(text, where)
    regions = [(image, replace(r, name=wanted)) for image, r in known if r.name == wanted or UNNAMED.fullmatch(r.name)]
    if not regions:
        raise RefusedError(f"no region in it is a {wanted}, which is what '{bundle.name}' judges")
    model = LogisticModel.from_bundle(bundle)
    answers = []
    for image, region in regions:
        verdict = model.assess(region, bundle)
        if verdict is None:
            reason = "features that the model needs do not exist: " + "; ".join(lacking(region, bundle))
            answers.append(Answer(image=image, region=region.index, verdict="refused", reason=reason))
        else:
            answers.append(answer(image, (verdict,), limit=bundle.recipe.threshold, threshold=threshold, region=region.index))
    return tuple(answers)


def regions_from_csv(text: str, where: str) -> list[tuple[str, Region]]:
    """Regions with the names of their images; of each only number, name and features are known.

    Raises:
        InputError: The table is none of features, or one number stands for two regions.
    """
    features = features_from_csv(text, where)
    owners: dict[int, tuple[str, str]] = {}
    for row in csv.DictReader(StringIO(text)):
        owner = (row["image"], row["label"])
        if owners.setdefault(int(row["region"]), owner) != owner:
            raise InputError(f"{where}: region {row['region']} stands for two regions; give a table for each picture")
    nowhere = np.zeros((0, 0, 0), bool)
    return [
        (image, Region(index=index, label=0, name=name, role="lesion", box=((0, 0),) * 3, mask=nowhere, features=features[index]))
        for index, (image, name) in owners.items()
    ]
