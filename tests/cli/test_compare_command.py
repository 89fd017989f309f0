from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import diaphane
from diaphane.cli.main import main
from diaphane.core.arrays import Array, BoolArray
from diaphane.core.provenance import sha256_of
from diaphane.ops.picture import write_png
from diaphane.simulate.portrait import portrait


def photo() -> Array:
    """A face with a made lesion on its left cheek."""
    return portrait(np.random.default_rng(1))[0][10:266, 35:291]


@pytest.fixture(scope="module")
def case(weights: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of that photo."""
    folder = tmp_path_factory.mktemp("compare")
    write_png(folder / "photo.png", photo())
    assert diaphane.run(folder / "photo.png", folder / "case").exit_code == 0
    return folder / "case"


def compared(before: Path, after: Path, out: Path, *more: str) -> int:
    return main(["compare", str(before), str(after), "--out", str(out), *more])


def altered(case: Path, to: Path, file: str, change: object) -> Path:
    """A copy of the case in which ``file`` is another one, and the manifest says that it was always so."""
    shutil.copytree(case, to)
    path = to / file
    before = sha256_of(path)
    path.write_text(change(path.read_text()))  # type: ignore[operator]
    if file != "case.json":
        manifest = to / "case.json"
        manifest.write_text(manifest.read_text().replace(before, sha256_of(path)))
    return to


def test_case_compared_with_itself_is_all_the_same(case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compared(case, case, tmp_path / "out", "--json") == 0
    told = capsys.readouterr()
    document = json.loads(told.out)
    assert document == json.loads((tmp_path / "out/changes.json").read_text())
    assert document["changes"]
    assert {(c["state"], c["ratio"], c["apart_mm"]) for c in document["changes"]} == {("same", 1.0, 0.0)}
    assert document["before"] == document["after"]
    assert document["before"]["findings_sha256"] == sha256_of(case / "findings.json")
    assert "1 same, left cheek: found at both visits" in told.err
    assert "not checked: whether both cases are of the same person" in told.err
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"changes.json", "compare.html"}


def test_page_has_everything_in_it_and_says_what_it_must(case: Path, tmp_path: Path) -> None:
    assert compared(case, case, tmp_path / "out") == 0
    text = (tmp_path / "out/compare.html").read_text()
    assert "://" not in text
    for words in (
        "Not checked:",
        "of the same photo or clip",
        "Not a medical device",
        "person's left",
        "Lesion 1: same, left cheek",
        "were the head of average size",
    ):
        assert words in text, words
    assert text.count("data:image/png;base64,") == 2 + 2 * len(json.loads((tmp_path / "out/changes.json").read_text())["changes"])


def test_lesion_that_is_no_longer_found_is_told_with_the_reason(case: Path, tmp_path: Path) -> None:
    def without(text: str) -> str:
        document = json.loads(text)
        suppressed = [{"candidate": n, "probability": 0.2, "reason": "below"} for f in document["findings"] for n in f["from"]]
        return json.dumps(document | {"findings": [], "suppressed": document["suppressed"] + suppressed})

    later = altered(case, tmp_path / "later", "findings.json", without)
    assert compared(case, later, tmp_path / "out") == 0
    changes = json.loads((tmp_path / "out/changes.json").read_text())["changes"]
    assert {(c["state"], c["after"], c["ratio"]) for c in changes} == {("unsure", None, None)}
    assert "something was proposed there and did not stand (probability 0.20)" in changes[0]["reason"]
    assert compared(later, later, tmp_path / "none") == 0
    assert "No lesion was found at either visit" in (tmp_path / "none/compare.html").read_text()


def test_finding_without_a_place_on_the_face_is_left_out_and_told(case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bare = altered(case, tmp_path / "bare", "candidates.jsonl", lambda text: re.sub(r'"face_x_mm": [-0-9.e]+', '"face_x_mm": null', text))
    assert compared(bare, case, tmp_path / "out") == 4
    assert "the first visit: finding 1 has no place on the face" in capsys.readouterr().err
    assert {c["before"] for c in json.loads((tmp_path / "out/changes.json").read_text())["changes"]} == {None}


def test_several_faces_need_a_number_and_none_is_told(case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    two = altered(case, tmp_path / "two", "tracks.jsonl", lambda text: text + text.replace('"identity": 1', '"identity": 2'))
    assert compared(two, case, tmp_path / "out") == 2
    assert "2 faces were found in it (1, 2); say with --face N" in capsys.readouterr().err
    assert compared(two, case, tmp_path / "out", "--face", "2") == 2
    assert "has no face 2; found were 1: 1" in capsys.readouterr().err
    assert compared(two, case, tmp_path / "out", "--face", "1") == 0
    assert compared(two, case, tmp_path / "out", "--face", "2", "1") == 0
    assert {c["state"] for c in json.loads((tmp_path / "out/changes.json").read_text())["changes"]} <= {"new", "unsure"}
    none = altered(case, tmp_path / "none", "tracks.jsonl", lambda text: "")
    assert compared(case, none, tmp_path / "out") == 2
    assert "0 faces were found in it" in capsys.readouterr().err
    assert compared(case, case, tmp_path / "out", "--face", "1", "1", "1") == 2


def test_mirrored_second_visit_is_doubted_and_with_its_flag_the_same(case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_png(tmp_path / "selfie.png", photo()[:, ::-1])
    assert diaphane.run(tmp_path / "selfie.png", tmp_path / "selfie").exit_code == 0
    assert compared(case, tmp_path / "selfie", tmp_path / "out") == 4
    assert "doubted: one of the visits looks like a mirror image" in capsys.readouterr().err
    assert {c["state"] for c in json.loads((tmp_path / "out/changes.json").read_text())["changes"]} == {"unsure"}
    assert compared(case, tmp_path / "selfie", tmp_path / "turned", "--mirrored") == 0
    assert [c["state"] for c in json.loads((tmp_path / "turned/changes.json").read_text())["changes"]] == ["same"]


def test_cases_made_with_other_options_are_doubted(case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = altered(case, tmp_path / "other", "case.json", lambda text: text.replace('"face_min_probability": 0.62', '"face_min_probability": 0.7'))
    assert compared(case, other, tmp_path / "out") == 4
    assert "the cases were made with other options" in capsys.readouterr().err


def test_altered_unfinished_and_damaged_cases_are_refused(case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(case, tmp_path / "changed")
    (tmp_path / "changed/findings.json").write_text('{"method": "x", "findings": [], "suppressed": []}')
    altered(case, tmp_path / "unfinished", "case.json", lambda text: text.replace('"complete": true', '"complete": false'))
    altered(case, tmp_path / "damaged", "case.json", lambda text: text[:200])
    altered(case, tmp_path / "outside", "case.json", lambda text: text.replace('"tracks.jsonl"', '"../tracks.jsonl"'))
    altered(case, tmp_path / "lines", "candidates.jsonl", lambda text: text[: len(text) // 2])
    altered(case, tmp_path / "keys", "case.json", lambda text: text.replace('"key_frames": [', '"key_frames": [7, '))
    shutil.copytree(case, tmp_path / "linked")
    (tmp_path / "linked/findings.json").unlink()
    (tmp_path / "linked/findings.json").symlink_to(case / "findings.json")
    for name, says in {
        "nothing": "holds no case.json", "changed": "was altered after the case was made", "unfinished": "was not finished",
        "damaged": "damaged, or of another format",
        "outside": "a file outside the case folder", "lines": "not JSON", "keys": "key frames are damaged", "linked": "not one of the case's files",
    }.items():  # fmt: skip
        assert compared(case, tmp_path / name, tmp_path / "out") == 2, name
        told = capsys.readouterr().err
        assert says in told, (name, told)
        assert "Traceback" not in told
    assert not (tmp_path / "out").exists()


def test_case_of_dermoscopy_is_told_apart(weights: None, made: tuple[Path, BoolArray], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    diaphane.run(made[0], tmp_path / "case")
    assert compared(tmp_path / "case", tmp_path / "case", tmp_path / "out") == 2
    assert "is a case of dermoscopy, not of a photo or clip of a face" in capsys.readouterr().err


def test_face_without_landmarks_is_told(case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bare = altered(case, tmp_path / "bare", "tracks.jsonl", lambda text: text.replace('"landmark_set": "mesh478"', '"landmark_set": null'))
    assert compared(bare, case, tmp_path / "out") == 2
    assert "the face has no landmarks" in capsys.readouterr().err


def test_result_is_not_written_into_a_case(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compared(case, case, case) == 2
    assert "is a case folder, or lies in one; give --out a folder of its own" in capsys.readouterr().err
    assert compared(case, case, case / "images") == 2
    assert "lies in one" in capsys.readouterr().err
