"""``model.json``: numbers read strictly. Whatever does not fit together is refused when the bundle is opened, not found out when it answers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from diaphane.assess.columns import CONTEXT, SOURCES, Column
from diaphane.assess.families import Family, Kernel, Linear, Trees
from diaphane.assess.tabular import Member, TableModel, Unlike
from diaphane.core.arrays import FloatArray, IntArray
from diaphane.engine.bundle import TABLE_MODEL, Bundle
from diaphane.errors import BundleError

LOGISTIC, LINEAR_SVM, RADIAL_SVM, BOOSTING = (
    "logistic regression", "linear support vector machine", "support vector machine with radial basis functions", "gradient boosting"
)  # fmt: skip
LARGEST = 2**26
"""Bytes of a model."""
MOST_CLASSES, MOST_MEMBERS, DEEPEST = 100, 64, 64
ROUNDED = 1e-4
"""Share of the largest number that rounding may have cost."""
GREATEST = 1e30
"""Numbers beyond it are no measurements, and their products would not be finite."""
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


def numbers(values: Any, *shape: int) -> FloatArray:
    """Finite numbers of a shape, up to ``GREATEST``; -1 stands for any length.

    Raises:
        ValueError: They are not.
    """
    array = np.asarray(values)
    if array.size and array.dtype.kind not in "iuf":
        raise ValueError(f"must be numbers, got {array.dtype}")
    if array.ndim != len(shape) or any(want not in (-1, got) for want, got in zip(shape, array.shape, strict=True)):
        raise ValueError(f"must have the shape {shape}, got {array.shape}")
    found = array.astype(float)
    if not (np.abs(found) <= GREATEST).all():
        raise ValueError(f"must be finite numbers, up to {GREATEST:g}")
    return found


def integers(values: Any, *shape: int) -> IntArray:
    """Whole numbers of a shape.

    Raises:
        ValueError: They are not.
    """
    found = numbers(values, *shape)
    if not (found == np.round(found)).all() or np.abs(found).max(initial=0) > 2**40:
        raise ValueError("must be whole numbers")
    return found.astype(np.int64)


def positive(values: FloatArray) -> FloatArray:
    """``values``, which lie above 0.

    Raises:
        ValueError: They do not.
    """
    if not (values > 0).all():
        raise ValueError("must be positive numbers")
    return values


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


def _linear(document: Mapping[str, Any], m: Mapping[str, Any], d: int, k: int) -> Family:
    return Linear(numbers(m["weights"], k, d), numbers(m["intercepts"], k))


def _kernel(document: Mapping[str, Any], m: Mapping[str, Any], d: int, k: int) -> Family:
    vectors, support = numbers(document["vectors"], -1, d), integers(m["support"], -1)
    if not len(support) or support.min() < 0 or support.max() >= len(vectors):
        raise ValueError("a support vector is not there")
    coefficients = numbers(m["coefficients"], k, len(support))
    return Kernel(vectors[support], coefficients, numbers(m["intercepts"], k), float(positive(numbers(document["gamma"]))))


def _trees(document: Mapping[str, Any], m: Mapping[str, Any], d: int, k: int) -> Family:
    feature = integers(m["feature"], -1)
    n = len(feature)
    left, right = integers(m["left"], n), integers(m["right"], n)
    roots = tuple(integers(r, -1) for r in m["roots"])
    if len(roots) != k or feature.max(initial=-1) >= d or feature.min(initial=-1) < -1:
        raise ValueError("trees must be given for each class, and split at columns that are there")
    _check_trees(feature, left, right, np.concatenate(roots))
    return Trees(feature, numbers(m["threshold"], n), left, right, numbers(m["value"], n), roots, numbers(m["intercepts"], k))


def _check_trees(feature: IntArray, left: IntArray, right: IntArray, roots: IntArray) -> None:
    """Every node but the roots is the child of one node before it: then there is no cycle, and nothing hangs together that should not."""
    n, inner = len(feature), np.flatnonzero(feature >= 0)
    children = np.concatenate([left[inner], right[inner]])
    if (
        (children <= np.concatenate([inner, inner])).any()
        or (children >= n).any()
        or not np.array_equal(np.sort(np.concatenate([children, roots])), np.arange(n))
    ):
        raise ValueError("a tree has a cycle, or a node that hangs in no tree or in two")
    depth = np.zeros(n, int)
    for node in inner:
        depth[[left[node], right[node]]] = depth[node] + 1
    if depth.max(initial=0) > DEEPEST:
        raise ValueError(f"a tree is deeper than {DEEPEST}")


FAMILIES: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any], int, int], Family]] = {
    LOGISTIC: _linear, LINEAR_SVM: _linear, RADIAL_SVM: _kernel, BOOSTING: _trees,
}  # fmt: skip
"""By the words of ``model.json``, in the order in which one is taken of several that are equally good."""


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
