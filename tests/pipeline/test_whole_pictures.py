"""A case whose picture is judged as a whole, by a network that was asked for by name; and a bundle for segmenting that was."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.classifiers import COLOURS, colour_bundle
from tests.networks import spots_bundle, threshold_network, volume_recipe, write_made_bundle, zoo_with

from diaphane import zoo
from diaphane.acquire.picture import read_picture
from diaphane.assess import Options, judged
from diaphane.core.arrays import BoolArray
from diaphane.core.geometry import Geometry
from diaphane.engine.bundle import open_bundle
from diaphane.ops.nifti import write_nifti
from diaphane.ops.picture import write_png
from diaphane.pipeline import run
from diaphane.plan import Plan
from diaphane.prepare import prepare
from diaphane.report import Options as ReportOptions
from diaphane.report.html import picture
from diaphane.segment import Options as SegmentOptions
from diaphane.segment import focused

NARROW = json.dumps({"mean": [1e3] * 45, "precision": np.eye(45).tolist(), "limit": 1e-3, "basis": "none"}).encode()


def stages(case: Path) -> dict[str, dict]:
    return json.loads((case / "case.json").read_text())["stages"]


def with_judge(folder: Path) -> Plan:
    return replace(Plan(), assess=Options(bundle=str(folder)))


def test_the_part_around_the_lesion_is_judged_told_and_kept_until_the_bundle_is_another(made: tuple[Path, BoolArray], tmp_path: Path) -> None:
    bundle = open_bundle(colour_bundle(tmp_path / "judge", around="skin_lesion"))
    outcome = run(made[0], tmp_path / "case", with_judge(bundle.path))
    part, _ = focused(read_picture(made[0]), bundle.recipe, prepare)
    expected = judged(prepare(part, bundle.recipe), bundle)
    assert [(a.task, a.probability) for a in outcome.parts[0].assessments] == [(a.task, a.probability) for a in expected]
    assert all(np.isnan(a.interval95).all() for a in outcome.parts[0].assessments)
    assert outcome.decision.findings[0].assessments == ()
    assert {"colours", "skin_lesion"} == set(outcome.provenance.weights)
    assert "passed" in [v.verdict for v in outcome.verdicts if v.subject == "colours"]
    page = (tmp_path / "case/report.html").read_text()
    assert "The picture as a whole" in page
    assert "not calibrated on other pictures" in page
    (told,) = outcome.parts[0].explanations
    assert (told.bundle, told.task) == ("colours", max(expected, key=lambda a: a.probability).task)
    np.testing.assert_array_equal(told.rgb, read_picture(tmp_path / f"case/images/{outcome.parts[0].image.name}_colours_occlusion.png").array[0])
    assert picture(told.rgb) in page

    before = stages(tmp_path / "case")
    again = run(made[0], tmp_path / "case", with_judge(bundle.path))
    assert stages(tmp_path / "case") == before
    assert [a.probability for a in again.parts[0].assessments] == [a.probability for a in outcome.parts[0].assessments]
    (bundle.path / "model.onnx").unlink()
    other = run(made[0], tmp_path / "case", with_judge(colour_bundle(tmp_path / "other/judge", (1.0,), around="skin_lesion")))
    assert stages(tmp_path / "case")["segment"] == before["segment"]
    assert [a.probability for a in other.parts[0].assessments] != [a.probability for a in outcome.parts[0].assessments]


def test_picture_in_which_nothing_is_segmented_is_judged_and_the_missing_part_doubted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spots_bundle(zoo_with(tmp_path / "zoo", monkeypatch) / "spots", (60, 90))
    write_png(tmp_path / "blue.png", np.full((40, 60, 3), (0, 0, 230), np.uint8))
    outcome = run(tmp_path / "blue.png", tmp_path / "case", with_judge(colour_bundle(tmp_path / "judge", around="spots")))
    (part,) = outcome.parts
    assert part.labels is None
    assert max(part.assessments, key=lambda a: a.probability).task == "blue"
    assert [v.reason for v in outcome.verdicts if v.verdict == "doubted"] == ["the whole picture was judged, not a part of it: 'spots' found no spot"]
    assert set(outcome.provenance.weights) == {"colours", "spots"}
    assert {v.subject for v in outcome.verdicts if v.verdict == "refused"} == {"lungs", "skin_lesion"}
    assert outcome.exit_code == 4
    assert "structures and lesions in the image" in {n.what for n in outcome.not_assessed}
    assert "blue" in (tmp_path / "case/report.html").read_text()


def test_without_maps_the_network_is_asked_once(made: tuple[Path, BoolArray], tmp_path: Path) -> None:
    plan = with_judge(colour_bundle(tmp_path / "judge"))
    outcome = run(made[0], tmp_path / "case", replace(plan, assess=replace(plan.assess, maps=False)))
    assert len(outcome.parts[0].assessments) == len(COLOURS)
    assert outcome.parts[0].explanations == ()
    assert not list((tmp_path / "case").rglob("*occlusion*"))


def test_judge_whose_gate_refuses_says_nothing(made: tuple[Path, BoolArray], tmp_path: Path) -> None:
    outcome = run(made[0], tmp_path / "case", with_judge(colour_bundle(tmp_path / "judge", fingerprint_json=NARROW)))
    assert outcome.parts[0].assessments == ()
    assert outcome.exit_code == 3
    (told,) = [n for n in outcome.not_assessed if n.what == " or ".join(COLOURS)]
    assert told.why == "the input gate of 'colours' refused the picture"
    assert "colours" not in outcome.provenance.weights


def test_volume_is_not_judged_and_the_report_says_so(tmp_path: Path) -> None:
    grid = Geometry(np.diag([2.0, 2, 2, 1])[[2, 1, 0, 3]], calibrated=True)
    values = np.zeros((8, 16, 16), np.int16)
    values[2:6, 4:12, 4:12] = 100
    write_nifti(tmp_path / "scan.nii.gz", values, grid)
    blob = write_made_bundle(tmp_path / "blob", volume_recipe((8, 8, 8), (2, 2, 2)), [threshold_network((1, 8, 8, 8), [50.0])])
    plan = replace(with_judge(colour_bundle(tmp_path / "judge")), segment=SegmentOptions(bundle=str(blob)))
    outcome = run(tmp_path / "scan.nii.gz", tmp_path / "case", plan)
    assert outcome.parts[0].labels is not None
    assert int((outcome.parts[0].labels.array > 0).sum()) == 4 * 8 * 8
    assert outcome.parts[0].assessments == ()
    assert outcome.exit_code == 0
    assert ("red or green or blue", "'colours' judges pictures, and there is none") in {(n.what, n.why) for n in outcome.not_assessed}


def segments_by_name() -> list[str]:
    recipes = {name: open_bundle(name).recipe for name in zoo.names() if name == "skin_lesion" or name not in zoo.UNASKED}
    return [name for name, recipe in recipes.items() if recipe.task == "segment"]


@pytest.mark.parametrize("name", segments_by_name())
def test_bundle_that_segments_does_so_by_name_or_its_gate_refuses(name: str, made: tuple[Path, BoolArray], tmp_path: Path) -> None:
    recipe = open_bundle(name).recipe
    assert recipe.input is not None
    source = made[0]
    if recipe.input.is_volume:
        source = tmp_path / "scan.nii.gz"
        values = np.random.default_rng(1).integers(0, 99, (12, 16, 14)).astype(np.int16)
        write_nifti(source, values, Geometry(np.eye(4)[[2, 1, 0, 3]], calibrated=True))
    plan = replace(Plan(), segment=SegmentOptions(bundle=name), report=ReportOptions(segmentation_object=False, fhir=False))
    outcome = run(source, tmp_path / "case", plan)
    (part,) = outcome.parts
    if part.labels is None:  # a lesion is not its kind of picture
        assert [v.subject for v in outcome.verdicts if v.verdict == "refused"] == [name]
    else:
        assert part.labels.source == recipe.name
        assert recipe.name in outcome.provenance.weights
