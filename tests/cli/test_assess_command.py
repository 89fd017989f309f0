"""``diaphane assess``: what it gives, and one message with the right exit code for every bad input."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.classifiers import COLOURS, colour_bundle
from tests.networks import spots_bundle, zoo_with

from diaphane.acquire.picture import read_picture
from diaphane.assess import judged
from diaphane.cli.main import main
from diaphane.core.arrays import BoolArray
from diaphane.core.geometry import Geometry
from diaphane.engine.bundle import RECIPE, open_bundle
from diaphane.ops.nifti import write_nifti
from diaphane.ops.picture import write_png
from diaphane.prepare import prepare
from diaphane.train.export import write_bundle

NARROW = json.dumps({"mean": [1e3] * 45, "precision": np.eye(45).tolist(), "limit": 1e-3, "basis": "none"}).encode()
"""A fingerprint that no picture is like."""


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for n, name in enumerate(COLOURS):
        write_png(folder / f"{name}.png", np.full((24, 20, 3), 230 * np.eye(3)[n], np.uint8))
    return folder


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return colour_bundle(tmp_path / "colours")


def document(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, dict[str, Any]]:
    code = main(["assess", *map(str, words), "--json"])
    return code, json.loads(capsys.readouterr().out)


def message(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    code = main(["assess", *map(str, words)])
    told = capsys.readouterr()
    assert told.out == ""
    return code, told.err


def test_a_folder_of_pictures_gives_the_class_of_each(pictures: Path, bundle: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, told = document(capsys, pictures, "--bundle", bundle, "--out", tmp_path / "classes.csv")
    assert code == 0
    assert told["bundle"] == "colours"
    assert told["weights_sha256"] == open_bundle(bundle).weights_sha256
    assert [(r["image"], r["class"], r["verdict"]) for r in told["results"]] == [(c, c, "passed") for c in sorted(COLOURS)]
    for result in told["results"]:
        assert result["probabilities"].keys() == set(COLOURS)
        assert sum(result["probabilities"].values()) == pytest.approx(1)
        assert result["probability"] == max(result["probabilities"].values())
        assert result["interval95"] == [None, None]
    rows = list(csv.DictReader(StringIO((tmp_path / "classes.csv").read_text())))
    assert [row["class"] for row in rows] == [r["class"] for r in told["results"]]
    assert [float(row["p(red)"]) for row in rows] == [r["probabilities"]["red"] for r in told["results"]]


def test_below_the_threshold_a_picture_has_no_class_and_the_code_is_4(pictures: Path, bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_png(pictures / "grey.png", np.full((9, 9), 128, np.uint8))
    code, told = document(capsys, pictures, "--bundle", bundle, "--threshold", 0.9)
    assert code == 4
    by_name = {r["image"]: r for r in told["results"]}
    assert (by_name["grey"]["class"], by_name["grey"]["verdict"]) == (None, "doubted")
    assert by_name["grey"]["probability"] == pytest.approx(1 / 3)
    assert "below the threshold of 0.9" in by_name["grey"]["reason"]
    assert by_name["red"]["class"] == "red"


def test_caution_of_a_bundle_stands_beside_every_answer(pictures: Path, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known = open_bundle(bundle)
    files = {name: data for name, data in known.files.items() if name != RECIPE}
    write_bundle(tmp_path / "careful", replace(known.recipe, caution="It goes by the light"), files)
    assert main(["assess", str(pictures), "--bundle", str(tmp_path / "careful"), "--json", "--out", str(tmp_path / "classes.csv")]) == 0
    told = capsys.readouterr()
    assert {r["caution"] for r in json.loads(told.out)["results"]} == {"It goes by the light"}
    assert "colours: It goes by the light" in told.err
    assert {row["caution"] for row in csv.DictReader(StringIO((tmp_path / "classes.csv").read_text()))} == {"It goes by the light"}


def test_picture_unlike_those_of_the_training_is_refused(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gated = colour_bundle(tmp_path / "gated", fingerprint_json=NARROW)
    code, told = document(capsys, pictures / "red.png", "--bundle", gated)
    assert code == 3
    (result,) = told["results"]
    assert (result["class"], result["probability"], result["verdict"]) == (None, None, "refused")
    assert "does not look like colour" in result["reason"]


def test_volume_is_refused_and_the_rest_of_the_batch_is_judged(pictures: Path, bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_nifti(pictures / "scan.nii.gz", np.zeros((4, 5, 6), np.int16), Geometry(np.eye(4)))
    code, told = document(capsys, pictures, "--bundle", bundle)
    assert code == 3
    assert {r["image"]: r["verdict"] for r in told["results"]} == {"blue": "passed", "green": "passed", "red": "passed", "scan": "refused"}


def test_unreadable_file_of_several_gives_1_and_alone_2(pictures: Path, bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (pictures / "half.png").write_bytes((pictures / "red.png").read_bytes()[:60])
    code, told = document(capsys, pictures, "--bundle", bundle)
    assert (code, len(told["results"])) == (1, 3)
    code, said = message(capsys, pictures / "half.png", "--bundle", bundle)
    assert code == 2
    assert said.startswith("diaphane assess: ")
    assert "damaged" in said


def test_table_of_features_is_judged_by_the_shipped_melanoma_model(made: tuple[Path, BoolArray], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_png(tmp_path / "mask.png", made[1].astype(np.uint8) * 255)
    assert main(["measure", str(made[0]), str(tmp_path / "mask.png"), "--out", str(tmp_path / "features.csv")]) == 0
    code, told = document(capsys, tmp_path / "features.csv", "--bundle", "melanoma")
    assert code == 0
    (result,) = told["results"]
    assert (result["image"], result["region"]) == ("lesion", 1)
    assert result["probabilities"] == {"melanoma": result["probability"]}
    assert (result["class"] == "melanoma") == (result["probability"] >= 0.5)
    assert result["interval95"][0] < result["probability"] < result["interval95"][1]
    assert len(result["contributions"]) > 3


@pytest.mark.parametrize(
    ("bundle_name", "file", "code", "says"),
    [
        ("skin_lesion", "red.png", 2, "use diaphane segment --bundle skin_lesion"),
        ("melanoma", "red.png", 2, "judges features and takes a features.csv"),
        ("nevus", "red.png", 2, "no bundle 'nevus'"),
        ("", "table.csv", 2, "takes pictures"),
        ("melanoma", "table.csv", 2, "expected the columns image,region"),
        ("", "none.png", 2, "no such file"),
    ],
)
def test_wrong_use_gives_one_message(pictures: Path, bundle: Path, bundle_name: str, file: str, code: int, says: str, capsys) -> None:
    (pictures / "table.csv").write_text("a,b\n1,2\n")
    found, said = message(capsys, pictures / file, "--bundle", bundle_name or bundle)
    assert found == code
    assert said.count("diaphane assess: ") == 1
    assert says in said


def test_bundle_that_looks_at_a_part_judges_that_part_and_doubts_where_it_is_not_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    spots_bundle(zoo_with(tmp_path / "zoo", monkeypatch) / "spots", (60, 90))
    bundle = open_bundle(colour_bundle(tmp_path / "of spots", around="spots"))
    pixels = np.full((60, 90, 3), (0, 0, 230), np.uint8)
    write_png(tmp_path / "in/whole.png", pixels)
    pixels[20:40, 30:60] = (230, 200, 0)
    write_png(tmp_path / "in/part.png", pixels)
    code, told = document(capsys, tmp_path / "in", "--bundle", bundle.path)
    part, whole = told["results"]
    assert code == 4
    assert (part["class"], part["verdict"], part["reason"]) == ("red", "passed", "")
    cut = replace(read_picture(tmp_path / "in/part.png"), array=pixels[None, 17:43, 27:63])
    assert list(part["probabilities"].values()) == [a.probability for a in judged(prepare(cut, bundle.recipe), bundle)]
    assert (whole["class"], whole["verdict"]) == ("blue", "doubted")
    assert whole["reason"] == "the whole picture was judged, not a part of it: 'spots' found no spot"
    code, told = document(capsys, tmp_path / "in/whole.png", "--bundle", bundle.path, "--threshold", 0.99999)
    (result,) = told["results"]
    assert (code, result["verdict"], result["class"]) == (4, "doubted", None)
    assert result["reason"].startswith(f"{whole['reason']}; not sure: blue has a probability of")


def test_names_that_a_spreadsheet_would_compute_get_a_mark(pictures: Path, bundle: Path, tmp_path: Path) -> None:
    (pictures / "red.png").rename(pictures / "=1+1.png")
    assert main(["assess", str(pictures / "=1+1.png"), "--bundle", str(bundle), "--out", str(tmp_path / "o.csv")]) == 0
    assert (tmp_path / "o.csv").read_text().splitlines()[1].startswith("_=1+1,,red,")


def test_threshold_out_of_range_and_an_output_over_an_input_are_wrong_use(pictures: Path, bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert message(capsys, pictures, "--bundle", bundle, "--threshold", 1.5) == (2, "diaphane assess: --threshold must lie between 0 and 1, got 1.5\n")
    before = (pictures / "red.png").read_bytes()
    code, said = message(capsys, pictures / "red.png", "--bundle", bundle, "--out", pictures / "red.png")
    assert code == 2
    assert "would be overwritten" in said
    assert (pictures / "red.png").read_bytes() == before
