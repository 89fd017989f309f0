"""Small tables of features, models on them, and bundles that hold a ``model.json`` as given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from diaphane.core.recipe import LabelRecipe, Recipe
from diaphane.core.region import Feature, Region, features_csv

LABEL = "mole"


def region(values: dict[str, float], *, index: int = 1, name: str = LABEL, unit: str = "1", family: str = "glcm", bins: str = "") -> Region:
    features = tuple(
        Feature(family=family, name=n, value=v, unit=unit, discretisation=bins, nan_reason="" if np.isfinite(v) else "none here") for n, v in values.items()
    )
    return Region(index=index, label=1, name=name, role="lesion", box=((0, 1),) * 3, mask=np.ones((1, 1, 1), bool), features=features)


def column(name: str, *, source: str = "feature", key: list[str] | None = None, centre: float = 0.0, scale: float = 1.0, **more: Any) -> dict[str, Any]:
    found = key or (["glcm", name, "", "", "1"] if source == "feature" else [name])
    return {"name": name, "source": source, "key": found, "fill": None, "seen": [None, None], "centre": centre, "scale": scale} | more


def linear(weights: list[list[float]], intercepts: list[float], slope: float = 1.0) -> dict[str, Any]:
    return {"weights": weights, "intercepts": intercepts, "slope": slope, "offsets": [0.0] * len(intercepts)}


def document(**changed: Any) -> dict[str, Any]:
    """A logistic regression on two features, one member beside it."""
    return {
        "format": 2, "family": "logistic regression", "classes": ["bad"], "squash": "arcsinh", "prevalence": [0.25], "cases": 80, "spread": 2.0, "unlike": None,
        "columns": [column("a"), column("b", centre=1.0, scale=2.0)], "members": [linear([[1.0, -2.0]], [0.5]), linear([[1.1, -2.0]], [0.4])],
    } | changed  # fmt: skip


def first_format() -> dict[str, Any]:
    """As bundles had it before format 2."""
    return {
        "kind": "logistic regression", "features": ["a", "b"], "mean": [0.5, 1.0], "deviation": [2.0, 0.5], "coefficients": [0.7, -1.2], "intercept": -0.3,
        "covariance": [[0.04, 0.01, 0.0], [0.01, 0.09, -0.02], [0.0, -0.02, 0.16]], "prevalence": 0.2,
    }  # fmt: skip


def table_bundle(folder: Path, model: dict[str, Any], classes: tuple[str, ...] = ("bad",)) -> Path:
    from diaphane.train.export import write_bundle

    labels = tuple(LabelRecipe(value=n, name=c) for n, c in enumerate(classes, start=1))
    recipe = Recipe(name="made", task="classify", modality="made", network="x", licence="none", labels=labels, applies_to=LABEL)
    write_bundle(folder, recipe, {"model.json": json.dumps(model).encode()})
    return folder


def made_table(folder: Path, count: int = 60, seed: int = 0, **columns: list[object]) -> tuple[Path, Path]:
    """``features.csv`` of three features (``a`` and, turned, ``b`` tell the class) and ``table.csv``; more ``columns`` of the latter as given."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 3)) * (1, 10, 100) + 5
    bad = rng.random(count) < 1 / (1 + np.exp(-2 * (x[:, 0] - 5) + (x[:, 1] - 5) / 10))
    regions = [(f"p{n}", region(dict(zip("abc", row, strict=True)))) for n, row in enumerate(x.tolist())]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "features.csv").write_text(features_csv(regions))
    more = {"bad": bad.astype(int).tolist()} | columns
    lines = [",".join(["image", *more]), *(",".join([f"img/p{n}.png", *(str(values[n]) for values in more.values())]) for n in range(count))]
    (folder / "table.csv").write_text("\n".join(lines) + "\n")
    return folder / "features.csv", folder / "table.csv"
