"""``diaphane evaluate``: its document, its exit codes, and what it says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from diaphane.cli.main import main
from diaphane.core.geometry import Geometry
from diaphane.ops.nifti import write_nifti
from diaphane.ops.picture import read_png, write_png

AFFINE = np.array([[0, 0, 0.5, 3], [0, 0.5, 0, 2], [2.0, 0, 0, 1], [0, 0, 0, 1]])


def masks(folder: Path, shift: int, names: str = "{}.png", value: int = 1, count: int = 8) -> Path:
    for n in range(count):
        array = np.zeros((40, 50), np.uint8)
        array[5:20, 10 + shift : 30 - n] = value
        write_png(folder / names.format(f"case_{n}"), array)
    return folder


def volumes(folder: Path, shift: int) -> Path:
    for n in range(3):
        array = np.zeros((6, 20, 24), np.uint8)
        array[2:4, 5:15, 5 + shift : 15] = 1
        array[2:4, 5:15, 15:20] = 2
        write_nifti(folder / f"v{n}.nii.gz", array, Geometry(AFFINE, calibrated=True))
    return folder


def test_pictures_two_results_compared_and_worst_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reference = masks(tmp_path / "masks", 0, "{}_segmentation.png", 255)
    good, poor = masks(tmp_path / "good", 1), masks(tmp_path / "poor", 4)
    (tmp_path / "patients.csv").write_text("image,patient\n" + "".join(f"images/case_{n}.jpg,p{n // 2}\n" for n in range(8)))
    for n in range(8):
        write_png(tmp_path / "images" / f"case_{n}.png", np.full((40, 50, 3), 150, np.uint8))
    out = tmp_path / "out/metrics.json"
    words = [reference, good, poor, "--out", out, "--patients", tmp_path / "patients.csv", "--worst", 2, "--images", tmp_path / "images", "--json"]
    assert main(["evaluate", *map(str, words)]) == 0
    said = capsys.readouterr()
    document, printed = json.loads(out.read_text()), json.loads(said.out)
    assert document["summary"] == printed["summary"]["good"]
    assert document["predicted"] == "good"
    assert [other["predicted"] for other in document["others"]] == ["poor"]
    (pair,) = document["comparison"]["pairs"]
    assert (pair["first"], pair["second"], pair["cases"]) == ("good", "poor", 8)
    assert pair["p"] < 0.01
    assert 0 < pair["ci95"][0] < pair["difference"] < pair["ci95"][1]
    assert "good better than poor by" in said.err
    assert "its value 1 and the reference's 255 are taken for the same structure" in said.err
    assert document["cases"][0].keys() == {"case", "label", "dice", "jaccard", "hd95_mm", "nsd_1mm", "hd95_px", "nsd_1px"}
    assert (document["cases"][0]["hd95_mm"], document["cases"][0]["hd95_px"]) == (None, 1.0)
    drawn = sorted(str(p.relative_to(out.parent)) for p in out.parent.rglob("*.png"))
    assert drawn == ["worst/1_good/01_case_7.png", "worst/1_good/02_case_6.png", "worst/2_poor/01_case_7.png", "worst/2_poor/02_case_6.png"]
    assert (read_png(out.parent / drawn[0]) == 150).all(axis=-1).any()


def test_volumes_are_measured_in_mm_with_the_names_of_their_data_set(tmp_path: Path) -> None:
    reference, predicted = volumes(tmp_path / "labelsTr", 0), volumes(tmp_path / "found", 2)
    (tmp_path / "dataset.json").write_text('{"labels": {"0": "background", "1": "liver", "2": "spleen"}}')
    assert main(["evaluate", str(reference), str(predicted), "--out", str(tmp_path / "m.json"), "--worst", "1"]) == 0
    document = json.loads((tmp_path / "m.json").read_text())
    liver, spleen = document["summary"]["liver"], document["summary"]["spleen"]
    assert liver["hd95_mm"]["mean"] == 1.0
    assert liver["dice"]["mean"] == pytest.approx(16 / 18)
    assert spleen["nsd_1mm"] == {"mean": 1.0, "ci95": [1.0, 1.0], "count": 3}
    assert liver["hd95_px"] == {"mean": None, "ci95": [None, None], "count": 0}
    assert (tmp_path / "worst/01_v0.png").is_file()


def test_missing_and_misplaced_maps_are_named_and_the_rest_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reference, predicted = volumes(tmp_path / "a", 0), volumes(tmp_path / "b", 0)
    (predicted / "v0.nii.gz").unlink()
    moved = AFFINE.copy()
    moved[0, 3] += 1
    write_nifti(predicted / "v1.nii.gz", np.ones((6, 20, 24), np.uint8), Geometry(moved, calibrated=True))
    assert main(["evaluate", str(reference), str(predicted), "--out", str(tmp_path / "m.json")]) == 1
    document, said = json.loads((tmp_path / "m.json").read_text()), capsys.readouterr()
    assert [c["case"] for c in document["cases"]] == ["v2", "v2"]
    assert "no label map of v0" in document["left_out"]["v0"]
    assert "not on the grid" in document["left_out"]["v1"]
    assert "b: v0 left out" in said.err
    assert said.out == ""


def test_mask_of_another_size_and_folders_without_a_match_are_unreadable_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reference = masks(tmp_path / "a", 0, count=1)
    write_png(tmp_path / "b/case_0.png", np.ones((4, 5), np.uint8))
    assert main(["evaluate", str(reference), str(tmp_path / "b"), "--out", str(tmp_path / "m.json")]) == 2
    assert main(["evaluate", str(reference), str(tmp_path / "none"), "--out", str(tmp_path / "m.json")]) == 2
    said = capsys.readouterr().err
    assert "both must have one size" in said
    assert "no such folder" in said
    assert not (tmp_path / "m.json").exists()


def test_wrong_use_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reference = masks(tmp_path / "a", 0, count=1)
    for words, says in (
        (["--images", "x"], "--worst must be"),
        (["--worst", "1", "--images", "nowhere"], "no such folder"),
        (["--worst", "-1"], "--worst must be"),
        (["--spacing-mm", "0"], "--spacing-mm must lie"),
        ([], "is given twice"),
    ):
        assert main(["evaluate", str(reference), str(reference), str(reference), "--out", str(tmp_path / "m.json"), *words]) == 2
        assert says in capsys.readouterr().err


def test_no_input_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reference, predicted = masks(tmp_path / "a", 0, count=2), masks(tmp_path / "worst", 1, count=2)
    (tmp_path / "dataset.json").write_text('{"labels": {"0": "background", "1": "disc"}}')
    (tmp_path / "patients.json").write_text("case,patient\ncase_0,p\ncase_1,q\n")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for words, says in (
        (["--out", str(predicted / "case_0.png")], "must end in .json"),
        (["--out", str(tmp_path / "dataset.json")], "is an input"),
        (["--out", str(tmp_path / "patients.json"), "--patients", str(tmp_path / "patients.json")], "is an input"),
        (["--out", str(tmp_path / "m.json"), "--worst", "1"], "the worst cases are drawn into"),
        (["--out", str(predicted / "m.json"), "--worst", "1"], "lies among the label maps"),
    ):
        assert main(["evaluate", str(reference), str(predicted), *words]) == 2
        assert says in capsys.readouterr().err
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    for _ in range(2):  # its own earlier document it may replace
        assert main(["evaluate", str(reference), str(predicted), "--out", str(predicted / "m.json")]) == 0


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("case,patient\ncase_0,M\u00fcller\ncase_1,q\n".encode("cp1252"), "save it as CSV, UTF-8"),
        (b"case,patient\n", "no line below the header"),
        (b"case,patient\ncase_0,p\ncase_1,\n", "1 cases are not listed with a patient, case_1 for one"),
        (b"case,name\ncase_0,p\n", "expected the columns patient and one of"),
    ],
)
def test_list_of_patients_that_cannot_be_used_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str], table: bytes, says: str) -> None:
    reference, predicted = masks(tmp_path / "a", 0, count=2), masks(tmp_path / "b", 1, count=2)
    (tmp_path / "p.csv").write_bytes(table)
    assert main(["evaluate", str(reference), str(predicted), "--out", str(tmp_path / "m.json"), "--patients", str(tmp_path / "p.csv")]) == 2
    assert says in capsys.readouterr().err


def test_scale_of_pictures_may_be_given(tmp_path: Path) -> None:
    reference, predicted = masks(tmp_path / "a", 0), masks(tmp_path / "b", 4)
    assert main(["evaluate", str(reference), str(predicted), "--out", str(tmp_path / "m.json"), "--spacing-mm", "0.25"]) == 0
    assert json.loads((tmp_path / "m.json").read_text())["cases"][0]["hd95_mm"] == 1.0


def test_evaluate_runs_on_the_base_install(tmp_path: Path) -> None:
    reference, predicted = masks(tmp_path / "a", 0), masks(tmp_path / "b", 4)
    heavy = "('torch', 'sklearn', 'matplotlib', 'tomli_w', 'safetensors', 'onnx')"
    code = (
        f"import sys\nfor name in {heavy}: sys.modules[name] = None\nfrom diaphane.cli.main import main\n"
        f"sys.exit(main(['evaluate', {str(reference)!r}, {str(predicted)!r}, '--out', {str(tmp_path / 'm.json')!r}, '--worst', '1']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "worst/01_case_7.png").is_file()


@pytest.mark.data
def test_hippocampi_against_themselves_agree(data: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for path in sorted((data / "msd_hippocampus/labelsTr").glob("*.nii.gz"))[:2]:
            (tmp_path / name / path.name).symlink_to(path)
    assert main(["evaluate", str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(tmp_path / "m.json")]) == 0
    assert all((c["dice"], c["hd95_mm"], c["nsd_1mm"]) == (1, 0, 1) for c in json.loads((tmp_path / "m.json").read_text())["cases"])
