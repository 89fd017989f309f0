"""The output gate: structures unlike those of held-out results are doubted, and it says why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from diaphane.core.geometry import Geometry
from diaphane.core.labels import Labels
from diaphane.core.recipe import LabelRecipe
from diaphane.segment.gate_output import descriptors, joint_verdicts
from diaphane.train.output_fingerprints import ENOUGH, fit_output

LUNGS = (LabelRecipe(value=1, name="left lung", role="anatomy"), LabelRecipe(value=2, name="right lung", role="anatomy"))
SIDE = 60


def result(rng: np.random.Generator, *, shift: float = 0, size: float = 1, sure: float = 0.95) -> Labels:
    """Two ellipses and how sure the network is of them."""
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE
    array = np.zeros((1, SIDE, SIDE), np.uint8)
    for value, middle in ((1, 0.72), (2, 0.28)):
        y, x, radius = rng.normal([0.5 + shift, middle, 0.15 * size], [0.02, 0.02, 0.01])
        array[0][((rows - y) / 2) ** 2 + (columns - x) ** 2 < radius**2] = value
    probability = np.where(array > 0, rng.normal(sure, 0.005), 0.02)
    return Labels(array, LUNGS, probability.clip(0, 1))


@pytest.fixture(scope="module")
def limits():  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(1)
    found = [result(rng) for _ in range(120)]
    shapes = {value: {str(n): descriptors(one, value, None) for n, one in enumerate(found)} for value in (1, 2)}
    return fit_output(shapes, {str(n): str(n) for n in range(120)}, 0)  # type: ignore[arg-type]


def test_descriptors_of_a_box_are_what_they_are_called() -> None:
    array = np.zeros((1, 40, 80), np.uint8)
    array[0, 10:20, 40:80] = 1
    probability = np.where(array > 0, 0.8, 0.01)
    share, *places, odds, doubtful = descriptors(Labels(array, LUNGS, probability), 1, None)  # type: ignore[misc]
    assert np.exp(share) == pytest.approx(400 / 3200, abs=2e-4)
    assert places[:3] == pytest.approx([0.5, 15 / 40, 60 / 80])
    assert np.exp(places[4]) == pytest.approx(10 / 40 / np.sqrt(12), rel=0.05)
    assert np.exp(places[5]) == pytest.approx(0.5 / np.sqrt(12), rel=0.05)
    assert odds == pytest.approx(np.log(4), abs=1e-6)
    assert np.exp(doubtful) == pytest.approx(1, abs=1e-3)
    assert descriptors(Labels(array, LUNGS), 2, None) is None


def test_a_volume_is_described_as_the_patient_lies_however_it_is_stored(rng: np.random.Generator) -> None:
    array = (rng.random((6, 9, 12)) > 0.7).astype(np.uint8)
    array[:3] = 0
    straight = Geometry(np.array([[0, 0, 1.0, 0], [0, 1.0, 0, 0], [1.0, 0, 0, 0], [0, 0, 0, 1]]), calibrated=True)
    flipped = replace(straight, affine=np.array([[0, 0, 1.0, 0], [0, 1.0, 0, 0], [-1.0, 0, 0, 5], [0, 0, 0, 1]]))
    own, other = descriptors(Labels(array, LUNGS), 1, straight), descriptors(Labels(array[::-1], LUNGS), 1, flipped)
    assert own is not None
    assert other is not None
    assert np.allclose(own, other)


def test_results_like_the_held_out_ones_pass_and_others_are_doubted_with_what_is_odd(limits) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(2)
    said = [joint_verdicts(result(rng), None, limits, "b") for _ in range(60)]
    assert np.mean(["doubted" in {v.verdict for v in one} for one in said]) <= 0.05
    assert "left lung: " in said[0][0].reason
    assert "like held-out results" in said[0][0].reason
    for change, says in (({"shift": 0.35}, "along rows|share"), ({"size": 0.35}, "extent along|share"), ({"sure": 0.7}, "probability|doubtful")):
        first, second = joint_verdicts(result(rng, **change), None, limits, "b")
        assert (first.verdict, second.verdict) == ("doubted", "doubted")
        assert any(word in first.reason for word in says.split("|")), first.reason


def test_a_missing_organ_is_doubted_and_a_missing_lesion_is_a_result(limits) -> None:  # type: ignore[no-untyped-def]
    empty = Labels(np.zeros((1, SIDE, SIDE), np.uint8), LUNGS)
    assert [v.verdict for v in joint_verdicts(empty, None, limits, "b")] == ["doubted", "doubted"]
    lesions = replace(empty, table=tuple(replace(label, role="lesion") for label in LUNGS))
    assert [v.verdict for v in joint_verdicts(lesions, None, limits, "b")] == ["passed", "passed"]


def test_too_few_results_say_nothing_and_mirrored_results_are_unlike(limits, rng: np.random.Generator) -> None:  # type: ignore[no-untyped-def]
    few = {1: {str(n): rng.normal(size=9) for n in range(ENOUGH - 1)}}
    assert fit_output(few, {str(n): str(n) for n in range(ENOUGH)}, 0) is None
    one = result(rng)
    mirrored = replace(one, array=one.array[:, :, ::-1])
    assert {v.verdict for v in joint_verdicts(mirrored, None, limits, "b")} == {"doubted"}
