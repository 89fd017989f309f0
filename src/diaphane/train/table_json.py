"""A model of features as ``model.json``: numbers only."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from diaphane.assess.tabular import Member, TableModel
from diaphane.core.arrays import FloatArray
from diaphane.ops.families import Kernel, Linear, Trees


def document(model: TableModel) -> dict[str, Any]:
    """What ``assess.model_json.from_document`` reads."""
    vectors = _vectors([model.member, *model.others])
    return {
        "format": 2,
        "family": model.title,
        "classes": list(model.classes),
        "columns": [
            {
                "name": c.name, "source": c.source, "key": list(c.key), "fill": _or_null(c.fill), "seen": [_or_null(end) for end in c.seen],
                "centre": float(centre), "scale": float(scale),
            }
            for c, centre, scale in zip(model.columns, model.centre, model.scale, strict=True)
        ],
        "squash": model.squash,
        "prevalence": list(model.prevalence),
        "cases": model.cases,
        "spread": model.spread,
        "unlike": _unlike(model),
        **({"gamma": model.member.family.gamma, "vectors": [list(v) for v in vectors]} if isinstance(model.member.family, Kernel) else {}),
        "members": [{**_numbers(m, vectors), "slope": m.slope, "offsets": m.offsets.tolist()} for m in (model.member, *model.others)],
    }  # fmt: skip


def two_answers(member: Member) -> Member:
    """The same for two classes that both have a name: the first always answers 0."""
    family, zero = member.family, np.zeros(1)
    offsets = np.concatenate([zero, member.offsets])
    if isinstance(family, Trees):
        none = np.zeros(0, int)
        two = Trees(
            family.feature, family.threshold, family.left, family.right, family.value, (none, *family.roots), np.concatenate([zero, family.intercepts])
        )  # fmt: skip
        return Member(family=two, slope=member.slope, offsets=offsets)
    if isinstance(family, Kernel):
        coefficients = np.concatenate([np.zeros_like(family.coefficients), family.coefficients])
        kernel = Kernel(family.vectors, coefficients, np.concatenate([zero, family.intercepts]), family.gamma)
        return Member(family=kernel, slope=member.slope, offsets=offsets)
    if isinstance(family, Linear):
        linear = Linear(np.concatenate([np.zeros_like(family.weights), family.weights]), np.concatenate([zero, family.intercepts]))
        return Member(family=linear, slope=member.slope, offsets=offsets)
    raise TypeError(f"no such family: {type(family).__name__}")


def _vectors(members: list[Member]) -> dict[tuple[float, ...], int]:
    """The support vectors of all members, each once, with its number."""
    rows = (tuple(v) for m in members if isinstance(m.family, Kernel) for v in m.family.vectors.tolist())
    return {row: n for n, row in enumerate(dict.fromkeys(rows))}


def _numbers(member: Member, vectors: dict[tuple[float, ...], int]) -> dict[str, Any]:
    family = member.family
    if isinstance(family, Trees):
        return {
            "feature": family.feature.tolist(), "threshold": family.threshold.tolist(), "left": family.left.tolist(), "right": family.right.tolist(),
            "value": family.value.tolist(), "roots": [r.tolist() for r in family.roots], "intercepts": family.intercepts.tolist(),
        }  # fmt: skip
    if isinstance(family, Kernel):
        support = [vectors[tuple(v)] for v in family.vectors.tolist()]
        return {"support": support, "coefficients": family.coefficients.tolist(), "intercepts": family.intercepts.tolist()}
    if isinstance(family, Linear):
        return {"weights": family.weights.tolist(), "intercepts": family.intercepts.tolist()}
    raise TypeError(f"no such family: {type(family).__name__}")


def _unlike(model: TableModel) -> dict[str, Any] | None:
    found = model.unlike
    if found is None:
        return None
    return {"columns": found.columns.tolist(), "centre": _short(found.centre), "precision": _short(found.precision), "limit": found.limit}


def _short(values: FloatArray) -> Any:
    """To nine significant digits: a distance needs no more."""
    return np.vectorize(lambda v: float(f"{v:.9g}"))(values).tolist()


def _or_null(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
