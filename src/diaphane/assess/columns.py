"""What a model on features is given: columns out of a region, the patient's context, and verdicts of networks on the picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from diaphane.core.arrays import FloatArray
from diaphane.core.case import PatientContext
from diaphane.core.finding import Assessment
from diaphane.core.region import Feature, Region

Source = Literal["feature", "context", "unknown", "network"]
SOURCES: tuple[Source, ...] = ("feature", "context", "unknown", "network")
CONTEXT = {"age_years": "age", "sex": "sex"}
"""What is known of a patient, in words."""
SEXES = {"female": -1.0, "male": 1.0}
SURE = 1e-4
"""Probabilities of networks are taken to lie so far from 0 and 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One number that a model is given."""

    name: str
    """As it is shown."""
    source: Source
    """``feature``: measured in the region. ``context``: of the patient. ``unknown``: 1 where that is not known. ``network``: log-odds of its verdict."""
    key: tuple[str, ...]
    """Of a feature: family, name, aggregation, discretisation, unit, or its name alone; of a network: bundle and class in lower case;
    else the field of ``PatientContext``."""
    fill: float = math.nan
    """What is taken where the value is not known; NaN: it must be."""
    seen: tuple[float, float] = (-math.inf, math.inf)
    """Between these 98 % of the training values lie."""


@dataclass(frozen=True, slots=True)
class Given:
    """The values (d,) of the columns; NaN where one is missing."""

    values: FloatArray
    lacking: tuple[str, ...]
    """Columns without a value, each with the reason."""
    filled: tuple[str, ...]
    """What was not known, and what was taken in its place."""


def gathered(columns: Sequence[Column], region: Region, context: PatientContext, assessments: Sequence[Assessment]) -> Given:
    """The values of ``columns``; ``assessments`` are the networks' on the picture that the region lies in."""
    values, lacking, filled = np.empty(len(columns)), [], []
    for n, column in enumerate(columns):
        value, why = _value(column, region, context, assessments)
        if math.isnan(value) and not math.isnan(column.fill):
            filled.append(f"{CONTEXT[column.key[0]]} {why}: {_taken(column)} was taken")
            value = column.fill
        elif math.isnan(value):
            lacking.append(f"{column.name}: {why}")
        values[n] = value
    return Given(values, tuple(lacking), tuple(filled))


def context_value(field: str, context: PatientContext) -> tuple[float, str]:
    """Age in years, or sex as -1 (female) and 1 (male); NaN with the reason where it is not known, or cannot be."""
    if field == "sex":
        return SEXES.get(context.sex or "", math.nan), "is not known" if context.sex is None else "is neither female nor male"
    return (math.nan, "is not known") if context.age_years is None else (context.age_years, "")


def log_odds(probability: float) -> float:
    """Of a network's probability, that one cut to ``SURE`` from 0 and 1."""
    p = min(max(probability, SURE), 1 - SURE)
    return math.log(p / (1 - p))


def key_of(feature: Feature) -> tuple[str, ...]:
    """What tells a feature from all others of a region, and from the same one in another unit."""
    return (feature.family, feature.name, feature.aggregation, feature.discretisation, feature.unit)


def _value(column: Column, region: Region, context: PatientContext, assessments: Sequence[Assessment]) -> tuple[float, str]:
    if column.source == "feature":
        return _measured(column, region)
    if column.source == "network":
        bundle, task = column.key
        found = next((a for a in assessments if (a.bundle.lower(), a.task.lower()) == (bundle, task)), None)
        return (log_odds(found.probability), "") if found else (math.nan, f"the network '{bundle}' did not judge the picture")
    value, why = context_value(column.key[0], context)
    return (float(math.isnan(value)), "") if column.source == "unknown" else (value, why)


def _measured(column: Column, region: Region) -> tuple[float, str]:
    found = next((f for f in region.features if column.key in (key_of(f), (f.name,))), None)
    if found is not None:
        return found.value, found.nan_reason
    other = next((f for f in region.features if len(column.key) > 1 and f.name == column.key[1] and f.family == column.key[0]), None)
    if other is None:
        return math.nan, "not measured"
    if other.unit != column.key[-1]:
        return math.nan, f"measured in {other.unit}, the model learnt it in {column.key[-1]}"
    return math.nan, "measured with another aggregation or discretisation than the model learnt; measure it anew with this version, as the model's training was"


def _taken(column: Column) -> str:
    """The fill in words."""
    return "the training data's mean of both" if column.key[0] == "sex" else f"the training data's median, {column.fill:g},"
