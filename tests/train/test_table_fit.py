"""A classifier on features from tables to bundle: honest figures, the same bytes, what it says of new regions."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.tables import made_table, region

from diaphane.assess import table_model
from diaphane.assess.columns import Column
from diaphane.assess.tabular import cut, probabilities
from diaphane.engine.bundle import open_bundle
from diaphane.errors import InputError, UsageError
from diaphane.ops.family_json import BOOSTING, LINEAR_SVM, LOGISTIC, RADIAL_SVM
from diaphane.train import table_choice, table_fit, table_metrics
from diaphane.train.table_choice import Scale, candidates, chosen_of, folds_of
from diaphane.train.table_families import SETTINGS, Setting
from diaphane.train.table_fit import fit, fit_table
from diaphane.train.table_read import Table, read


def with_few(patch: pytest.MonkeyPatch, *families: str) -> None:
    """Enough to choose between, and done in a second; ``families``: these alone."""
    few = {
        LOGISTIC: (Setting(LOGISTIC, 0.01), Setting(LOGISTIC, 1.0)), LINEAR_SVM: (Setting(LINEAR_SVM, 0.01),),
        RADIAL_SVM: (Setting(RADIAL_SVM, 1.0, 0.6),), BOOSTING: (Setting(BOOSTING, 5, 3),),
    }  # fmt: skip
    patch.setattr(table_metrics, "DRAWS", 100)
    for family, settings in few.items():
        if not families or family in families:
            patch.setitem(SETTINGS, family, settings)
        else:
            patch.delitem(SETTINGS, family)


@pytest.fixture(autouse=True)
def few_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """For every test here, and three folds in three folds."""
    with_few(monkeypatch)
    monkeypatch.setattr(table_choice, "FOLDS", 3)


def table(count: int, seed: int = 0, classes: int = 2) -> Table:
    """Of three columns the first tell the classes; no column helps a seed's noise."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(count, 3)) * (1, 10, 100)
    truth = np.argmax(values[:, :classes] / [1, 10, 100][:classes] * 2 + rng.gumbel(size=(count, classes)), axis=1)
    names = tuple(f"p{n}" for n in range(count))
    columns = tuple(Column(name=n, source="feature", key=("glcm", n, "", "", "1")) for n in "abc")
    words = ("not bad", "bad") if classes == 2 else tuple("xyz"[:classes])
    return Table(
        names=names, values=values, columns=columns, truth=truth, words=words, classes=words[1:] if classes == 2 else words, groups=names, grouped_by="",
        parts=("",) * count, about=({},) * count, label="mole", faults=(),
    )  # fmt: skip


def nothing() -> None:
    """A tick that nobody sees."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished training; ``few_settings`` is not there yet."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        with_few(patch)
        features, truth = made_table(folder, age=list(range(20, 80)), sex=["female", "male", "unknown"] * 20)
        fit_table(features, truth, "bad", folder / "out", seed=3)
        fit_table(features, truth, "bad", folder / "again", seed=3)
    return folder


def test_bundle_judges_regions_and_says_what_it_rests_on(trained: Path) -> None:
    bundle = open_bundle(trained / "out/bundle")
    model = table_model(bundle)
    assert (bundle.name, bundle.recipe.applies_to, bundle.recipe.labels[0].name) == ("bad", "mole", "bad")
    likely, unlikely = (model.judge(region({"a": a, "b": b, "c": 5.0}), bundle) for a, b in ((7.0, -10.0), (3.0, 20.0)))
    assert not isinstance(likely, str) and not isinstance(unlikely, str)
    assert likely[0].probability > 0.7 > 0.3 > unlikely[0].probability
    low, high = likely[0].interval95
    assert low < likely[0].probability < high
    assert "on 3 features of texture, age, sex; among the 60 training pictures" in likely[0].basis
    assert str(model.judge(region({"a": 7.0, "b": -10.0, "c": 1e9}), bundle)).startswith("unlike what the model learnt from, most in c 1e+09 (98 % of them")
    assert len(model.others) == 10


def test_same_seed_gives_the_same_bytes(trained: Path) -> None:
    for file in ("bundle/model.json", "bundle/metrics.json", "bundle/card.md", "bundle/SHA256SUMS", "predictions.csv"):
        assert (trained / "out" / file).read_bytes() == (trained / "again" / file).read_bytes()


def test_card_and_metrics_say_what_was_measured(trained: Path) -> None:
    bundle = open_bundle(trained / "out/bundle")
    metrics, card = bundle.json("metrics.json"), bundle.files["card.md"].decode()
    assert set(metrics["families"]) == set(SETTINGS)
    assert sum(found["taken_in_folds"] for found in metrics["families"].values()) == 5
    assert metrics["made_by"]["seed"] == 3
    auc = metrics["nested"]["auc"]
    assert f"| AUC | {auc['mean']:.3f} ({auc['ci95'][0]:.3f} to {auc['ci95'][1]:.3f}) |" in card
    for words in (
        "## What the number means, and what it does not",
        "## What was chosen, and what lost",
        "patients are not known",
        "| sex: female | 20 |",
        "## Limits",
    ):
        assert words in card


def test_predictions_are_what_the_figures_are_of(trained: Path) -> None:
    from sklearn.metrics import roc_auc_score

    rows = list(csv.DictReader((trained / "out/predictions.csv").read_text().splitlines()))
    auc = roc_auc_score([row["truth"] == "bad" for row in rows], [float(row["p(bad)"]) for row in rows])
    assert json.loads((trained / "out/bundle/metrics.json").read_text())["nested"]["auc"]["mean"] == pytest.approx(auc)
    assert {row["fold"] for row in rows} == set("01234")


def test_folder_that_holds_something_is_not_written_to(trained: Path) -> None:
    with pytest.raises(UsageError, match="must be a new or empty folder"):
        fit_table(trained / "features.csv", trained / "table.csv", "bad", trained / "out")


def test_noise_is_told_by_nothing_and_the_figures_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with_few(monkeypatch, LOGISTIC)
    made = table(120)
    noise = replace(made, truth=np.random.default_rng(9).permutation(made.truth))
    found = fit(noise, 0, nothing).metrics
    assert found["nested"]["auc"]["ci95"][0] < 0.5
    assert found["nested"]["brier_skill"]["ci95"][0] < 0
    assert found["nested"]["brier_skill"]["mean"] < 0.05


def test_held_out_answers_do_not_change_with_their_own_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    with_few(monkeypatch, LOGISTIC)
    made = table(100)
    first = fit(made, 0, nothing).honest
    # the folds are drawn by the truth: two of one fold are swapped, so that the folds stay
    fold = np.flatnonzero(first.fold == 2)
    one, other = fold[made.truth[fold] == 0][0], fold[made.truth[fold] == 1][0]
    values = made.values.copy()
    values[[one, other]] = values[[other, one]]
    second = fit(replace(made, values=values), 0, nothing).honest
    assert np.array_equal(first.fold, second.fold)
    assert second.chosen[[one, other]] == pytest.approx(first.chosen[[other, one]], abs=1e-12)


def test_linear_truth_is_found_by_a_linear_family_and_a_bent_one_is_not() -> None:
    made = table(300, 3)
    assert chosen_of(candidates(made, 0, nothing)).setting.family == LOGISTIC
    bent = replace(made, truth=(np.abs(made.values[:, 0]) > 0.7).astype(int))
    assert chosen_of(candidates(bent, 0, nothing)).setting.family in (RADIAL_SVM, BOOSTING)


def test_answers_are_calibrated_and_near_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    with_few(monkeypatch, LOGISTIC)
    found = fit(table(1000, 5), 0, nothing)
    slope = found.metrics["nested"]["calibration_slope"]
    assert slope["ci95"][0] < 1 < slope["ci95"][1]
    fresh = table(4000, 6)
    p = probabilities(found.model.member.logits(cut(found.model.scores(fresh.values))))[:, 0]
    truly = 1 / (1 + np.exp(-2 * (fresh.values[:, 1] / 10 - fresh.values[:, 0])))
    assert np.abs(p - truly).mean() < 0.05


def test_three_classes_are_told_apart_and_named() -> None:
    found = fit(table(240, 1, classes=3), 0, nothing)
    assert found.model.classes == ("x", "y", "z")
    assert set(found.metrics["summary"]) == {"x", "y", "z"}
    assert found.metrics["nested"]["auc"]["mean"] > 0.8
    p = found.model.probabilities(table(50, 2).values)
    assert p.sum(axis=1) == pytest.approx(np.ones(50))


def test_two_named_classes_are_both_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    with_few(monkeypatch, LOGISTIC)
    made = replace(table(100), words=("benign", "malignant"), classes=("benign", "malignant"))
    found = fit(made, 0, nothing)
    assert found.model.classes == ("benign", "malignant")
    assert set(found.metrics["summary"]) == {"malignant"}
    assert found.model.probabilities(made.values)[:, 1] @ (made.truth * 2 - 1) > 10


def test_patient_is_never_torn_apart() -> None:
    made = replace(table(90), groups=tuple(f"g{n // 3}" for n in range(90)), grouped_by="patient")
    for seen, unseen in folds_of(made, 5, 0):
        assert not {made.groups[n] for n in seen} & {made.groups[n] for n in unseen}


def test_one_patient_with_nearly_all_of_a_class_is_refused() -> None:
    made = table(60)
    bad = made.truth == 1
    with pytest.raises(InputError, match="cannot be cut into 5 parts"):
        folds_of(replace(made, groups=tuple("one" if b else g for b, g in zip(bad, made.groups, strict=True))), 5, 0)


def test_twenty_images_are_enough() -> None:
    made = table(400)
    few = np.concatenate([np.flatnonzero(made.truth == n)[:10] for n in (0, 1)])
    assert fit(made.only(few), 0, nothing).model.cases == 20


def test_scores_are_robust_and_unknown_values_are_the_middle() -> None:
    columns = (
        Column(name="a", source="feature", key=("f", "a", "", "", "1")), Column(name="age_years", source="context", key=("age_years",), fill=0.0),
        Column(name="age_years_not_known", source="unknown", key=("age_years",)), Column(name="sex", source="context", key=("sex",), fill=0.0),
        Column(name="flat", source="feature", key=("f", "flat", "", "", "1")),
    )  # fmt: skip
    values = np.array([[n, 40 + n, 0, 1 if n < 75 else -1, n > 97] for n in range(100)] + [[1e6, np.nan, 1, np.nan, 0.0]])
    scale = Scale.of(values, columns)
    assert scale.centre.tolist() == [50, 89.5, 0, 0.5, 0]
    assert scale.scale[0] == pytest.approx(50 / 1.349)
    assert scale.scale[2] == 1
    assert scale.scale[[3, 4]] == pytest.approx([np.std([1] * 75 + [-1] * 25), np.std([1] * 2 + [0] * 99)])
    assert scale.scores(values)[-1].tolist() == pytest.approx([np.arcsinh((1e6 - 50) * 1.349 / 50), 0, np.arcsinh(1), 0, 0])


def test_parts_of_the_publisher_are_judged_and_not_learnt_from(monkeypatch: pytest.MonkeyPatch) -> None:
    with_few(monkeypatch, LOGISTIC)
    made = table(140)
    parts = ("train",) * 100 + ("valid",) * 20 + ("test",) * 20
    found = fit(replace(made, parts=parts), 0, nothing)
    alone = fit(made.only(np.arange(100)), 0, nothing)
    assert found.model.member.family.answers(np.ones((1, 3))).tolist() == alone.model.member.family.answers(np.ones((1, 3))).tolist()
    assert {part: figures["images"] for part, figures in found.metrics["held_out"].items()} == {"valid": 20, "test": 20}
    assert alone.metrics["held_out"] == {}
    card = table_fit.card("bad", found.metrics, found.model, found.learnt)
    assert "## On the publisher's validation part" in card


def test_about_one_in_a_hundred_held_out_images_is_unlike_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    with_few(monkeypatch, LOGISTIC)
    found = fit(table(1000, 8), 0, nothing)
    assert 0.002 <= found.honest.strange.mean() <= 0.025
    assert found.metrics["unlike"]["share_of_held_out"] == found.honest.strange.mean()


def test_networks_verdict_helps_where_it_knows_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_few(monkeypatch, LOGISTIC)
    features, truth = made_table(tmp_path, 80)
    plain = fit(read(features, truth, "bad"), 0, nothing).metrics["nested"]["auc"]["mean"]
    bad = [line.endswith(",1") for line in truth.read_text().splitlines()[1:]]
    _, truth = made_table(tmp_path, 80, **{"network:net": [0.9 - 0.004 * n if b else 0.1 + 0.004 * n for n, b in enumerate(bad)]})
    found = fit(read(features, truth, "bad"), 0, nothing)
    assert found.metrics["nested"]["auc"]["mean"] > max(0.97, plain)
    assert found.model.networks() == ("net",)
