from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from diaphane.core import case_folder
from diaphane.core.case_folder import CaseFolder
from diaphane.errors import InputError, StorageError, UsageError


def make(text: str, name: str = "deep/file.txt") -> Callable[[Path], dict[str, object]]:
    def write(to: Path) -> dict[str, object]:
        (to / name).parent.mkdir(exist_ok=True)
        (to / name).write_text(text)
        return {"said": text}

    return write


def run(path: Path, *stages: tuple[str, object, Callable[[Path], dict[str, object]]]) -> list[str]:
    """Run stages; which of them did run."""
    with CaseFolder(path) as folder:
        for stage in stages:
            folder.stage(*stage)
        folder.finish({"size": (1, 2)})
        return folder.ran


def test_stage_is_made_once_and_kept_while_its_inputs_stay(tmp_path: Path) -> None:
    stage = ("a", {"x": 1}, make("one"))
    assert run(tmp_path / "case", stage) == ["a"]
    before = os.stat(tmp_path / "case/case.json").st_mtime_ns
    assert run(tmp_path / "case", stage) == []
    assert os.stat(tmp_path / "case/case.json").st_mtime_ns == before
    assert (tmp_path / "case/deep/file.txt").read_text() == "one"


def test_stage_is_made_anew_when_inputs_change_and_so_are_later_ones(tmp_path: Path) -> None:
    run(tmp_path, ("a", 1, make("one")), ("b", 1, make("x", "b.txt")))
    assert run(tmp_path, ("a", 2, make("two")), ("b", 1, make("y", "b.txt"))) == ["a", "b"]
    assert ((tmp_path / "deep/file.txt").read_text(), (tmp_path / "b.txt").read_text()) == ("two", "y")


def test_altered_file_or_result_is_made_anew(tmp_path: Path) -> None:
    stage = ("a", 1, make("one"))
    run(tmp_path, stage)
    (tmp_path / "deep/file.txt").write_text("altered")
    assert run(tmp_path, stage) == ["a"]
    assert (tmp_path / "deep/file.txt").read_text() == "one"
    manifest = (tmp_path / "case.json").read_text()
    (tmp_path / "case.json").write_text(manifest.replace('"said": "one"', '"said": "two"'))
    assert run(tmp_path, stage) == ["a"]
    assert '"said": "two"' not in (tmp_path / "case.json").read_text()


def test_first_stage_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail(to: Path) -> dict[str, object]:
        (to / "half.txt").write_text("half")
        raise InputError("no")

    with pytest.raises(InputError, match="no"):
        run(tmp_path / "case", ("a", 1, fail))
    assert list(tmp_path.iterdir()) == []


def test_later_stage_that_fails_leaves_the_earlier_ones(tmp_path: Path) -> None:
    def full(to: Path) -> dict[str, object]:
        (to / "half.txt").write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match="cannot be written .No space left on device.; make room, or.*finished stages are kept"):
        run(tmp_path, ("a", 1, make("one")), ("b", 1, full))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["case.json", "deep"]
    assert run(tmp_path, ("a", 1, make("one")), ("b", 1, make("x", "b.txt"))) == ["b"]


def test_files_of_an_older_input_do_not_stay(tmp_path: Path) -> None:
    run(tmp_path, ("a", 1, make("one")))
    run(tmp_path, ("a", 2, make("two", "other.txt")))
    assert not (tmp_path / "deep/file.txt").exists()


@pytest.mark.parametrize("fails_at", [1, 2])
def test_manifest_that_cannot_be_written_leaves_nothing_stray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int) -> None:
    """Stop before and after the files are put in place; the next run removes what is pending."""
    run(tmp_path, ("a", 1, make("one")))
    real, calls = case_folder.write_manifest, []

    def stop(path: Path, manifest: dict[str, object]) -> None:
        calls.append(1)
        if len(calls) == fails_at:
            raise OSError(28, "No space left on device")
        real(path, manifest)

    monkeypatch.setattr(case_folder, "write_manifest", stop)
    with pytest.raises(StorageError, match="make room"):
        run(tmp_path, ("a", 2, make("two", "other.txt")))
    monkeypatch.undo()
    run(tmp_path, ("a", 1, make("one")))
    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()) == ["case.json", "deep/file.txt"]


def test_manifest_lists_every_artefact(tmp_path: Path) -> None:
    run(tmp_path, ("a", 1, make("one")))
    manifest = json.loads((tmp_path / "case.json").read_text())
    assert (manifest["complete"], list(manifest["artefacts"]), manifest["size"]) == (True, ["deep/file.txt"], [1, 2])


def test_folder_with_other_things_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images/mine.png").write_text("mine")
    with pytest.raises(UsageError, match="not empty and holds no case.json"):
        CaseFolder(tmp_path)
    with pytest.raises(UsageError, match="is a file"):
        CaseFolder(tmp_path / "images/mine.png")
    assert (tmp_path / "images/mine.png").read_text() == "mine"


def test_second_run_on_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    with CaseFolder(tmp_path) as folder:
        folder.stage("a", 1, make("one"))
        with pytest.raises(UsageError, match="another run is working on this case"):
            CaseFolder(tmp_path)
    assert run(tmp_path, ("a", 1, make("one"))) == []


@pytest.mark.parametrize(
    "text",
    [
        "{", "[]", '{"format": 99, "stages": {}}', '{"format": 1, "created": "x", "pending": ["/etc/x"], "stages": {}}',
        '{"format": 1, "created": "x", "pending": [], "stages": {"a": {"files": {"../x": "0"}, "key": "k", "result": {}, "result_sha256": "0"}}}',
        '{"format": 1, "created": "x", "pending": [], "stages": {"a": {"files": {}, "result": {}, "result_sha256": "0"}}}',
        '{"format": 1, "pending": [], "stages": {}}',
    ],
)  # fmt: skip
def test_damaged_or_hostile_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "case.json").write_text(text)
    with pytest.raises(InputError, match="not a case manifest"):
        CaseFolder(tmp_path)
    assert (tmp_path / "case.json").read_text() == text


def test_manifest_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "case.json").mkdir()
    with pytest.raises(InputError, match="not a case manifest"):
        CaseFolder(tmp_path)


def test_interrupt_while_the_folder_aside_goes_leaves_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remove, calls = case_folder.shutil.rmtree, []

    def interrupted(path: Path, **more: bool) -> None:
        calls.append(path)
        if len(calls) == 2:  # the first is what opening clears away
            raise KeyboardInterrupt
        remove(path, **more)

    monkeypatch.setattr(case_folder.shutil, "rmtree", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "case", ("a", 1, make("one")))
    assert not (tmp_path / "case/.partial").exists()
    assert (tmp_path / "case/deep/file.txt").read_text() == "one"
