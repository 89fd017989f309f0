"""The same story on real pictures, where they are at hand."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

import diaphane
from diaphane.acquire.picture import read_mask
from diaphane.ops.nifti import read_nifti
from diaphane.ops.overlap import dice, jaccard
from diaphane.ops.picture import read_png

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def x_ray(data: Path) -> tuple[Path, Path]:
    """The first X-ray of the index, which training saw: the test is of the program, not of the model."""
    with (data / "cxr_lungs/index.csv").open() as file:
        row = next(csv.DictReader(file))
    return data / "cxr_lungs" / row["image"], data / "cxr_lungs" / row["mask"]


def test_x_ray_gives_both_lungs_on_their_sides_with_areas_and_ratio(x_ray: tuple[Path, Path], tmp_path: Path) -> None:
    outcome = diaphane.run(x_ray[0], tmp_path / "case")
    assert (outcome.modality, outcome.exit_code) == ("chest X-ray", 0)
    labels, truth = read_png(tmp_path / f"case/segmentation/{x_ray[0].stem}.png"), read_png(x_ray[1])
    for value in (1, 2):
        assert dice(labels == value, truth == value) > 0.9
    left, right = outcome.regions
    assert (left.name, right.name) == ("left lung", "right lung")
    assert left.box[2][0] > right.box[2][0]  # the patient's left is on the picture's right
    assert left.value("area") == np.count_nonzero(labels == 1)
    assert left.value("area_ratio_to_opposite_side") == pytest.approx(left.value("area") / right.value("area"))
    text = (tmp_path / "case/report.html").read_text(encoding="utf-8")
    for words in ("left lung", "Right to left area ratio", "no model for this", "a projection has no volume"):
        assert words in text
    assert outcome.decision.findings == ()


def test_dermoscopy_gives_the_lesion_and_a_verdict(data: Path, tmp_path: Path) -> None:
    outcome = diaphane.run(data / "isic2017/images/ISIC_0000000.jpg", tmp_path / "case")
    truth = read_mask(data / "isic2017/masks/ISIC_0000000_segmentation.png").array[0] > 0
    labels = outcome.parts[0].labels
    assert labels is not None
    assert jaccard(labels.array[0] > 0, truth) > 0.7
    assert outcome.decision.findings[0].assessments[0].task == "melanoma"
    assert {n.why for n in outcome.not_assessed} >= {"no model for this"}


def test_face_photo_is_no_dermoscopy_but_a_face(data: Path, tmp_path: Path) -> None:
    outcome = diaphane.run(data / "faces/videos/single_face.jpg", tmp_path / "case")
    assert outcome.exit_code == 0
    assert len(outcome.sightings) == 1
    assert outcome.modality == "face photo"


def test_clip_without_a_face_gives_an_empty_result(data: Path, tmp_path: Path) -> None:
    outcome = diaphane.run(data / "faces/videos/no_face.mp4", tmp_path / "case")
    assert (outcome.exit_code, outcome.sightings, outcome.decision.findings) == (0, (), ())
    assert "No face was found" in (tmp_path / "case/report.html").read_text(encoding="utf-8")


def test_head_ct_gives_skin_bone_and_cavity(data: Path, tmp_path: Path) -> None:
    outcome = diaphane.run(data / "heads/cranium_ct/cranium_ct.nii.gz", tmp_path / "case")
    assert (outcome.modality, outcome.exit_code) == ("head CT", 0)
    volumes = {r.name: r.value("volume") for r in outcome.regions}
    assert 1400 < volumes["head cavity"] < 1600
    bone, _ = read_nifti(data / "heads/cranium_ct/cranium_bone_mask.nii.gz")
    labels = outcome.parts[0].labels
    assert labels is not None
    assert dice(labels.array == 2, bone > 0) > 0.8


def test_abdomen_needs_labels_and_with_them_gives_volumes_and_names(data: Path, tmp_path: Path) -> None:
    scan = data / "abdomen_ct/example_ct_sm.nii.gz"
    assert diaphane.run(scan, tmp_path / "refused").exit_code == 3
    outcome = diaphane.run(scan, tmp_path / "case", labels=data / "abdomen_ct/example_seg.nii.gz")
    assert outcome.exit_code == 0
    truth, geometry = read_nifti(data / "abdomen_ct/example_seg.nii.gz")
    liver = next(r for r in outcome.regions if r.name == "liver")
    assert liver.value("volume") == pytest.approx(np.count_nonzero(truth == liver.label) * abs(np.linalg.det(geometry.affine[:3, :3])) / 1000)
    assert {"gallbladder", "spleen"} <= {r.name for r in outcome.regions}
