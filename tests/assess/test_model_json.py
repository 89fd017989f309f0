"""What a ``model.json`` may hold, and what it may not."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.tables import column, document, first_format, linear, region, table_bundle

from diaphane.assess.model_json import LARGEST, from_document, table_model
from diaphane.assess.tabular import CLIP, sigmoid
from diaphane.engine.bundle import Bundle, open_bundle
from diaphane.errors import BundleError

pytest.importorskip("torch", reason="bundles are written by the extra 'train'")

STUMP = {
    "feature": [0, -1, -1], "threshold": [0.5, 0.0, 0.0], "left": [1, 0, 0], "right": [2, 0, 0], "value": [0.0, -1.0, 1.0], "roots": [[0]], "intercepts": [0.1],
    "slope": 1.0, "offsets": [0.0],
}  # fmt: skip
RADIAL = {"support": [0, 1], "coefficients": [[1.0, -1.0]], "intercepts": [0.2], "slope": 1.5, "offsets": [0.1]}


def boosted(**changed: Any) -> dict[str, Any]:
    return document(family="gradient boosting", members=[STUMP | changed])


def radial(**changed: Any) -> dict[str, Any]:
    whole = document(family="support vector machine with radial basis functions", vectors=[[0.0, 1.0], [1.0, 0.0]], gamma=0.5)
    return whole | {"members": [RADIAL | changed]}


def unlike(**changed: Any) -> dict[str, Any]:
    return document(unlike={"columns": [0, 1], "centre": [0.0, 0.0], "precision": [[1.0, 0.0], [0.0, 1.0]], "limit": 3.0} | changed)


def first(**changed: Any) -> dict[str, Any]:
    return {**first_format(), **changed}


@pytest.mark.parametrize("good", [document(), boosted(), radial(), unlike(), first()])
def test_model_is_read(good: dict[str, Any]) -> None:
    assert from_document(good, ("bad",)).classes == ("bad",)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (document(format=3), "format must be 2"),
        (document(family="magic"), "must be one of logistic regression"),
        (document(squash="tanh"), "must be one of arcsinh"),
        (document(classes=[]), "must have a column, a class"),
        (document(columns=[]), "must have a column, a class"),
        (document(members=[]), "must have a column, a class"),
        (document(members=[linear([[1.0, 2.0]], [0.0])] * 65), "not too many"),
        (document(members=[linear([[1.0]], [0.0])]), r"must have the shape \(1, 2\)"),
        (document(members=[linear([[1.0, math.nan]], [0.0])]), "finite"),
        (document(members=[linear([[1.0, math.inf]], [0.0])]), "finite"),
        (document(members=[linear([["1", "2"]], [0.0])]), "must be numbers"),  # type: ignore[list-item]
        (document(members=[linear([[True, False]], [0.0])]), "must be numbers"),
        (document(members=[linear([[1.0, 2.0]], [0.0], slope=-1.0)]), "positive"),
        (document(columns=[column("a"), column("b", scale=0.0)]), "positive"),
        (document(columns=[column("a"), column("b", source="wish")]), "must be one of feature"),
        (document(columns=[column("a"), column("b", key=["x", "y"])]), "does not go with its source"),
        (document(columns=[column("a"), column("shoe_size", source="context", fill=1.0)]), "does not go with its source"),
        (document(columns=[column("a"), column("age_years", source="context")]), "needs a fill"),
        (document(prevalence=[0.1, 0.2]), "must have the shape"),
        (document(prevalence=[1.5]), "between 0 and 1"),
        (document(cases=1.5), "whole numbers"),
        (document(members=[linear([[1e200, 2.0]], [0.0])]), "finite numbers, up to 1e\\+30"),
        (document(spread=0), "positive"),
        (boosted(left=[0, 0, 0]), "cycle"),
        (boosted(left=[2, 0, 0]), "cycle, or a node that hangs in no tree or in two"),
        (boosted(right=[3, 0, 0]), "cycle"),
        (boosted(roots=[[0, 1]]), "cycle"),
        (boosted(roots=[[]]), "cycle"),
        (boosted(roots=[[0], []]), "for each class"),
        (boosted(feature=[2, -1, -1]), "columns that are there"),
        (boosted(feature=[-2, -1, -1]), "columns that are there"),
        (boosted(value=[0.0, 1.0]), "must have the shape"),
        (radial(support=[0, 2]), "a support vector is not there"),
        (radial(support=[0, -1]), "a support vector is not there"),
        (radial(support=[]), "a support vector is not there"),
        (radial(coefficients=[[1.0]]), "must have the shape"),
        ({**radial(), "gamma": 0}, "positive"),
        ({**radial(), "vectors": [[0.0, 1.0], [1.0]]}, "inhomogeneous"),
        (unlike(columns=[0, 2]), "a column that is looked at is not there"),
        (unlike(columns=[]), "a column that is looked at is not there"),
        (unlike(precision=[[1.0]]), "must have the shape"),
        (unlike(limit=-1), "positive"),
        (unlike(precision=[[-1.0, 0.0], [0.0, -1.0]]), "nothing would be unlike the training"),
        (first(mean=[1.0]), "must have the shape"),
        (first(covariance=[]), "must have the shape"),
        (first(deviation=[0.0, 1.0]), "positive"),
        (first(features=3), "list of words"),
        ({}, "KeyError"),
        ([], "AttributeError"),
    ],
)  # fmt: skip
def test_model_that_contradicts_itself_is_refused(bad: Any, says: str, tmp_path: Path) -> None:
    bundle = open_bundle(table_bundle(tmp_path / "b", bad))
    with pytest.raises(BundleError, match=says):
        table_model(bundle)


def test_deep_tree_is_refused(tmp_path: Path) -> None:
    n = 140
    inner = np.arange(n) % 2 == 0
    inner[-2:] = False
    chain = {
        "feature": np.where(inner, 0, -1).tolist(), "threshold": [0.0] * n, "left": np.where(inner, np.arange(n) + 1, 0).tolist(),
        "right": np.where(inner, np.arange(n) + 2, 0).tolist(), "value": [0.0] * n,
    }  # fmt: skip
    chain["roots"] = [[0]] if sum(inner) * 2 + 1 == n else [[0, n - 1]]
    with pytest.raises(BundleError, match="deeper than 64"):
        table_model(open_bundle(table_bundle(tmp_path / "b", boosted(**chain))))


def test_other_classes_than_the_recipe_names_and_a_huge_file_are_refused(tmp_path: Path) -> None:
    bundle = open_bundle(table_bundle(tmp_path / "b", document(), ("good",)))
    with pytest.raises(BundleError, match="tells bad apart, the recipe names good"):
        table_model(bundle)
    with pytest.raises(BundleError, match=f"at most {LARGEST} bytes"):
        table_model(Bundle(bundle.path, bundle.recipe, bundle.files | {"model.json": bytes(LARGEST + 1)}))


def test_first_format_answers_as_it_always_did(tmp_path: Path) -> None:
    old, values = first_format(), {"a": 1.7, "b": -4.0}
    bundle = open_bundle(table_bundle(tmp_path / "b", old))
    verdict = table_model(bundle).judge(region(values, family="whatever"), bundle)
    assert not isinstance(verdict, str)
    (found,) = verdict
    z = np.clip((np.array(list(values.values())) - old["mean"]) / old["deviation"], -CLIP, CLIP)
    assert z[1] == -CLIP
    shares, x = np.array(old["coefficients"]) * z, np.array([1, *z])
    logit, error = old["intercept"] + shares.sum(), math.sqrt(x @ np.array(old["covariance"]) @ x)
    assert found.probability == pytest.approx(sigmoid(logit))
    assert found.interval95 == pytest.approx((sigmoid(logit - 1.96 * error), sigmoid(logit + 1.96 * error)))
    assert dict(found.contributions) == pytest.approx(dict(zip("ab", shares, strict=True)))
    assert found.basis == "logistic regression on 2 features; among the training pictures 20.0% were bad"


def test_reading_leaves_the_document_as_it_is() -> None:
    before = document()
    after = copy.deepcopy(before)
    from_document(after, ("bad",))
    assert json.dumps(after) == json.dumps(before)
