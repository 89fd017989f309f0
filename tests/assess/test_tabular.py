"""What a model on features says of a region: probability, interval, contributions, and when it says nothing."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.tables import column, document, linear, region, table_bundle

from diaphane.assess import table_model
from diaphane.core.case import PatientContext
from diaphane.core.finding import Assessment
from diaphane.core.region import Region
from diaphane.engine.bundle import open_bundle

pytest.importorskip("torch", reason="bundles are written by the extra 'train'")
CLASSES = ("x", "y", "z")


def judged(
    folder: Path,
    model: dict[str, Any],
    of: Region,
    context: PatientContext | None = None,
    beside: tuple[Assessment, ...] = (),
    classes: tuple[str, ...] = ("bad",),
) -> tuple[Assessment, ...] | str:
    bundle = open_bundle(table_bundle(folder / "b", model, classes))
    return table_model(bundle).judge(of, bundle, context, beside)


def one(found: tuple[Assessment, ...] | str) -> Assessment:
    assert not isinstance(found, str), found
    (assessment,) = found
    return assessment


def with_context(**more: Any) -> dict[str, Any]:
    columns = [
        column("a"),
        column("age_years", source="context", centre=50.0, scale=10.0, fill=50.0),
        column("age_years_not_known", source="unknown", key=["age_years"]),
        column("sex", source="context", centre=0.2, fill=0.2),
        column("network:net", source="network", key=["net", "bad"]),
    ]
    return document(columns=columns, members=[linear([[1.0, 2.0, 0.5, 0.25, 3.0]], [-1.0])]) | more


def network(p: float, task: str = "bad") -> Assessment:
    return Assessment(task=task, probability=p, interval95=(math.nan, math.nan), bundle="net")


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def test_probability_interval_and_contributions_are_what_the_numbers_say(tmp_path: Path) -> None:
    found = one(judged(tmp_path, document(), region({"a": 0.5, "b": 2.0})))
    za, zb = math.asinh(0.5), math.asinh((2.0 - 1) / 2)
    own, other = 0.5 + za - 2 * zb, 0.4 + 1.1 * za - 2 * zb
    half = 2.0 * abs(own - other)
    assert logit(found.probability) == pytest.approx(own)
    assert [logit(end) for end in found.interval95] == pytest.approx([own - half, own + half])
    assert dict(found.contributions) == pytest.approx({"a": za, "b": -2 * zb})
    assert [name for name, _ in found.contributions] == ["b", "a"]
    assert found.basis == "logistic regression on 2 features of texture; among the 80 training pictures 25.0% were bad"


def test_contributions_go_through_the_calibration_and_add_up(tmp_path: Path) -> None:
    member = linear([[1.0, -2.0]], [0.5], slope=0.4) | {"offsets": [-0.7]}
    found = one(judged(tmp_path, document(members=[member]), region({"a": 0.5, "b": 2.0})))
    assert logit(found.probability) - (0.4 * 0.5 - 0.7) == pytest.approx(sum(share for _, share in found.contributions))
    assert all(math.isnan(end) for end in found.interval95)


def test_odd_value_counts_as_three_standard_scores(tmp_path: Path) -> None:
    found = one(judged(tmp_path, document(), region({"a": 1e9, "b": 1.0})))
    assert dict(found.contributions) == pytest.approx({"a": 3.0, "b": 0.0})


def test_several_classes_add_up_and_contributions_set_a_class_apart(tmp_path: Path) -> None:
    model = document(classes=list(CLASSES), prevalence=[0.2, 0.3, 0.5], members=[linear([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]], [0.1, 0.2, 0.3])] * 2)
    found = judged(tmp_path, model, region({"a": 0.5, "b": 2.0}), classes=CLASSES)
    assert not isinstance(found, str)
    z = np.arcsinh([0.5, 0.5])
    logits = np.array([0.1 + z[0], 0.2 + z[1], 0.3 - z.sum()])
    assert [a.task for a in found] == list(CLASSES)
    assert [a.probability for a in found] == pytest.approx(np.exp(logits) / np.exp(logits).sum())
    assert [a.interval95 for a in found] == [pytest.approx((a.probability,) * 2) for a in found]
    shares = dict(found[0].contributions)
    assert shares == pytest.approx({"a": z[0] - (0 - z[0]) / 2, "b": 0 - (z[1] - z[1]) / 2})


def test_two_named_classes_have_opposite_contributions_of_the_whole_log_odds(tmp_path: Path) -> None:
    model = document(classes=["x", "y"], prevalence=[0.2, 0.8], members=[linear([[0.0, 0.0], [1.0, -2.0]], [0.0, 0.5])])
    found = judged(tmp_path, model, region({"a": 0.5, "b": 2.0}), classes=("x", "y"))
    assert not isinstance(found, str)
    first, second = found
    assert first.probability + second.probability == pytest.approx(1)
    assert dict(first.contributions) == pytest.approx({name: -share for name, share in second.contributions})
    assert sum(share for _, share in second.contributions) == pytest.approx(logit(second.probability) - 0.5)


def test_patient_and_network_count_as_features(tmp_path: Path) -> None:
    found = one(judged(tmp_path, with_context(), region({"a": 0.5}), PatientContext(age_years=70, sex="male"), (network(0.9),)))
    assert dict(found.contributions) == pytest.approx(
        {
            "a": math.asinh(0.5),
            "age_years": 2 * math.asinh(2),
            "age_years_not_known": 0,
            "sex": 0.25 * math.asinh(0.8),
            "network:net": 3 * math.asinh(logit(0.9)),
        }
    )
    assert found.basis.startswith("logistic regression on 1 feature of texture, age, sex, the verdict of 'net'; ")


def test_what_is_not_known_of_the_patient_is_filled_and_said(tmp_path: Path) -> None:
    found = one(judged(tmp_path, with_context(), region({"a": 0.0}), None, (network(0.5),)))
    assert dict(found.contributions) == pytest.approx({"a": 0, "age_years": 0, "age_years_not_known": 0.5 * math.asinh(1), "sex": 0, "network:net": 0})
    assert "; age is not known: the training data's median, 50, was taken; sex is not known: the training data's mean of both was taken" in found.basis


def test_sex_that_it_did_not_learn_is_not_used_and_said(tmp_path: Path) -> None:
    found = one(judged(tmp_path, with_context(), region({"a": 0.0}), PatientContext(sex="other"), (network(0.5),)))
    assert "sex is neither" in found.basis
    assert abs(dict(found.contributions)["sex"]) == 0


@pytest.mark.parametrize("beside", [(), (network(0.4, "good"),), (replace(network(0.4), bundle="other"),)])
def test_without_the_networks_verdict_there_is_none(tmp_path: Path, beside: tuple[Assessment, ...]) -> None:
    found = judged(tmp_path, with_context(), region({"a": 0.0}), None, beside)
    assert found == "what the model needs does not exist: network:net: the network 'net' did not judge the picture"


@pytest.mark.parametrize(
    ("of", "says"),
    [
        (region({"a": 1.0}), "b: not measured"),
        (region({"a": 1.0, "b": math.nan}), "b: none here"),
        (region({"a": 1.0, "b": 1.0}, unit="mm"), "measured in mm, the model learnt it in 1"),
        (region({"a": 1.0, "b": 1.0}, bins="FBN 32"), "with another aggregation or discretisation"),
        (region({"a": 1.0, "b": 1.0}, family="ngtdm"), "a: not measured; b: not measured"),
    ],
)
def test_feature_that_is_missing_or_another_gives_no_verdict(tmp_path: Path, of: Region, says: str) -> None:
    found = judged(tmp_path, document(), of)
    assert isinstance(found, str)
    assert says in found


def test_many_missing_features_are_counted(tmp_path: Path) -> None:
    model = document(columns=[column(f"f{n}") for n in range(9)], members=[linear([[0.0] * 9], [0.0])])
    assert str(judged(tmp_path, model, region({"x": 1.0}))).endswith("f3: not measured; and 5 more")


def test_region_unlike_the_training_gets_no_verdict_and_is_told_why(tmp_path: Path) -> None:
    columns = [column("a", seen=[-2, 2]), column("b", centre=1.0, scale=2.0, seen=[-5, 8])]
    model = document(columns=columns, unlike={"columns": [0, 1], "centre": [0.0, 0.0], "precision": [[1.0, 0.0], [0.0, 1.0]], "limit": 3.0})
    assert one(judged(tmp_path, model, region({"a": math.sinh(2.9), "b": 1.0}))).probability > 0.9
    found = judged(tmp_path, model, region({"a": 40.0, "b": 1.0}))
    assert found == "unlike what the model learnt from, most in a 40 (98 % of them -2 to 2)"


def test_values_that_are_odd_only_together_are_said_to_be(tmp_path: Path) -> None:
    columns = [column("a", seen=[-2, 2]), column("b", seen=[-2, 2])]
    model = document(columns=columns, unlike={"columns": [0, 1], "centre": [0.0, 0.0], "precision": [[50.0, -49.0], [-49.0, 50.0]], "limit": 3.0})
    assert not isinstance(judged(tmp_path, model, region({"a": 1.5, "b": 1.5})), str)
    found = judged(tmp_path, model, region({"a": 1.5, "b": -1.5}))
    assert found == "unlike what the model learnt from: each value is like theirs, but not all of them together, most in a 1.5, b -1.5"


def test_age_unlike_the_training_gets_no_verdict_and_is_named(tmp_path: Path) -> None:
    model = with_context(unlike={"columns": [0, 1], "centre": [0.0, 0.0], "precision": [[1.0, 0.0], [0.0, 1.0]], "limit": 2.0})
    assert "age_years 2" in str(judged(tmp_path, model, region({"a": 0.0}), PatientContext(age_years=2.0), (network(0.5),)))
