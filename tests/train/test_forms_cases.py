"""Corrected labels in case folders as a data set."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import diaphane
from diaphane.core.geometry import Geometry
from diaphane.errors import InputError
from diaphane.ops.nifti import read_nifti, write_nifti
from diaphane.ops.picture import read_png, write_png
from diaphane.plan import Plan
from diaphane.report import Options as ReportOptions
from diaphane.train.check import check
from diaphane.train.forms_cases import holds_cases, read_cases

QUICK = Plan(report=ReportOptions(segmentation_object=False, derived_series=False, fhir=False))


def run_case(folder: Path, name: str, mask: np.ndarray, names: str) -> Path:
    """The case NAME below ``folder``/cases, of a made picture with ``mask`` as its labels."""
    grey = np.random.default_rng(ord(name)).integers(0, 255, (*mask.shape, 3), np.uint8)
    write_png(folder / f"{name}.png", grey)
    write_png(folder / f"{name}-edited.png", mask)
    (folder / f"{name}-edited.png.txt").write_text(names)
    diaphane.run(folder / f"{name}.png", folder / "cases" / name, QUICK, labels=folder / f"{name}-edited.png")
    return folder / "cases" / name


def with_box(value: int) -> np.ndarray:
    mask = np.zeros((24, 32), np.uint8)
    mask[4:9, 5:12] = value
    return mask


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the cases ``a`` (value 1, mole) and ``b`` (value 3, freckle), and their sources beside it."""
    folder = tmp_path_factory.mktemp("corrected")
    for name, value in (("a", 1), ("b", 3)):
        run_case(folder, name, with_box(value), "1 mole\n3 freckle\n")
    return folder / "cases"


def test_each_case_is_an_item_with_its_image_and_the_given_labels(cases: Path) -> None:
    assert holds_cases(cases)
    found = read_cases(cases)
    assert (found.form, found.task, found.modality, found.patients_known) == ("cases", "segment", "picture", False)
    assert [(item.name, item.patient) for item in found.items] == [("a", "a"), ("b", "b")]
    assert [(label.value, label.name, label.role) for label in found.labels] == [(1, "mole", "anatomy"), (2, "freckle", "anatomy")]
    assert found.values == {1: 1, 3: 2}
    assert found.faults == ()
    for item in found.items:
        assert item.mask is not None
        assert (read_png(item.mask) == with_box({"a": 1, "b": 3}[item.name])).all()
        assert (read_png(item.image) == read_png(cases.parent / f"{item.name}.png")).all()


def test_volume_with_corrected_labels_is_an_item(tmp_path: Path) -> None:
    place = Geometry(np.diag([1.0, 2.0, 3.0, 1.0]), calibrated=True)
    mask = np.zeros((6, 12, 14), np.uint8)
    mask[2:4, 3:8, 4:9] = 1
    write_nifti(tmp_path / "scan.nii.gz", np.arange(mask.size, dtype=np.int16).reshape(mask.shape), place)
    write_nifti(tmp_path / "edited.nii.gz", mask, place)
    diaphane.run(tmp_path / "scan.nii.gz", tmp_path / "cases" / "p1", QUICK, labels=tmp_path / "edited.nii.gz")
    (item,) = read_cases(tmp_path / "cases").items
    assert item.mask is not None
    assert (read_nifti(item.mask)[0] == mask).all()
    assert (read_nifti(item.image)[0].ravel() == np.arange(mask.size)).all()


def test_labels_of_a_model_and_altered_unfinished_or_damaged_cases_are_left_out_and_named(cases: Path, tmp_path: Path) -> None:
    good, painted, broken, killed, model = (Path(shutil.copytree(cases / "a", tmp_path / n)) for n in ("good", "painted", "broken", "killed", "model"))
    write_png(painted / "segmentation" / "a.png", with_box(3))
    (broken / "case.json").write_text("{")
    document = json.loads((good / "case.json").read_text())
    (killed / "case.json").write_text(json.dumps(document | {"complete": False}))
    document["stages"]["segment"]["result"]["parts"][0]["source"] = "skin_lesion"
    (model / "case.json").write_text(json.dumps(document))
    found = read_cases(tmp_path)
    assert [item.name for item in found.items] == ["good"]
    told = {fault.item: fault.what for fault in found.faults}
    assert all(fault.left_out for fault in found.faults)
    assert told.keys() == {"broken", "killed", "model", "painted"}
    assert "not a case manifest" in told["broken"]
    assert "not finished" in told["killed"]
    assert "made by skin_lesion, not given by a person" in told["model"]
    assert "not as the run left it" in told["painted"]


def test_check_finds_the_labels_and_two_cases_of_one_picture(cases: Path, tmp_path: Path) -> None:
    for name, source in (("first", "a"), ("again", "a"), ("other", "b")):
        shutil.copytree(cases / source, tmp_path / name)
    found = check(read_cases(tmp_path))
    assert {name: facts.voxels for name, facts in found.facts.items()} == {"first": {1: 35}, "again": {1: 35}, "other": {2: 35}}
    assert [set(pair) for pair in found.dataset.duplicates] == [{"first", "again"}]


def test_one_value_with_two_names_is_refused(cases: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        shutil.copytree(cases / "a", tmp_path / name)
    manifest = tmp_path / "b" / "case.json"
    manifest.write_text(manifest.read_text().replace('"mole"', '"scar"'))
    with pytest.raises(InputError, match="the value 1 is 'mole' in a and 'scar' in b"):
        read_cases(tmp_path)


def test_folder_without_a_corrected_case_is_refused(tmp_path: Path) -> None:
    assert not holds_cases(tmp_path)
    with pytest.raises(InputError, match="no case with labels that a person gave, nor a folder with case.json"):
        read_cases(tmp_path)
