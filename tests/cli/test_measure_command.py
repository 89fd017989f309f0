from __future__ import annotations

import csv
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from diaphane.cli.main import main
from diaphane.measure.configuration import Configuration


@pytest.fixture
def volume(tmp_path: Path, rng: np.random.Generator) -> tuple[Path, Path]:
    """A scan and a mask of two labels."""
    affine = np.diag([-1.0, -1, 2, 1])
    mask = np.zeros((14, 12, 8), np.uint8)
    mask[2:9, 2:9, 1:6], mask[10:13, 3:6, 2:5] = 1, 2
    for name, array in (("scan", rng.integers(-100, 200, mask.shape).astype(np.int16)), ("mask", mask)):
        image = nib.Nifti1Image(array, affine)
        image.header.set_xyzt_units("mm")
        nib.save(image, tmp_path / f"{name}.nii.gz")
    return tmp_path / "scan.nii.gz", tmp_path / "mask.nii.gz"


def rows(path: Path) -> list[dict[str, str]]:
    """Of a table."""
    with path.open() as file:
        return list(csv.DictReader(file))


def run(volume: tuple[Path, Path], *words: str) -> tuple[int, Path]:
    """Measure and give the exit code and the table."""
    out = volume[0].parent / "features.csv"
    return main(["measure", str(volume[0]), str(volume[1]), "--out", str(out), *words]), out


def test_volume_has_every_family_of_each_label(volume: tuple[Path, Path]) -> None:
    code, out = run(volume)
    assert code == 0
    table = rows(out)
    assert {r["region"] for r in table} == {"1", "2"}
    assert {r["family"] for r in table} == set(Configuration().families)
    assert {r["aggregation"] for r in table if r["family"] == "glcm"} == {"3D, averaged", "3D, merged"}
    assert {r["discretisation"] for r in table if r["family"] == "glszm"} == {"FBN 32, source grid"}


def test_flags_change_the_configuration_that_is_named(volume: tuple[Path, Path]) -> None:
    code, out = run(volume, "--config", "ibsi-c", "--dimension", "2.5d", "--bin-count", "16", "--resample-mm", "3")
    assert code == 0
    table = [r for r in rows(out) if r["family"] == "glcm"]
    assert {r["discretisation"] for r in table} == {"FBN 16, 3 mm in plane, -1000..400"}
    assert {r["aggregation"] for r in table} == {"2.5D, direction-merged", "2.5D, merged"}


def test_configuration_is_read_strictly_from_a_file(volume: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c.toml").write_text('families = ["glszm"]\nbin_width = 20\n')
    code, out = run(volume, "--config", str(tmp_path / "c.toml"))
    assert code == 0
    assert {r["discretisation"] for r in rows(out) if r["family"] == "glszm"} == {"FBS 20, source grid"}
    (tmp_path / "c.toml").write_text("bin_widht = 20\n")
    assert run(volume, "--config", str(tmp_path / "c.toml"))[0] == 2
    assert "did you mean 'bin_width'?" in capsys.readouterr().err
    assert run(volume, "--config", "ibsi-x")[0] == 2
    assert "neither a file nor one of digital-phantom, ibsi-a" in capsys.readouterr().err
    assert run(volume, "--bin-width", "5", "--bin-count", "5")[0] == 2


def test_names_of_pyradiomics_are_an_option(volume: tuple[Path, Path]) -> None:
    assert run(volume, "--names", "pyradiomics")[0] == 0
    assert "original_glcm_MCC" in {r["feature"] for r in rows(volume[0].parent / "features.csv")}


def test_mask_on_another_grid_is_refused_or_taken_by_the_nearest_when_asked(volume: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    mask = nib.Nifti1Image.from_filename(volume[1])
    array = np.kron(np.asarray(mask.dataobj), np.ones((2, 2, 1), np.uint8))
    affine = mask.affine @ np.array([[0.5, 0, 0, -0.25], [0, 0.5, 0, -0.25], [0, 0, 1, 0], [0, 0, 0, 1]])
    nib.save(nib.Nifti1Image(array, affine), volume[1])
    assert run(volume)[0] == 3
    assert "not on the grid of the image" in capsys.readouterr().err
    code, out = run(volume, "--resample-mask")
    assert code == 0
    assert [float(r["value"]) for r in rows(out) if r["feature"] == "volume_voxel_counting"] == [7 * 7 * 5 * 2, 3 * 3 * 3 * 2]


def test_label_that_vanishes_between_grids_is_named(volume: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    mask = nib.Nifti1Image.from_filename(volume[1])
    array = np.kron(np.asarray(mask.dataobj), np.ones((2, 2, 1), np.uint8))
    array[1, 1, 7] = 3  # between voxels of the image
    affine = mask.affine @ np.array([[0.5, 0, 0, -0.25], [0, 0.5, 0, -0.25], [0, 0, 1, 0], [0, 0, 0, 1]])
    moved = np.diag([1.0, 1, 1, 1])
    moved[:2, 3] = 0.1  # so that the nearest is never a matter of rounding
    nib.save(nib.Nifti1Image(array, affine @ moved), volume[1])
    code, out = run(volume, "--resample-mask")
    assert code == 0
    assert {r["label"] for r in rows(out)} == {"label 1", "label 2"}
    assert "too small for it, and not measured: label 3" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("--spacing-mm", "0.1"), ("--colour-constancy", "grey_world"), ("--long-side-px", "64")])
def test_flags_of_pictures_are_refused_for_volumes(volume: tuple[Path, Path], words: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(volume, *words)[0] == 2
    assert f"{words[0]}: for pictures alone" in capsys.readouterr().err


def test_volume_may_have_more_grey_levels_than_a_picture(volume: tuple[Path, Path]) -> None:
    code, out = run(volume, "--bin-count", "512")
    assert code == 0
    assert "FBN 512, source grid" in {r["discretisation"] for r in rows(out)}
