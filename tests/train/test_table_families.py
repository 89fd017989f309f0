"""What is stored answers as scikit-learn does; calibration and metrics against slow or other ways to the same number."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.svm import SVC, LinearSVC
from tests.tables import document

from diaphane.assess.model_json import from_document
from diaphane.assess.tabular import Member, cut, probabilities
from diaphane.core.arrays import FloatArray, IntArray
from diaphane.ops.family_json import BOOSTING, LINEAR_SVM, LOGISTIC, RADIAL_SVM
from diaphane.train.evaluate import auc_interval
from diaphane.train.table_families import LEAST_IN_LEAF, RATE, SETTINGS, Setting, calibration, fitted
from diaphane.train.table_json import document as written
from diaphane.train.table_json import two_answers
from diaphane.train.table_metrics import figures, subgroups

CHOSEN = {LOGISTIC: Setting(LOGISTIC, 0.3), LINEAR_SVM: Setting(LINEAR_SVM, 0.01), RADIAL_SVM: Setting(RADIAL_SVM, 1.0, 0.6), BOOSTING: Setting(BOOSTING, 7, 5)}


def made(classes: int) -> tuple[FloatArray, IntArray]:
    rng = np.random.default_rng(classes)
    z = np.round(np.clip(rng.normal(size=(150, 4)), -3, 3), 4)
    return z, np.argmax(z[:, :classes] + rng.gumbel(size=(150, classes)) / 2, axis=1)


def theirs(setting: Setting, z: FloatArray, truth: IntArray, unseen: FloatArray, classes: int) -> FloatArray:
    """What scikit-learn itself answers, (n, k)."""
    if setting.family == RADIAL_SVM:
        ones = range(1, 2) if classes == 2 else range(classes)
        return np.stack([SVC(C=setting.strength * 1000 / 150, gamma=setting.shape / 4).fit(z, truth == n).decision_function(unseen) for n in ones], axis=1)
    fit: Any = {
        LOGISTIC: LogisticRegression(C=setting.strength * 1000 / 150, max_iter=5000, tol=1e-6),
        LINEAR_SVM: LinearSVC(C=setting.strength * 1000 / 150, dual=False, class_weight="balanced", max_iter=10000, random_state=3),
        BOOSTING: HistGradientBoostingClassifier(
            max_leaf_nodes=5,
            max_iter=7,
            learning_rate=RATE,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=3,
            min_samples_leaf=min(LEAST_IN_LEAF, 15),
        ),
    }[setting.family]
    return np.asarray(fit.fit(z, truth).decision_function(unseen)).reshape(len(unseen), -1)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("family", list(CHOSEN))
def test_stored_model_answers_as_scikit_learn_does(family: str, classes: int, rng: np.random.Generator) -> None:
    z, truth = made(classes)
    (ours,) = fitted([CHOSEN[family]], z, truth, classes, 3)
    k = 1 if classes == 2 else classes
    names = tuple("xyz"[:k])
    columns = [{"name": n, "source": "feature", "key": [n], "fill": None, "seen": [None, None], "centre": 0.0, "scale": 1.0} for n in "abcd"]
    base = from_document(document(columns=columns, members=[{"weights": [[0.0] * 4], "intercepts": [0.0], "slope": 1.0, "offsets": [0.0]}]), ("bad",))
    member = Member(family=ours, slope=1.25, offsets=np.linspace(-1, 1, k))
    model = type(base)(
        **{f: getattr(base, f) for f in base.__slots__} | {"title": family, "classes": names, "member": member, "others": (member,), "prevalence": (0.5,) * k}
    )
    read = from_document(json.loads(json.dumps(written(model))), names)
    unseen = np.concatenate([z[:40], cut(rng.normal(size=(60, 4)) * 2)])
    expected = 1.25 * theirs(CHOSEN[family], z, truth, unseen, classes) + np.linspace(-1, 1, k)
    for m in (read.member, *read.others):
        assert np.abs(m.logits(unseen) - expected).max() < 1e-9
    if classes == 2:
        both = two_answers(read.member).logits(unseen)
        assert np.abs(probabilities(both)[:, 1] - probabilities(expected)[:, 0]).max() < 1e-12


def test_boosting_looked_at_earlier_is_the_shorter_fit() -> None:
    z, truth = made(2)
    early, late = fitted([Setting(BOOSTING, 3, 4), Setting(BOOSTING, 9, 4)], z, truth, 2, 0)
    (short,) = fitted([Setting(BOOSTING, 3, 4)], z, truth, 2, 0)
    assert np.array_equal(early.answers(z), short.answers(z))
    assert not np.array_equal(early.answers(z), late.answers(z))


@pytest.mark.parametrize("family", [LOGISTIC, LINEAR_SVM, RADIAL_SVM])
def test_fit_to_every_image_twice_answers_alike(family: str) -> None:
    z, truth = made(2)
    once, twice = (fitted([CHOSEN[family]], np.tile(z, (n, 1)), np.tile(truth, n), 2, 0)[0].answers(z) for n in (1, 2))
    assert twice == pytest.approx(once, abs=0.01)


def test_every_setting_has_words_of_its_own() -> None:
    every = [s for settings in SETTINGS.values() for s in settings]
    assert len({(s.family, str(s)) for s in every}) == len(every)
    assert str(Setting(BOOSTING, 50, 4)) == "50 trees of 4 leaves"


def test_calibration_finds_the_curve_that_the_data_were_made_with(rng: np.random.Generator) -> None:
    answers = rng.normal(size=(20000, 1)) * 2
    slope, offsets = calibration(answers, (rng.random(20000) < probabilities(0.5 * answers - 1)[:, 0]).astype(int))
    assert (slope, offsets[0]) == pytest.approx((0.5, -1), abs=0.05)
    three = rng.normal(size=(20000, 3))
    logits = 2 * three + [0, 1, -1]
    slope, offsets = calibration(three, np.argmax(logits + rng.gumbel(size=(20000, 3)), axis=1))
    assert [slope, *(offsets - offsets.mean())] == pytest.approx([2, 0, 1, -1], abs=0.08)


def test_calibration_of_answers_without_a_fault_stays_finite_and_rises_always() -> None:
    truth = np.repeat([0, 1], 20)
    slope, offsets = calibration(np.where(truth, 5.0, -5.0)[:, None], truth)
    assert probabilities(slope * np.array([[5.0]]) + offsets)[0, 0] == pytest.approx(21 / 22, abs=1e-3)
    slope, offsets = calibration(np.where(truth, -1.0, 1.0)[:, None], truth)
    assert 0 < slope < 1e-3
    assert probabilities(slope * np.array([[1.0]]) + offsets)[0, 0] == pytest.approx(0.5, abs=1e-2)


def test_figures_are_those_of_other_ways_to_the_same(rng: np.random.Generator) -> None:
    odds = rng.normal(size=400) * 2
    truth = (rng.random(400) < probabilities(0.7 * odds[:, None])[:, 0]).astype(float)
    found = figures(truth[:, None], odds[:, None], [str(n) for n in range(400)])
    assert found["auc"]["mean"] == pytest.approx(roc_auc_score(truth, odds))
    assert found["auc"]["ci95"] == pytest.approx(auc_interval(truth > 0, odds)["ci95"], abs=0.01)
    p = 1 / (1 + np.exp(-odds))
    assert found["brier_skill"]["mean"] == pytest.approx(1 - ((p - truth) ** 2).mean() / (truth.mean() * (1 - truth.mean())))
    cox = LogisticRegression(C=1e12, tol=1e-10, max_iter=1000).fit(odds[:, None], truth).coef_[0, 0]
    assert found["calibration_slope"]["mean"] == pytest.approx(cox, rel=1e-4)
    for one in found.values():
        assert one["ci95"][0] < one["mean"] < one["ci95"][1]


def test_interval_of_few_patients_is_wider_than_of_as_many_pictures(rng: np.random.Generator) -> None:
    odds = np.repeat(rng.normal(size=40), 10)
    truth = np.repeat(rng.random(40) < 0.5, 10).astype(float)

    def width(groups: list[str]) -> float:
        low, high = figures(truth[:, None], odds[:, None], groups)["auc"]["ci95"]
        return float(high - low)

    assert width([str(n // 10) for n in range(400)]) > 2 * width([str(n) for n in range(400)])


def test_slope_without_an_end_and_a_lone_patient_have_no_number() -> None:
    truth = np.array([[0.0], [0.0], [1.0], [1.0]])
    found = figures(truth, 4 * truth - 2, ["a", "b", "c", "d"])
    assert np.isnan(found["calibration_slope"]["mean"])
    assert np.isnan(figures(truth, 4 * truth - 2, ["a"] * 4)["auc"]["ci95"]).all()


def test_subgroups_show_no_group_of_fewer_than_five_patients() -> None:
    about = [{"sex": "female" if n % 2 else "male", "age": str(20 + n)} for n in range(60)] + [{"sex": "other"}] * 3
    truth, odds = (np.arange(63) % 3 == 0)[:, None].astype(float), np.sin(np.arange(63.0))[:, None]
    found = subgroups(about, truth, odds, [str(n) for n in range(63)])
    assert [g["group"] for g in found["sex"]["groups"]] == ["female", "male"]
    assert (found["sex"]["too_few"], found["age"]["not_known"]) == (3, 3)
    assert [(g["group"], g["images"]) for g in found["age"]["groups"]] == [("below 40", 20), ("40 to 59", 20), ("60 and more", 20)]
    women = np.arange(63) % 2 == 1
    women[60:] = False
    assert found["sex"]["groups"][0]["auc"]["mean"] == pytest.approx(roc_auc_score(truth[women, 0], odds[women, 0]))
