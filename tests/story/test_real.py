"""The same story on real pictures, where they are at hand."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

import diaphane
from diaphane.acquire.picture import read_mask
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
    assert outcome.labels is not None
    assert jaccard(outcome.labels.array[0] > 0, truth) > 0.7
    assert outcome.decision.findings[0].assessments[0].task == "melanoma"
    assert {n.why for n in outcome.not_assessed} >= {"no model for this"}


def test_face_photo_is_refused(data: Path, tmp_path: Path) -> None:
    outcome = diaphane.run(next(iter(sorted((data / "faces/videos").glob("*ph.jpg")))), tmp_path / "case")
    assert outcome.exit_code == 3
    assert outcome.labels is None
