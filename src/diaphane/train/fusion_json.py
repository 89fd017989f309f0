"""A model of fusion as numbers: what ``fuse.model`` reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from diaphane.core.arrays import FloatArray
from diaphane.fuse.clusters import Reach
from diaphane.fuse.model import Learner, Stack
from diaphane.ops.families import Family, Kernel, Linear, Trees
from diaphane.ops.family_json import BOOSTING, LOGISTIC, RADIAL_SVM
from diaphane.train.fusion_fit import STUDENT, Scale


@dataclass(frozen=True, slots=True)
class Basis:
    """What every method rests on."""

    columns: tuple[str, ...]
    scale: Scale
    reach: Reach


def document_of(method: str, basis: Basis, operating: float, stack: Stack | None = None) -> dict[str, Any]:
    """All of it; of deep fusion the networks are files of their own."""
    parts = len(stack.learners[0].families) - 1 if stack else 0
    document: dict[str, Any] = {
        "format": 1, "method": method, "columns": list(basis.columns), "centre": _short(basis.scale.centre), "scale": _short(basis.scale.scale),
        "reach_mm": basis.reach.millimetres, "reach_deviations": basis.reach.deviations, "operating": operating,
        "spread": STUDENT[parts] * float(np.sqrt((parts - 1) / parts)) if parts else 1.0,
    }  # fmt: skip
    if stack:
        document |= {"learners": [_learner(one) for one in stack.learners], "weights": stack.weights.tolist(), "offset": stack.offset}
    return document


def _learner(one: Learner) -> dict[str, Any]:
    first = one.families[0]
    vectors = list(dict.fromkeys(tuple(v) for f in one.families if isinstance(f, Kernel) for v in f.vectors.tolist()))
    number = {v: n for n, v in enumerate(vectors)}
    shared = {"gamma": first.gamma, "vectors": [list(v) for v in vectors]} if isinstance(first, Kernel) else {}
    members = [
        {**_numbers(f, number), "slope": slope, "offset": offset}
        for f, slope, offset in zip(one.families, one.slopes.tolist(), one.offsets.tolist(), strict=True)
    ]
    return {"family": _title(first), **shared, "members": members}


def _title(family: Family) -> str:
    return LOGISTIC if isinstance(family, Linear) else RADIAL_SVM if isinstance(family, Kernel) else BOOSTING


def _numbers(family: Family, vectors: dict[tuple[float, ...], int]) -> dict[str, Any]:
    if isinstance(family, Linear):
        return {"weights": family.weights.tolist(), "intercepts": family.intercepts.tolist()}
    if isinstance(family, Kernel):
        support = [vectors[tuple(v)] for v in family.vectors.tolist()]
        return {"support": support, "coefficients": [_short(row) for row in family.coefficients], "intercepts": family.intercepts.tolist()}
    if isinstance(family, Trees):
        return {
            "feature": family.feature.tolist(), "threshold": _short(family.threshold), "left": family.left.tolist(), "right": family.right.tolist(),
            "value": _short(family.value), "roots": [r.tolist() for r in family.roots], "intercepts": family.intercepts.tolist(),
        }  # fmt: skip
    raise TypeError(f"no such family: {type(family).__name__}")


def _short(values: FloatArray) -> list[float]:
    """To seven significant digits."""
    return [float(f"{v:.7g}") for v in values]
