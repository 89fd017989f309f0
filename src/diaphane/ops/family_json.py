"""Fitted families as numbers of a JSON document, read strictly: what does not fit together is refused when it is read, not found out when it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from diaphane.core.arrays import FloatArray, IntArray
from diaphane.ops.families import Family, Kernel, Linear, Trees

LOGISTIC, LINEAR_SVM, RADIAL_SVM, BOOSTING = (
    "logistic regression", "linear support vector machine", "support vector machine with radial basis functions", "gradient boosting"
)  # fmt: skip
DEEPEST = 64
"""Nodes on the way to a leaf."""
GREATEST = 1e30
"""Numbers beyond it are no measurements, and their products would not be finite."""


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
