"""Regions of a ``features.csv``, judged by a classifier on features."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from io import StringIO

import numpy as np

from diaphane.assess.answer import Answer, answer
from diaphane.assess.model_json import table_model
from diaphane.core.case import PatientContext
from diaphane.core.region import COLUMNS, Feature, Region
from diaphane.engine.bundle import Bundle
from diaphane.errors import InputError, RefusedError

UNNAMED = re.compile(r"label \d+")
"""A region of a mask whose structures nobody named, as ``diaphane measure`` writes it: taken for what the model judges."""
UNKNOWN = PatientContext()


def judged_table(
    text: str, bundle: Bundle, *, threshold: float | None = None, where: str = "features.csv", context: PatientContext = UNKNOWN
) -> tuple[Answer, ...]:
    """An answer for each region that ``bundle`` judges; regions of other structures are left out. ``context`` is that of all of them.

    Raises:
        InputError: The table is none of features.
        RefusedError: There is no region that the bundle judges.
    """
    wanted = bundle.recipe.applies_to
    known = regions_from_csv(text, where)
    regions = [(image, replace(r, name=wanted)) for image, r in known if r.name == wanted or UNNAMED.fullmatch(r.name)]
    if not regions:
        raise RefusedError(f"no region in it is a {wanted}, which is what '{bundle.name}' judges")
    model = table_model(bundle)
    answers = []
    for image, region in regions:
        verdict = model.judge(region, bundle, context)
        if isinstance(verdict, str):
            hint = "; give the picture to diaphane run, which asks its networks first" if model.networks() else ""
            answers.append(Answer(image=image, region=region.index, verdict="refused", reason=verdict + hint))
        else:
            answers.append(answer(image, verdict, limit=bundle.recipe.threshold, threshold=threshold, region=region.index))
    return tuple(answers)


def regions_from_csv(text: str, where: str) -> list[tuple[str, Region]]:
    """Regions with the names of their images, in their order; of each only number, name and features are known.

    Raises:
        InputError: The table is none of features, one number of an image stands for two regions, or a feature stands there twice.
    """
    rows = csv.DictReader(StringIO(text))
    if rows.fieldnames != COLUMNS:
        raise InputError(f"{where}: expected the columns {','.join(COLUMNS)}, found {rows.fieldnames}")
    found: dict[tuple[str, int], tuple[str, dict[tuple[str, ...], Feature]]] = {}
    try:
        for row in rows:
            index, feature = int(row["region"]), feature_of(row)
            name, features = found.setdefault((row["image"], index), (row["label"], {}))
            key = (feature.family, feature.name, feature.aggregation, feature.discretisation)
            if name != row["label"]:
                raise InputError(f"{where}: region {index} stands for two regions of '{row['image']}'; give a table for each picture")
            if key in features:
                raise InputError(f"{where}: line {rows.line_num}: {feature.name} of region {index} stands there twice; measure the picture anew")
            features[key] = feature
    except (TypeError, ValueError, csv.Error) as problem:
        if isinstance(problem, InputError):
            raise
        raise InputError(f"{where}: line {rows.line_num} is not a feature ({problem})") from problem
    nowhere = np.zeros((0, 0, 0), bool)
    return [
        (image, Region(index=index, label=0, name=name, role="lesion", box=((0, 0),) * 3, mask=nowhere, features=tuple(features.values())))
        for (image, index), (name, features) in found.items()
    ]


def feature_of(row: dict[str, str]) -> Feature:
    """A line of the table.

    Raises:
        TypeError, ValueError: It lacks a column, or its value is no number, or not finite without a reason.
    """
    return Feature(
        family=row["family"], name=row["feature"], value=float(row["value"]), unit=row["unit"], ibsi_code=row["ibsi_code"],
        aggregation=row["aggregation"], discretisation=row["discretisation"], nan_reason=row["nan_reason"],
    )  # fmt: skip
