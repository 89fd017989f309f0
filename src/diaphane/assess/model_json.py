"""``model.json``: numbers read strictly. Whatever does not fit together is refused when the bundle is opened, not found out when it answers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diaphane.assess.columns import CONTEXT, SOURCES, Column
from diaphane.assess.tabular import Member, TableModel, Unlike
from diaphane.core.arrays import FloatArray
from diaphane.engine.bundle import TABLE_MODEL, Bundle
from diaphane.errors import BundleError
from diaphane.ops.families import Family, Linear
from diaphane.ops.family_json import FAMILIES, LOGISTIC, integers, numbers, positive

LARGEST = 2**26
"""Bytes of a model."""
MOST_CLASSES, MOST_MEMBERS = 100, 64
ROUNDED = 1e-4
"""Share of the largest number that rounding may have cost."""
KEY_WORDS = {"feature": (1, 5), "context": (1,), "unknown": (1,), "network": (2,)}


def table_model(bundle: Bundle) -> TableModel:
    """The model of a bundle that judges features.

    Raises:
        BundleError: It lacks something, its sizes contradict each other, a number is not finite, a tree is none, or it is for other classes than the recipe.
    """
    where = bundle.path / TABLE_MODEL
    if len(bundle.files.get(TABLE_MODEL, b"")) > LARGEST:
        raise BundleError(f"{where}: a model of features has at most {LARGEST} bytes")
    document, labels = bundle.json(TABLE_MODEL), tuple(label.name for label in bundle.recipe.labels)
    try:
        model = from_document(document, labels)
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as problem:
        raise BundleError(f"{where}: not a model of features ({problem!r}); train or install the bundle anew") from problem
    if model.classes != labels:
        raise BundleError(f"{where}: tells {', '.join(model.classes)} apart, the recipe names {', '.join(labels)}; train or install the bundle anew")
    return model


def from_document(document: Mapping[str, Any], labels: Sequence[str]) -> TableModel:
    """The model in a parsed ``model.json``.

    Raises:
        KeyError, TypeError, ValueError: As ``table_model`` says.
    """
    if document.get("kind") == LOGISTIC:
        return _of_first_format(document, labels)
    if document["format"] != 2:
        raise ValueError(f"format must be 2, got {document['format']!r}")
    title, classes = _one_of(document["family"], FAMILIES), _words(document["classes"])
    columns = tuple(_column(c) for c in document["columns"])
    d, k = len(columns), len(classes)
    if not 0 < k <= MOST_CLASSES or not d or not 0 < len(document["members"]) <= MOST_MEMBERS:
        raise ValueError("must have a column, a class and a member, and not too many")
    member, *others = (_member(m, FAMILIES[title](document, m, d, k), k) for m in document["members"])
    return TableModel(
        title=title, classes=classes, columns=columns, member=member, others=tuple(others), squash=_one_of(document["squash"], ("arcsinh",)),
        centre=numbers([c["centre"] for c in document["columns"]], d), scale=positive(numbers([c["scale"] for c in document["columns"]], d)),
        spread=float(positive(numbers(document["spread"]))), unlike=_unlike(document["unlike"], d) if document["unlike"] else None,
        prevalence=_shares(document["prevalence"], k), cases=int(integers(document["cases"])),
    )  # fmt: skip


def _one_of(value: Any, known: Any) -> Any:
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"must be one of {', '.join(known)}, got {value!r}")
    return value


def _words(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
        raise ValueError("must be a list of words")
    return tuple(values)


def _column(c: Mapping[str, Any]) -> Column:
    source, key = _one_of(c["source"], SOURCES), _words(c["key"])
    if len(key) not in KEY_WORDS[source] or (source in ("context", "unknown") and key[0] not in CONTEXT):
        raise ValueError(f"a column's key does not go with its source, {source}")
    if (c["fill"] is None) == (source == "context"):
        raise ValueError("what is known of the patient needs a fill, other columns have none")
    low, high = c["seen"]
    seen = (-math.inf if low is None else float(numbers(low)), math.inf if high is None else float(numbers(high)))
    fill = math.nan if c["fill"] is None else float(numbers(c["fill"]))
    return Column(name=_words([c["name"]])[0], source=source, key=key, fill=fill, seen=seen)


def _member(m: Mapping[str, Any], family: Family, k: int) -> Member:
    return Member(family=family, slope=float(positive(numbers(m["slope"]))), offsets=numbers(m["offsets"], k))


def _shares(values: Any, k: int) -> tuple[float, ...]:
    found = numbers(values, k)
    if not ((found >= 0) & (found <= 1)).all():
        raise ValueError("prevalences must lie between 0 and 1")
    return tuple(found.tolist())


def _unlike(u: Mapping[str, Any], d: int) -> Unlike:
    columns = integers(u["columns"], -1)
    n = len(columns)
    if not n or columns.min() < 0 or columns.max() >= d:
        raise ValueError("a column that is looked at is not there")
    precision = numbers(u["precision"], n, n)
    if np.linalg.eigvalsh((precision + precision.T) / 2).min() < -ROUNDED * np.abs(precision).max():
        raise ValueError("a precision must be positive: with this one nothing would be unlike the training")
    return Unlike(centre=numbers(u["centre"], n), precision=precision, limit=float(positive(numbers(u["limit"]))), columns=columns)


def _of_first_format(values: Mapping[str, Any], labels: Sequence[str]) -> TableModel:
    """Of bundles before format 2: logistic regression of one class, with the covariance of its weights, which its square root says as members."""
    names = _words(values["features"])
    d = len(names)
    weights, mean, deviation = (numbers(values[key], d) for key in ("coefficients", "mean", "deviation"))
    intercept, prevalence, covariance = float(numbers(values["intercept"])), float(numbers(values["prevalence"])), numbers(values["covariance"], d + 1, d + 1)
    size, axes = np.linalg.eigh(covariance)
    apart = (axes * np.sqrt(np.maximum(size, 0))).T

    def member(away: FloatArray) -> Member:
        return Member(family=Linear((weights + away[1:])[None], np.array([intercept + away[0]])), slope=1.0, offsets=np.zeros(1))

    return TableModel(
        title=LOGISTIC, classes=tuple(labels[:1]), columns=tuple(Column(name=n, source="feature", key=(n,)) for n in names), centre=mean,
        scale=positive(deviation), squash="none", member=member(np.zeros(d + 1)), others=tuple(map(member, apart)), spread=1.96, unlike=None,
        prevalence=(prevalence,), cases=None,
    )  # fmt: skip
