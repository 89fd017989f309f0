"""What a run says of inputs that are odd: a verdict in a report with its exit code, or one message."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import nibabel as nib
import numpy as np
import pytest
from tests.acquire.dicom_phantoms import SECRET, scout, stack, write

from diaphane.acquire import Options
from diaphane.core.outcome import Outcome
from diaphane.core.provenance import sha256_of
from diaphane.errors import InputError, RefusedError, UsageError
from diaphane.ops.nifti import read_nifti, write_nifti
from diaphane.ops.picture import write_png
from diaphane.pipeline import run
from diaphane.plan import Plan
from diaphane.simulate.head import head_phantom
from diaphane.simulate.portrait import portrait, write_clip


def reasons(outcome: Outcome, verdict: str) -> str:
    return " | ".join(v.reason for v in outcome.verdicts if v.verdict == verdict)


def gap(folder: Path) -> Path:
    made = stack((8, 32, 32))
    return write(folder, made.datasets[:4] + made.datasets[5:])


def two_series(folder: Path) -> Path:
    return write(folder, stack((6, 32, 32)).datasets, stack((7, 32, 32), seed=1).datasets)


def no_affine(folder: Path) -> Path:
    folder.mkdir()
    image = nib.Nifti1Image(np.zeros((8, 9, 10), np.int16), None)
    image.header.set_sform(None, 0)
    image.header.set_qform(None, 0)
    nib.save(image, folder / "scan.nii.gz")
    return folder / "scan.nii.gz"


def one_slice(folder: Path) -> Path:
    return write(folder, stack((1, 32, 32)).datasets)


@pytest.mark.parametrize(
    ("make", "says"), [(gap, "missing"), (two_series, "2 images were found"), (no_affine, "orientation"), (one_slice, "one slice of a scan")]
)
def test_odd_scan_is_refused_with_a_report_that_says_why(make: Callable[[Path], Path], says: str, tmp_path: Path) -> None:
    outcome = run(make(tmp_path / "in"), tmp_path / "case")
    assert outcome.exit_code == 3
    assert says in reasons(outcome, "refused")
    text = (tmp_path / "case/report.html").read_text()
    assert "The input was refused" in text
    assert says in text
    assert json.loads((tmp_path / "case/case.json").read_text())["exit_code"] == 3
    assert (tmp_path / "case/fhir.json").exists()
    assert not (tmp_path / "case/seg.dcm").exists()


def test_gap_can_be_read_on_request_and_is_doubted(tmp_path: Path) -> None:
    outcome = run(gap(tmp_path / "in"), tmp_path / "case", Plan(acquire=Options(allow_gaps=True)))
    assert outcome.parts[0].image.shape[0] == 8
    assert "interpolated" in reasons(outcome, "doubted")


def test_scout_among_the_slices_is_set_aside_and_said(tmp_path: Path) -> None:
    made = stack((6, 32, 32))
    outcome = run(write(tmp_path / "in", made.datasets, [scout(made)]), tmp_path / "case")
    assert outcome.parts[0].image.shape[0] == 6
    assert "set aside" in reasons(outcome, "passed")


def test_tilted_gantry_keeps_its_shear_and_is_named(tmp_path: Path) -> None:
    made = stack((6, 32, 32), tilt_mm=0.5)
    outcome = run(write(tmp_path / "in", made.datasets), tmp_path / "case")
    assert np.allclose(outcome.parts[0].image.geometry.affine, made.affine, atol=1e-6)
    assert "tilt" in reasons(outcome, "passed")


def test_name_of_the_patient_is_nowhere_but_in_seg_dcm(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = write(tmp_path / "in", stack((6, 32, 32)).datasets)
    labels = np.zeros((6, 32, 32), np.uint8)
    labels[2:4, 8:20, 8:20] = 1
    geometry = run(source, tmp_path / "look").parts[0].image.geometry
    write_nifti(tmp_path / "labels.nii.gz", labels, geometry)
    with caplog.at_level("INFO"):
        outcome = run(source, tmp_path / "case", labels=tmp_path / "labels.nii.gz")
    assert outcome.exit_code == 0
    assert (outcome.context.age_years, outcome.context.sex) == (54, "female")
    holding = [p.name for p in (tmp_path / "case").rglob("*") if p.is_file() and SECRET.partition("^")[0].encode() in p.read_bytes()]
    assert holding == ["seg.dcm"]
    assert "Mustermann" not in caplog.text


def test_clip_that_breaks_off_is_doubted_and_says_how_far_it_goes(tmp_path: Path) -> None:
    picture = portrait(np.random.default_rng(2))[0]
    writer = cv2.VideoWriter(str(tmp_path / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (256, 256))
    for _ in range(12):
        writer.write(np.ascontiguousarray(picture[10:266, 35:291, ::-1]))
    writer.release()
    whole = (tmp_path / "clip.avi").read_bytes()
    (tmp_path / "broken.avi").write_bytes(whole[: len(whole) // 2])
    outcome = run(tmp_path / "broken.avi", tmp_path / "case")
    assert outcome.exit_code == 4
    assert "breaks off" in reasons(outcome, "doubted")
    assert len(outcome.sightings) == len({s.frame for s in outcome.sightings}) > 0


def test_clip_without_a_face_is_an_empty_result(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", np.full((320, 320, 3), 120, np.uint8), 5)
    outcome = run(tmp_path / "clip.mp4", tmp_path / "case")
    assert (outcome.exit_code, outcome.sightings, outcome.decision.findings) == (0, (), ())
    assert (tmp_path / "case/tracks.jsonl").read_text() == ""
    assert "No face was found" in (tmp_path / "case/report.html").read_text()


def test_things_that_do_not_go_together_are_named(tmp_path: Path) -> None:
    phantom = head_phantom(np.random.default_rng(1), 6.0)
    write_nifti(tmp_path / "head.nii.gz", phantom.image.array, phantom.image.geometry)
    write_nifti(tmp_path / "labels.nii.gz", phantom.cavity[1:].astype(np.uint8), phantom.image.geometry)
    write_clip(tmp_path / "clip.mp4", portrait(np.random.default_rng(1))[0], 3)
    with pytest.raises(UsageError, match="the input is a clip itself"):
        run(tmp_path / "clip.mp4", tmp_path / "a", face=tmp_path / "clip.mp4")
    with pytest.raises(UsageError, match="the input is a clip: leave --labels out"):
        run(tmp_path / "clip.mp4", tmp_path / "b", labels=tmp_path / "labels.nii.gz")
    with pytest.raises(UsageError, match="--face must be a photo or a clip, got a volume"):
        run(tmp_path / "head.nii.gz", tmp_path / "c", face=tmp_path / "head.nii.gz")
    with pytest.raises(RefusedError, match="not on the grid"):
        run(tmp_path / "head.nii.gz", tmp_path / "d", labels=tmp_path / "labels.nii.gz")
    with pytest.raises(InputError, match="no such file"):
        run(tmp_path / "head.nii.gz", tmp_path / "e", face=tmp_path / "nobody.mp4")
    assert not any((tmp_path / name).exists() for name in "abce")


def test_changed_face_runs_tracking_again_and_keeps_the_image(tmp_path: Path, rng: np.random.Generator) -> None:
    phantom = head_phantom(rng, 6.0)
    write_nifti(tmp_path / "head.nii.gz", phantom.image.array, phantom.image.geometry)
    write_png(tmp_path / "photo.png", portrait(rng)[0])
    write_png(tmp_path / "nobody.png", np.full((64, 64, 3), 90, np.uint8))
    first = run(tmp_path / "head.nii.gz", tmp_path / "case", face=tmp_path / "photo.png")
    second = run(tmp_path / "head.nii.gz", tmp_path / "case", face=tmp_path / "nobody.png")
    third = run(tmp_path / "head.nii.gz", tmp_path / "case")
    assert (len(first.sightings), len(second.sightings), third.video) == (1, 0, None)
    assert not (tmp_path / "case/tracks.jsonl").exists()
    assert not (tmp_path / "case/images/photo.png").exists()


@pytest.fixture
def head(tmp_path: Path, rng: np.random.Generator) -> tuple[Path, np.ndarray]:
    """A coarse head as a file, and a label map of two structures on its grid: 1 on the patient's left, 2 on the right."""
    phantom = head_phantom(rng, 6.0)
    write_nifti(tmp_path / "x.nii.gz", phantom.image.array, phantom.image.geometry)
    labels = phantom.cavity.astype(np.uint8)
    labels[:, :, : labels.shape[2] // 2] *= 2
    (tmp_path / "labels").mkdir()
    write_nifti(tmp_path / "labels/x.nii.gz", labels, phantom.image.geometry)
    return tmp_path / "x.nii.gz", labels


def test_inputs_of_one_name_are_both_in_the_manifest(head: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    outcome = run(head[0], tmp_path / "case", labels=tmp_path / "labels/x.nii.gz")
    assert outcome.provenance.inputs == {"x": sha256_of(head[0]), "x (labels)": sha256_of(tmp_path / "labels/x.nii.gz")}


def test_changed_names_of_labels_are_read_again_and_sides_are_checked(head: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    names = tmp_path / "labels/x.txt"
    names.write_text("1 left half\n2 right half\n")
    right = run(head[0], tmp_path / "case", labels=tmp_path / "labels/x.nii.gz")
    names.write_text("1 right half\n2 left half\n")
    wrong = run(head[0], tmp_path / "case", labels=tmp_path / "labels/x.nii.gz")
    assert ([r.name for r in right.regions], right.exit_code) == (["left half", "right half"], 0)
    assert ([r.name for r in wrong.regions], wrong.exit_code) == (["right half", "left half"], 4)
    assert "left half: lies on the patient's right" in reasons(wrong, "doubted")


def test_lesion_that_a_person_outlined_stands_without_a_probability(head: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    (tmp_path / "labels/x.json").write_text('{"1": "left half", "2": "brain tumour"}')
    outcome = run(head[0], tmp_path / "case", labels=tmp_path / "labels/x.nii.gz")
    (finding,) = outcome.decision.findings
    assert (finding.label, finding.probability, finding.evidence["segmentation"]) == ("brain tumour", None, None)
    assert finding.centroid_mm is not None
    assert finding.centroid_mm[0] < 0  # LPS: the patient's right
    assert {name.partition("_")[0] for name in finding.measurements} >= {"volume"}
    assert not any("voxel_counting" in name for name in finding.measurements)
    assert "Outlined by a person" in (tmp_path / "case/report.html").read_text()
    json.loads((tmp_path / "case/fhir.json").read_text())


def test_empty_labels_are_said_to_be_empty(head: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    write_nifti(tmp_path / "none.nii.gz", np.zeros_like(head[1]), read_nifti(head[0])[1])
    outcome = run(head[0], tmp_path / "case", labels=tmp_path / "none.nii.gz")
    assert outcome.regions == ()
    assert "The labels that were given are empty" in (tmp_path / "case/report.html").read_text()


def test_wrong_places_and_sources_are_named(head: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be the face: 2 images were found"):
        run(head[0], tmp_path / "a", face=two_series(tmp_path / "two"))
    with pytest.raises(UsageError, match="lies in the input"):
        run(tmp_path / "two", tmp_path / "two" / "case")
    run(head[0], tmp_path / "case")
    with pytest.raises(UsageError, match="is the folder of a case"):
        run(tmp_path / "case", tmp_path / "b")
    assert not (tmp_path / "two/case").exists()


def test_option_that_has_no_meaning_for_the_source_is_said_to_be_unused(head: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    outcome = run(head[0], tmp_path / "case", Plan(acquire=Options(spacing_mm=2.0)))
    assert "--spacing-mm was not used" in reasons(outcome, "passed")


def test_scan_that_does_not_say_what_it_is_is_said_to_be_taken_for_mr(head: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    array, geometry = read_nifti(head[0])
    write_nifti(tmp_path / "offset.nii.gz", (array + 1024).astype(np.uint16), geometry)
    outcome = run(tmp_path / "offset.nii.gz", tmp_path / "case")
    assert "taken for MR" in (tmp_path / "case/report.html").read_text()
    assert outcome.modality in ("", "head scan, taken for MR")
