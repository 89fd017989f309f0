from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.fusions import write_candidates

from diaphane.cli.main import main
from diaphane.engine.bundle import open_bundle
from diaphane.train.fusion import fit_fusion


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_candidates(tmp_path_factory.mktemp("candidates"))


def fuse(folder: Path, out: Path, *more: object, tracks: Path | None = None) -> int:
    words = ["--candidates", folder / "candidates.jsonl", "--tracks", tracks or folder / "tracks.jsonl", "--out", out, *more]
    return main(["fuse", *map(str, words)])


def test_files_alone_give_findings_by_a_fitted_fusion(folder: Path, tmp_path: Path) -> None:
    assert main(["train", "--data", str(folder), "--method", "svm", "--out", str(tmp_path / "fit")]) == 0
    assert fuse(folder, tmp_path / "findings.json", "--bundle", tmp_path / "fit/bundle") == 0
    document = json.loads((tmp_path / "findings.json").read_text())
    assert document["method"] == "svm"
    eyes = {n for n in range(1, 121) if n % 4 in (3, 0)}
    found = {n for f in document["findings"] for n in f["from"]}
    assert len(found & eyes) <= 4
    assert len(found) >= 50
    assert found | {s["candidate"] for s in document["suppressed"]} == set(range(1, 121))


def test_rules_need_no_bundle_and_no_face_is_said(folder: Path, tmp_path: Path) -> None:
    assert fuse(folder, tmp_path / "rules.json", "--method", "rules") == 0
    assert json.loads((tmp_path / "rules.json").read_text())["method"] == "segmentation on tracked faces"
    (tmp_path / "nobody.jsonl").write_text("")
    assert fuse(folder, tmp_path / "alone.json", tracks=tmp_path / "nobody.jsonl") == 0
    assert json.loads((tmp_path / "alone.json").read_text())["method"] == "segmentation alone (no face was tracked)"


def test_no_candidates_give_an_empty_result(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "candidates.jsonl").write_text("")
    assert main(["fuse", "--candidates", str(tmp_path / "candidates.jsonl"), "--tracks", str(folder / "tracks.jsonl"), "--out", str(tmp_path / "f.json")]) == 0
    assert json.loads((tmp_path / "f.json").read_text())["findings"] == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"source_sha256": "0', '"source_sha256": "f', "is of another picture or clip than"),
        ('"size_px": [300, 260]', '"size_px": [640, 480]', "is of a frame of 300x260 pixels"),
    ],
)
def test_tracks_of_another_picture_are_refused(old: str, new: str, says: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tracks.jsonl").write_text((folder / "tracks.jsonl").read_text().replace(old, new))
    assert fuse(folder, tmp_path / "f.json", tracks=tmp_path / "tracks.jsonl") == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "f.json").exists()


def test_missing_files_and_repeated_numbers_are_told(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fuse(folder, tmp_path / "f.json", tracks=tmp_path / "nothing.jsonl") == 2
    assert "no such file" in capsys.readouterr().err
    twice = tmp_path / "candidates.jsonl"
    twice.write_text((folder / "candidates.jsonl").read_text() * 2)
    assert main(["fuse", "--candidates", str(twice), "--tracks", str(folder / "tracks.jsonl"), "--out", str(tmp_path / "f.json")]) == 2
    assert "some repeat" in capsys.readouterr().err
    assert fuse(folder, tmp_path / "f.json", "--bundle", tmp_path / "nowhere") == 2
    assert "no bundle" in capsys.readouterr().err


def test_deep_fusion_takes_the_pictures_beside_the_candidates(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = open_bundle(fit_fusion(folder, "deep", tmp_path / "fit"))
    assert fuse(folder, tmp_path / "f.json", "--bundle", bundle.path) == 0
    assert json.loads((tmp_path / "f.json").read_text())["method"] == "deep"
    assert fuse(folder, tmp_path / "f.json", "--bundle", bundle.path, "--images", tmp_path) == 2
    assert "looks at the pictures too" in capsys.readouterr().err


def test_training_flags_that_do_not_go_with_a_method_are_refused(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--data", str(folder), "--method", "svm", "--epochs", "3", "--out", str(tmp_path / "fit")]) == 2
    assert "--epochs does not go with --method" in capsys.readouterr().err
