from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from diaphane.core.case_folder import CaseFolder
from diaphane.errors import InputError, StorageError, UsageError


def make(text: str):
    def write(to: Path) -> dict[str, object]:
        (to / "deep").mkdir()
        (to / "deep" / "file.txt").write_text(text)
        return {"said": text}

    return write


def test_stage_is_made_once_and_kept_while_its_inputs_stay(tmp_path: Path) -> None:
    for _ in range(2):
        folder = CaseFolder(tmp_path / "case")
        assert folder.stage("a", {"x": 1}, make("one")) == {"said": "one"}
    assert folder.ran == []
    assert (tmp_path / "case/deep/file.txt").read_text() == "one"


def test_stage_is_made_anew_when_inputs_change_and_so_are_later_ones(tmp_path: Path) -> None:
    folder = CaseFolder(tmp_path)
    folder.stage("a", 1, make("one"))
    folder.stage("b", 1, lambda to: {"n": 1})
    again = CaseFolder(tmp_path)
    again.stage("a", 2, make("two"))
    again.stage("b", 1, lambda to: {"n": 2})
    assert again.ran == ["a", "b"]
    assert (tmp_path / "deep/file.txt").read_text() == "two"


def test_altered_file_is_made_anew(tmp_path: Path) -> None:
    CaseFolder(tmp_path).stage("a", 1, make("one"))
    (tmp_path / "deep/file.txt").write_text("altered")
    folder = CaseFolder(tmp_path)
    folder.stage("a", 1, make("one"))
    assert folder.ran == ["a"]
    assert (tmp_path / "deep/file.txt").read_text() == "one"


def test_stage_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail(to: Path) -> dict[str, object]:
        (to / "half.txt").write_text("half")
        raise InputError("no")

    with pytest.raises(InputError, match="no"):
        CaseFolder(tmp_path / "case").stage("a", 1, fail)
    assert list(tmp_path.iterdir()) == []


def test_files_of_an_older_input_do_not_stay(tmp_path: Path) -> None:
    CaseFolder(tmp_path).stage("a", 1, make("one"))
    CaseFolder(tmp_path).stage("a", 2, lambda to: {})
    assert not (tmp_path / "deep/file.txt").exists()


def test_finish_writes_only_what_changed(tmp_path: Path) -> None:
    folder = CaseFolder(tmp_path)
    folder.stage("a", 1, make("one"))
    folder.finish({"size": (1, 2)})
    before = os.stat(tmp_path / "case.json").st_mtime_ns
    again = CaseFolder(tmp_path)
    again.stage("a", 1, make("one"))
    again.finish({"size": (1, 2)})
    assert os.stat(tmp_path / "case.json").st_mtime_ns == before
    manifest = json.loads((tmp_path / "case.json").read_text())
    assert manifest["complete"]
    assert list(manifest["artefacts"]) == ["deep/file.txt"]


def test_folder_with_other_things_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(UsageError, match="not empty and holds no case.json"):
        CaseFolder(tmp_path)
    with pytest.raises(UsageError, match="is a file"):
        CaseFolder(tmp_path / "thesis.tex")


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 99, "stages": {}}', '{"format": 1, "stages": {"a": {"files": {"../x": "0"}}}}'])
def test_damaged_or_hostile_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "case.json").write_text(text)
    with pytest.raises(InputError, match="not a case manifest"):
        CaseFolder(tmp_path)


def test_full_disk_is_said_in_words(tmp_path: Path) -> None:
    def full(to: Path) -> dict[str, object]:
        raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match="cannot be written .No space left on device.; make room"):
        CaseFolder(tmp_path / "case").stage("a", 1, full)
    assert not (tmp_path / "case").exists()
