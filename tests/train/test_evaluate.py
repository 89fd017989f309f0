"""Metrics: closed forms, slow counting, and what is said where nothing can be measured."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from diaphane.core.coding import json_text
from diaphane.errors import InputError
from diaphane.ops.picture import write_png
from diaphane.train.evaluate import (
    ALL,
    METRICS,
    auc_interval,
    auc_of_items,
    case_metrics,
    class_metrics,
    mean_interval,
    metrics_document,
    slope_interval,
    value_words,
)  # fmt: skip
from diaphane.train.label_folders import Measured, by_case, document, maps_in, measured, read_patients, trunk
from diaphane.train.paired import compared, holm, sentence
from diaphane.train.scores import table


def square(row: int, column: int, value: int = 1, size: int = 8) -> np.ndarray:
    out = np.zeros((40, 40), np.uint8)
    out[row : row + size, column : column + size] = value
    return out


def test_distances_are_in_mm_where_there_is_a_scale_and_else_in_pixels() -> None:
    a, b = square(5, 5) > 0, square(5, 9) > 0
    without, scaled = case_metrics("x", "lesion", a, b), case_metrics("x", "lesion", a[None], b[None], (1.0, 0.25, 0.25))
    assert (without.dice, without.jaccard) == (0.5, pytest.approx(1 / 3)) == (scaled.dice, scaled.jaccard)
    assert (without.hd95_px, scaled.hd95_mm) == (4.0, 1.0)
    assert without.nsd_1px < scaled.nsd_1mm == 1.0
    assert all(math.isnan(v) for v in (without.hd95_mm, without.nsd_1mm, scaled.hd95_px, scaled.nsd_1px))


def test_volume_has_distances_along_all_axes() -> None:
    volume = np.zeros((6, 10, 10), bool)
    volume[1:3, 2:6, 2:6] = True
    found = case_metrics("x", "organ", np.roll(volume, 2, axis=0), volume, (3.0, 1.0, 1.0))
    assert found.hd95_mm == pytest.approx(6.0)


def test_rule_for_empty_masks_is_stated_and_kept() -> None:
    some, none = square(5, 5) > 0, np.zeros((40, 40), bool)
    found = metrics_document([case_metrics("hit", "l", some, some), case_metrics("miss", "l", none, some), case_metrics("neither", "l", none, none)])
    hit, miss, neither = found["cases"]
    assert (miss["dice"], miss["jaccard"], miss["nsd_1px"], neither["dice"], neither["jaccard"]) == (0, 0, 0, 1, 1)
    assert all(math.isnan(v) for v in (miss["hd95_px"], neither["hd95_px"], neither["nsd_1px"]))
    assert found["summary"]["l"]["dice"] == {"mean": pytest.approx(2 / 3), "ci95": [0.0, 1.0], "count": 3}
    assert found["summary"]["l"]["hd95_px"] == {"mean": 0.0, "ci95": pytest.approx([math.nan, math.nan], nan_ok=True), "count": 1}
    assert found["summary"]["l"]["nsd_1px"]["count"] == 2
    assert found["summary"]["l"]["hd95_mm"]["count"] == 0
    assert "absent from both masks" in found["rule_for_empty_masks"]
    assert '"hd95_mm": {"mean": null, "ci95": [null, null], "count": 0}' in json_text(found)
    assert hit.keys() == {"case", "label", *METRICS}


def test_missing_values_leave_their_patient_out() -> None:
    values = np.array([1.0, np.nan, 3.0, 5.0])
    assert mean_interval(values, groups=["a", "a", "b", "c"]) == mean_interval(values[[0, 2, 3]])
    assert mean_interval(values)["count"] == 3


def test_one_case_or_one_patient_has_no_interval_and_says_so() -> None:
    for found in (mean_interval(np.array([0.7])), mean_interval(np.array([0.6, 0.8, np.nan]), groups=["a", "a", "b"])):
        assert found["mean"] == pytest.approx(0.7)
        assert all(map(math.isnan, found["ci95"]))
        assert value_words(found) == "0.700 (interval: too few)"
    assert value_words(mean_interval(np.array([0.7, 0.7]))) == "0.700 (0.700 to 0.700)"
    truth, groups = np.array([0, 0, 1, 1, 1]), ["a", "b", "c", "c", "c"]
    metrics = class_metrics(list("12345"), truth, np.eye(2)[[0, 1, 1, 1, 0]], ["x", "y"], groups)
    there = {(label, name): not math.isnan(value["ci95"][0]) for label, found in metrics["summary"].items() for name, value in found.items()}
    assert [pair for pair, known in there.items() if not known] == [("y", "sensitivity"), ("y", "auc")]
    assert table(metrics).count("interval: too few") == 2
    alone = class_metrics(list("12345"), truth, np.eye(2)[[0, 1, 1, 1, 0]], ["x", "y"], ["a"] * 5)
    assert all(math.isnan(value["ci95"][0]) for found in alone["summary"].values() for value in found.values())


def test_interval_covers_the_truth_about_19_times_in_20() -> None:
    rng = np.random.default_rng(5)
    inside = 0
    for _ in range(100):
        low, high = mean_interval(rng.normal(size=40))["ci95"]
        inside += low <= 0 <= high
    assert 88 <= inside <= 99


def test_class_metrics_are_those_counted_by_hand() -> None:
    truth = np.array([0, 0, 0, 1, 1, 2])
    probabilities = np.eye(3)[[0, 0, 1, 1, 1, 0]] * 0.5 + 1 / 6
    found = class_metrics([f"{n}.png" for n in range(6)], truth, probabilities, ["cat", "dog", "hare"])
    assert found["confusion"] == [[2, 1, 0], [0, 2, 0], [1, 0, 0]]
    means = {label: {m: v["mean"] for m, v in metrics.items()} for label, metrics in found["summary"].items()}
    assert means[ALL]["accuracy"] == pytest.approx(4 / 6)
    assert means[ALL]["balanced_accuracy"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert means["dog"] == {"sensitivity": 1.0, "precision": pytest.approx(2 / 3), "auc": pytest.approx((3 + 0.5) / 4)}
    assert math.isnan(means["hare"]["precision"])
    assert found["cases"][2] == {"case": "2.png", "class": "cat", "predicted": "dog", "probability": pytest.approx(2 / 3)}
    assert found["summary"]["cat"]["auc"]["count"] == 3


def test_auc_of_classes_is_that_of_all_pairs_and_intervals_hold_it(rng: np.random.Generator) -> None:
    truth = rng.integers(0, 3, 90)
    scores = np.round(rng.random((90, 3)) + 0.4 * np.eye(3)[truth], 1)
    found = class_metrics([str(n) for n in range(90)], truth, scores / scores.sum(axis=1, keepdims=True), ["a", "b", "c"])["summary"]
    column = (scores / scores.sum(axis=1, keepdims=True))[:, 1]
    pairs = [(p > n) + 0.5 * (p == n) for p in column[truth == 1] for n in column[truth != 1]]
    assert found["b"]["auc"]["mean"] == pytest.approx(np.mean(pairs))
    assert found[ALL]["auc"]["mean"] == pytest.approx(np.mean([found[c]["auc"]["mean"] for c in "abc"]))
    for metrics in found.values():
        for value in metrics.values():
            assert value["ci95"][0] < value["mean"] < value["ci95"][1]


def test_interval_of_classes_is_wider_over_patients_than_over_their_pictures() -> None:
    truth = np.arange(20).repeat(6) % 2
    right = np.arange(20).repeat(6) % 5 > 0
    probabilities = np.eye(2)[np.where(right, truth, 1 - truth)]
    names = [str(n) for n in range(120)]
    width = []
    for groups in (None, [str(n // 6) for n in range(120)]):
        low, high = class_metrics(names, truth, probabilities, ["a", "b"], groups)["summary"][ALL]["accuracy"]["ci95"]
        width.append(high - low)
    assert width[1] > 1.7 * width[0]


def scores(values: np.ndarray) -> dict[str, object]:
    return {"cases": [{"case": str(n), "label": label, "dice": v, "hd95_mm": 1 - v} for n, v in enumerate(values) for label in ("a", "b")]}


def test_paired_comparison_finds_a_small_difference_that_cases_share(rng: np.random.Generator) -> None:
    values = rng.random(30)
    found = compared({"one": scores(values + 0.01 + 0.002 * rng.normal(size=30)), "two": scores(values), "three": scores(values)})
    one, same = found["pairs"][0], found["pairs"][2]
    assert one["difference"] == pytest.approx(0.01, abs=0.001)
    assert 0.008 < one["ci95"][0] < one["ci95"][1] < 0.012
    assert one["p_uncorrected"] < one["p"] < 1e-5
    assert (same["difference"], same["p"]) == (0, 1)
    assert sentence(one, found).startswith("one better than two by 0.0")
    assert sentence(same, found) == "two and three: no difference that is sure in dice (mean 0.0000, 95 % interval 0.0000 to 0.0000), p 1, 30 cases"
    unsure = {"first": "a", "second": "b", "difference": -0.02, "ci95": [-0.05, 0.00001], "p": 0.04, "cases": 9}
    one = {**unsure, "ci95": [math.nan, math.nan]}
    assert "no difference that is sure in dice (mean -0.0200, interval: too few)" in sentence(one, found)
    assert sentence(unsure, found).startswith("a and b: no difference that is sure in dice (mean -0.0200, 95 % interval -0.0500 to 0.0000)")


def test_lower_distance_is_better_and_a_missing_case_is_not_compared() -> None:
    values = np.linspace(0.2, 0.8, 20)
    found = compared({"one": scores(values), "two": scores(values[:14] + 0.1)}, metric="hd95_mm")
    assert found["pairs"][0]["cases"] == 14
    assert sentence(found["pairs"][0], found).startswith("two better than one by 0.1000 in hd95_mm (95 % interval 0.1000 to 0.1000)")
    with pytest.raises(InputError, match="no case in common"):
        compared({"one": scores(values), "two": {"cases": []}})


def test_holm_is_step_down_and_never_falls() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


@pytest.mark.parametrize(
    ("stem", "says"),
    [("x_segmentation", "x"), ("x_manual1", "x"), ("x_lesion_mask", "x"), ("case_001", "case_001"), ("a-1_label", "a-1"), ("mask", "mask"), ("x_lungs", "x")],
)
def test_trunk_leaves_out_words_for_masks_and_keeps_numbers(stem: str, says: str) -> None:
    assert trunk(stem) == says


def of_folder(folder: Path, maps: dict[str, np.ndarray]) -> Path:
    for name, array in maps.items():
        write_png(folder / name, array)
    return folder


def measure(reference: Path, *predicted: Path) -> Measured:
    return measured(reference, {folder.name: folder for folder in predicted}, None, lambda cases: cases)


def test_maps_are_paired_by_stem_and_those_with_like_trunks_by_their_whole_stem(tmp_path: Path) -> None:
    folder = of_folder(tmp_path / "a", dict.fromkeys(("x_lung.png", "x_skin.png", "y_mask.png", "y_mask_overlay.png"), square(1, 1)))
    assert set(by_case(maps_in(folder))) == {"x_lung", "x_skin", "y"}
    other = of_folder(tmp_path / "b", {"x_lung.png": square(1, 1), "y.png": square(1, 1)})
    result = measure(folder, other).results[0]
    assert set(result.rows) == {"x_lung", "y"}
    assert "no label map of x_skin" in result.left_out["x_skin"]


def test_label_that_a_case_has_not_counts_in_it_and_one_the_reference_has_not_does_not(tmp_path: Path) -> None:
    reference = of_folder(tmp_path / "a", {"1.png": square(1, 1, 1), "2.png": square(1, 1, 2)})
    predicted = of_folder(tmp_path / "b", {"1.png": square(1, 1, 1) + square(20, 20, 2), "2.png": square(1, 1, 2) + square(20, 20, 9)})
    (tmp_path / "a/labels.txt").write_text("1 liver\n")
    found = measure(reference, predicted)
    written = document(found, found.results[0], None)
    rows = {(r["case"], r["label"]): r["dice"] for r in written["cases"]}
    assert rows == {("1", "liver"): 1.0, ("1", "label 2"): 0.0, ("2", "liver"): 1.0, ("2", "label 2"): 1.0}
    assert written["not_in_reference"] == [9]


def test_two_valued_masks_are_one_structure_whatever_the_value(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    reference = of_folder(tmp_path / "a", {"1.png": square(1, 1, 255), "2.png": square(1, 1, 255), "3.png": square(1, 1, 0), "4.png": square(1, 1, 0)})
    predicted = of_folder(tmp_path / "b", {"1.png": square(1, 5, 1), "2.png": square(1, 1, 0), "3.png": square(1, 1, 1), "4.png": square(1, 1, 0)})
    found = measure(reference, predicted)
    written = document(found, found.results[0], None)
    assert [r["dice"] for r in written["cases"]] == [0.5, 0.0, 0.0, 1.0]
    assert written["not_in_reference"] == []
    assert "its value 1 and the reference's 255 are taken for the same structure" in caplog.text


def test_two_values_that_are_both_named_stay_two_structures(tmp_path: Path) -> None:
    reference, predicted = of_folder(tmp_path / "a", {"1.png": square(1, 1, 1)}), of_folder(tmp_path / "b", {"1.png": square(1, 1, 2)})
    (tmp_path / "a/labels.txt").write_text("1 liver\n2 spleen\n")
    found = measure(reference, predicted)
    assert [(r["label"], r["dice"]) for r in document(found, found.results[0], None)["cases"]] == [("liver", 0.0)]


def test_what_the_reference_ignores_is_not_counted(tmp_path: Path) -> None:
    reference = of_folder(tmp_path / "a", {"1.png": square(1, 1, 1) + square(20, 20, 7)})
    predicted = of_folder(tmp_path / "b", {"1.png": square(1, 1, 1) + square(20, 20, 1)})
    (tmp_path / "a/dataset.json").write_text('{"labels": {"background": 0, "lesion": 1, "ignore": 7}}')
    found = measure(reference, predicted)
    assert [(r["label"], r["dice"]) for r in document(found, found.results[0], None)["cases"]] == [("lesion", 1.0)]


def test_patients_come_from_a_list_that_must_name_every_case(tmp_path: Path) -> None:
    with (tmp_path / "index.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["image", "patient"], ["images/x.jpg", "p1"], ["images/y_lesion.jpg", "p2"]])
    assert read_patients(tmp_path / "index.csv", ["x", "y"]) == {"x": "p1", "y": "p2"}
    with pytest.raises(InputError, match="1 cases are not listed with a patient, z for one"):
        read_patients(tmp_path / "index.csv", ["x", "z"])
    (tmp_path / "index.csv").write_text("image,age\nx,3\n")
    with pytest.raises(InputError, match="expected the columns patient"):
        read_patients(tmp_path / "index.csv", ["x"])


def test_folders_without_maps_or_labels_are_refused(tmp_path: Path) -> None:
    empty = of_folder(tmp_path / "a", {"1.png": square(1, 1, 0)})
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="every map is empty"):
        measure(empty, of_folder(tmp_path / "b", {"1.png": square(1, 1, 1)}))
    with pytest.raises(InputError, match="no label map in this folder"):
        measure(empty, tmp_path / "none")
    with pytest.raises(InputError, match="no such folder"):
        measure(tmp_path / "nowhere", empty)
    with pytest.raises(InputError, match=r"nothing in .* could be measured: .* no label map of 1"):
        measure(empty, of_folder(tmp_path / "c", {"2.png": square(1, 1, 1)}))


def test_auc_equals_counting_pairs_and_lies_in_its_interval(rng: np.random.Generator) -> None:
    truth, scores = rng.random(60) < 0.4, rng.integers(0, 9, 60).astype(float)
    pairs = [(a > b) + 0.5 * (a == b) for a in scores[truth] for b in scores[~truth]]
    found = auc_interval(truth, scores)
    assert found["mean"] == pytest.approx(np.mean(pairs))
    assert found["ci95"][0] < found["mean"] < found["ci95"][1]


def test_interval_over_patients_is_wider_than_over_their_pictures(rng: np.random.Generator) -> None:
    values = np.repeat(rng.normal(size=10), 8)
    over_pictures, over_patients = mean_interval(values), mean_interval(values, groups=[str(n // 8) for n in range(80)])
    width = [found["ci95"][1] - found["ci95"][0] for found in (over_pictures, over_patients)]
    assert width[1] > 2 * width[0]


def test_what_items_add_to_the_auc_has_the_auc_as_mean_and_its_variance(rng: np.random.Generator) -> None:
    from sklearn.metrics import roc_auc_score

    truth = rng.permutation(np.arange(70) % 5 // 4)  # 14 of 70
    soft = np.round(rng.random((70, 2)) + 0.4 * np.eye(2)[truth], 1)  # with ties
    soft /= soft.sum(axis=1, keepdims=True)
    found = auc_of_items(truth, soft)
    assert found.mean() == pytest.approx(roc_auc_score(truth, soft[:, 1]), abs=1e-12)
    pairs = np.array([[(a > b) + 0.5 * (a == b) for b in soft[truth == 0, 1]] for a in soft[truth == 1, 1]])  # DeLong's components, slowly
    variance = pairs.mean(axis=1).var() / 14 + pairs.mean(axis=0).var() / 56
    assert found.var() / 70 == pytest.approx(variance)
    assert np.array_equal(auc_of_items(truth, np.eye(2)[truth]), np.ones(70))
    assert np.array_equal(auc_of_items(truth, np.full((70, 2), 0.5)), np.full(70, 0.5))


def test_what_items_add_to_the_auc_of_several_classes_is_of_those_that_occur(rng: np.random.Generator) -> None:
    from sklearn.metrics import roc_auc_score

    truth = np.arange(60) % 3
    soft = rng.random((60, 3)) + 0.3 * np.eye(3)[truth]
    soft /= soft.sum(axis=1, keepdims=True)
    assert auc_of_items(truth, soft).mean() == pytest.approx(roc_auc_score(truth, soft, multi_class="ovr"))
    two = truth < 2
    expected = np.mean([roc_auc_score(truth[two] == n, soft[two, n]) for n in (0, 1)])
    assert auc_of_items(truth[two], soft[two]).mean() == pytest.approx(expected)


def test_metrics_document_has_the_agreed_keys() -> None:
    a, b = np.eye(4, dtype=bool), np.ones((4, 4), bool)
    written = metrics_document([case_metrics("x", "lesion", a, b), case_metrics("y", "lesion", a, a)])
    assert written["cases"][0].keys() == {"case", "label", *METRICS}
    assert written["cases"][0]["jaccard"] == 0.25
    assert written["summary"]["lesion"]["dice"]["mean"] == pytest.approx((0.4 + 1) / 2)
    assert "absent from both" in written["rule_for_empty_masks"]


def test_calibration_slope_is_1_for_true_log_odds_and_half_for_doubled_ones(rng: np.random.Generator) -> None:
    scores = rng.normal(size=800) * 1.5 - 1
    truth = rng.random(800) < 1 / (1 + np.exp(-scores))
    right, bold = slope_interval(truth, scores), slope_interval(truth, scores * 2)
    assert right["ci95"][0] < 1 < right["ci95"][1]
    assert bold["mean"] == pytest.approx(right["mean"] / 2, rel=1e-3)
