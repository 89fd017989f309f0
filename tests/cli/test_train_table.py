"""``diaphane train --table`` and what comes after it: one message with the right exit code for every wrong use."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.tables import column, document, linear, made_table, region, table_bundle

pytest.importorskip("torch", reason="training needs the extra 'train'")

from diaphane.cli.main import main
from diaphane.core.region import features_csv
from diaphane.train.table_families import SETTINGS


@pytest.fixture(autouse=True)
def few_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for family, settings in SETTINGS.items():
        monkeypatch.setitem(SETTINGS, family, (replace(settings[-1], strength=min(settings[-1].strength, 5)),))


def message(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    code = main([*map(str, words)])
    told = capsys.readouterr()
    assert told.out == ""
    return code, told.err


def test_features_and_a_table_become_a_bundle_that_judges_new_regions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    features, table = made_table(tmp_path, age=list(range(20, 80)), sex=["f", "m"] * 30)
    code, said = message(
        capsys,
        "train",
        "--data",
        features,
        "--table",
        table,
        "--target",
        "bad",
        "--out",
        tmp_path / "out",
        "--leave-out",
        "c, sex",
        "--label",
        "nevus",
        "--seed",
        4,
    )
    assert (code, "has no region of 'nevus'" in said) == (2, True)
    code, said = message(
        capsys, "train", "--data", features, "--table", table, "--target", "bad", "--out", tmp_path / "out", "--leave-out", "c, sex", "--seed", 4
    )
    assert code == 0
    assert "60 images with 2 features of mole, 1 of the patient, 0 of networks" in said
    assert "patients are not known" in said
    (tmp_path / "new.csv").write_text(
        features_csv([("a", region({"a": 7.0, "b": -10.0})), ("b", region({"a": 3.0, "b": 20.0})), ("c", region({"a": 1e7, "b": 0.0}))])
    )
    (tmp_path / "patient.json").write_text('{"age_years": 50}')
    code = main(["assess", str(tmp_path / "new.csv"), "--bundle", str(tmp_path / "out/bundle"), "--context", str(tmp_path / "patient.json"), "--json"])
    results: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["results"]
    assert code == 3
    assert [r["class"] for r in results] == ["bad", None, None]
    assert results[0]["probability"] > 0.6 > 0.4 > results[1]["probability"]
    assert {name for name, _ in results[0]["contributions"]} == {"a", "b", "age_years"}
    assert (results[2]["verdict"], results[2]["reason"][:32]) == ("refused", "unlike what the model learnt fro")


def test_patients_age_counts_and_pictures_take_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    columns = [column("a"), column("age_years", source="context", centre=50.0, scale=10.0, fill=50.0)]
    bundle = table_bundle(tmp_path / "b", document(columns=columns, members=[linear([[0.0, 1.0]], [0.0])]))
    (tmp_path / "f.csv").write_text(features_csv([("x", region({"a": 1.0}))]))
    found = {}
    for name, told in (("none", None), ("old", '{"age_years": 80, "sex": "male"}'), ("bad", '{"age_years": -4}')):
        words = ["assess", str(tmp_path / "f.csv"), "--bundle", str(bundle), "--json"]
        if told:
            (tmp_path / "p.json").write_text(told)
            words += ["--context", str(tmp_path / "p.json")]
        found[name] = (main(words), capsys.readouterr())
    assert json.loads(found["none"][1].out)["results"][0]["probability"] == 0.5
    assert json.loads(found["old"][1].out)["results"][0]["probability"] == pytest.approx(1 / (1 + np.exp(-np.arcsinh(3))))
    assert found["bad"][0] == 2
    assert "age_years must be a number between 0 and 130" in found["bad"][1].err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--table", "T"], "--table needs --target"),
        (["--target", "bad"], "--target is for classifiers on features: give --table with it"),
        (["--leave-out", "a"], "--leave-out is for classifiers on features"),
        (["--table", "T", "--target", "bad", "--network", "unet"], "--network is for networks: leave it out where --table is given"),
        (["--table", "T", "--target", "bad", "--minutes", "5"], "--minutes is for networks"),
        (["--table", "T", "--target", "bad", "--resume"], "--resume is for networks"),
        (["--table", "T", "--target", "bad", "--seed", "-1"], "--seed must be at least 0"),
        (["--table", "T", "--target", "worse"], "there is no column 'worse'; it has image, bad"),
        (["--table", "nowhere.csv", "--target", "bad"], "cannot be read"),
    ],
)
def test_wrong_use_gives_one_message(words: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    features, table = made_table(tmp_path)
    code, said = message(capsys, "train", "--data", features, "--out", tmp_path / "out", *(str(table) if w == "T" else w for w in words))
    assert code == 2
    assert said.count("diaphane train: ") == 1
    assert says in said


def test_table_of_features_without_a_table_of_truths_says_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    features, _ = made_table(tmp_path)
    code, said = message(capsys, "train", "--data", features, "--out", tmp_path / "out")
    assert (code, "give --table and --target" in said) == (2, True)
