"""``diaphane segment`` and ``diaphane run`` with a bundle for volumes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.networks import threshold_network, volume_recipe, write_made_bundle

from diaphane.cli.main import main
from diaphane.core.geometry import Geometry
from diaphane.ops.nifti import read_nifti, write_nifti
from diaphane.ops.picture import read_png, write_png

LYING = Geometry(np.array([[0.0, -2, 0, 30], [0, 0, 1.5, -7], [-3, 0, 0, 50], [0, 0, 0, 1]]), calibrated=True)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_made_bundle(tmp_path / "made", volume_recipe((8, 8, 8), (3, 1.5, 2)), [threshold_network((1, 8, 8, 8), [level]) for level in (40, 60)])


@pytest.fixture
def scan(tmp_path: Path, rng: np.random.Generator) -> Path:
    """A box of 80 to 100 in what is below 20."""
    array = rng.integers(0, 20, (10, 16, 14)).astype(np.int16)
    array[3:7, 5:12, 4:9] += 80
    write_nifti(tmp_path / "scan.nii.gz", array, LYING)
    return tmp_path / "scan.nii.gz"


def test_volume_gives_label_map_probability_and_slices_on_its_own_grid(bundle: Path, scan: Path, tmp_path: Path) -> None:
    assert main(["segment", str(scan), "--bundle", str(bundle), "--out", str(tmp_path / "out"), "--overlay", "--probabilities"]) == 0
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "scan.nii.gz", "scan_disagreement.nii.gz", "scan_overlay.png", "scan_probability.nii.gz", "scan_uncertainty.nii.gz"
    ]  # fmt: skip
    array, geometry = read_nifti(tmp_path / "out/scan.nii.gz")
    assert array.dtype == np.uint8
    assert np.array_equal(array, read_nifti(scan)[0] >= 50)
    assert np.allclose(geometry.affine, LYING.affine)
    assert np.array_equal(read_nifti(tmp_path / "out/scan_probability.nii.gz")[0] >= 0.5, array > 0)
    assert read_png(tmp_path / "out/scan_overlay.png").shape[1] == 1600


def test_kinds_that_do_not_fit_are_refused_and_no_input_is_overwritten(bundle: Path, scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_png(tmp_path / "photo.png", np.zeros((64, 64, 3), np.uint8))
    for source, name, code, says in (
        (tmp_path / "photo.png", str(bundle), 3, "a picture; the bundle 'made' takes volumes"),
        (scan, "skin_lesion", 3, "a volume; the bundle 'skin_lesion' takes pictures"),
    ):
        assert main(["segment", str(source), "--bundle", name, "--out", str(tmp_path / "out")]) == code
        assert says in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert main(["segment", str(scan), "--bundle", str(bundle), "--out", str(tmp_path)]) == 2
    assert "would be overwritten" in capsys.readouterr().err


def test_case_of_a_volume_by_the_bundle_of_a_plan_has_measures_and_a_report(bundle: Path, scan: Path, tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(f'[segment]\nbundle = "{bundle}"\n')
    case = tmp_path / "case"
    assert main(["run", str(scan), "--plan", str(tmp_path / "plan.toml"), "--out", str(case)]) == 0
    manifest = json.loads((case / "case.json").read_text())
    assert list(manifest["weights"]) == ["made"]
    assert [v["reason"] for v in manifest["verdicts"]] == ["the bundle has no fingerprint: whether the image is of its kind was not checked"]
    volume_ml = (read_nifti(scan)[0] >= 50).sum() * 2 * 1.5 * 3 / 1000
    rows = [line.split(",") for line in (case / "features.csv").read_text().splitlines()]
    (row,) = [r for r in rows if r[4] == "volume"]
    assert float(row[8]) == pytest.approx(volume_ml)
    assert row[9] == "mL"
    assert {"report.html", "overlay.png", "scene.glb", "seg.dcm", "fhir.json"} <= {p.name for p in case.iterdir()}
