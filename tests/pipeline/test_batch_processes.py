"""Cases side by side are those made one after the other."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from diaphane.cli.main import main
from diaphane.core.arrays import BoolArray
from diaphane.core.provenance import version
from diaphane.engine.options import Options as EngineOptions
from diaphane.errors import StorageError, UsageError
from diaphane.ops.picture import write_png
from diaphane.pipeline import batch_processes
from diaphane.pipeline.batch import run_many, sensible_jobs
from diaphane.pipeline.batch_case import Answer, Said, Stop, Task, answered, made
from diaphane.pipeline.batch_processes import side_by_side
from diaphane.plan import Plan
from diaphane.report.cases import CaseRow

PORTABLE = Plan(engine=EngineOptions(engine="onnxruntime", threads=1))


def task_of(source: Path, folder: Path, name: str = "x", **other: str) -> Task:
    return Task(source=str(source), folder=str(folder), name=name, plan=PORTABLE, pictures=1, version=other.get("version", version()))


def bytes_below(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def sources(made: tuple[Path, BoolArray], tmp_path: Path) -> list[Path]:
    """A lesion, a file that is no picture, noise that the gate refuses."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.png").write_bytes(made[0].read_bytes())
    (folder / "b.png").write_bytes(b"no picture")
    write_png(folder / "c.png", np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8))
    return sorted(folder.iterdir())


def test_side_by_side_gives_the_bytes_and_the_order_of_one_after_the_other(
    sources: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    caplog.set_level(logging.INFO, "diaphane")
    one = run_many(sources, tmp_path / "one", PORTABLE)
    said_alone = sorted(m.partition("(")[0] for m in caplog.messages)
    caplog.clear()
    two = run_many(sources, tmp_path / "two", PORTABLE, jobs=2)
    assert [row.name for row in two.rows] == ["a", "b", "c"]
    assert two == one
    assert (one.exit_code, [bool(row.error) for row in one.rows]) == (1, [False, True, False])
    assert bytes_below(tmp_path / "two") == bytes_below(tmp_path / "one")
    assert '<img src="a/overlay.png"' in (tmp_path / "two" / "index.html").read_text(encoding="utf-8")
    assert sorted(m.partition("(")[0] for m in caplog.messages) == said_alone
    assert caplog.messages[-1].startswith("failed: b: ")

    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "two").rglob("*") if p.is_file() and p.parent != tmp_path / "two"}
    caplog.clear()
    assert run_many(sources, tmp_path / "two", PORTABLE) == one
    assert sum("nothing changed" in m for m in caplog.messages) == 2
    assert all(p.stat().st_mtime_ns == then for p, then in before.items())


def test_task_and_answer_survive_as_text() -> None:
    task = task_of(Path("x\udcff.png"), Path("out"))
    assert "\n" not in task.text
    assert Task.of_text(task.text) == task
    row = CaseRow(name="n", modality="m", exit_code=4, summary=("a", "b"), numbers={"x": 0.1 + 0.2, "y": 1e-300}, doubts=("z\n",), picture="n/overlay.png")
    for answer in (Answer(row=row, said=(Said(level=20, line="l"),)), Answer(row=CaseRow(name="f", error="e"), stop=Stop(kind="storage", reason="full"))):
        assert Answer.of_text(answer.text) == answer


def test_what_stops_one_case_stops_the_batch_only_where_it_stops_all(made: tuple[Path, BoolArray], tmp_path: Path) -> None:
    other = Answer.of_text(answered(task_of(made[0], tmp_path, version="0.0.0+x").text))
    assert other.stop
    with pytest.raises(UsageError, match=r"a worker has Diaphane .*, this is 0\.0\.0\+x: install the same version"):
        raise other.stop.error()
    elsewhere = Answer.of_text(answered(task_of(made[0], tmp_path / "nowhere").text))
    assert elsewhere.stop
    assert "is not there on a worker" in elsewhere.stop.reason
    (tmp_path / "file").write_bytes(b"")
    assert "no such file" in Answer.of_text(answered(task_of(tmp_path / "missing.png", tmp_path).text)).row.error
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file"]


def test_fault_of_ours_is_named_and_says_nothing_of_the_patient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise IndexError("Mrs Smith")

    monkeypatch.setattr("diaphane.pipeline.batch_case.run", fails)
    assert "IndexError, a fault of Diaphane; run this one alone with --debug" in made_row(tmp_path).error
    assert "Smith" not in made_row(tmp_path).error
    monkeypatch.setattr("diaphane.pipeline.batch_case.run", lambda *_: (_ for _ in ()).throw(MemoryError))
    assert "not enough memory" in made_row(tmp_path).error
    monkeypatch.setattr("diaphane.pipeline.batch_case.run", lambda *_: (_ for _ in ()).throw(StorageError("full")))
    with pytest.raises(StorageError, match="full"):
        made_row(tmp_path)
    assert Answer.of_text(answered(task_of(Path("x.png"), tmp_path).text)).stop == Stop(kind="storage", reason="full")


def made_row(folder: Path) -> CaseRow:
    return made(task_of(Path("x.png"), folder))


def worker(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_processes, "COMMAND", (sys.executable, "-c", code))


ECHO = """
import json, os, sys, time
for line in sys.stdin:
    name = json.loads(line)["name"]
    if name == "dies":
        os.kill(os.getpid(), 9)
    if name == "hangs":
        sys.stdin.read(); sys.exit(0)
    print(json.dumps({"row": {"name": name, "summary": [str(os.getpid())]}}), flush=True)
"""


def test_case_whose_process_dies_is_named_and_the_others_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worker(ECHO, monkeypatch)
    names = ["a", "dies", "b", "c", "dies", "d"]
    for jobs in (1, 2, 3):
        answers = dict(side_by_side((task_of(Path(f"{n}.png"), tmp_path, n) for n in names), jobs))
        assert [answers[n].row.name for n in range(len(names))] == names
        assert [("signal 9" in answers[n].row.error) for n in range(len(names))] == [n == "dies" for n in names]
        assert len({answers[n].row.summary for n in (0, 2, 3, 5)}) <= jobs + 2


def test_tasks_are_taken_when_a_process_is_free_and_none_after_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worker(ECHO, monkeypatch)
    taken = 0

    def endless() -> Iterator[Task]:
        nonlocal taken
        while True:
            taken += 1
            yield task_of(Path("x.png"), tmp_path, "hangs" if taken > 4 else "a")

    answers = side_by_side(endless(), 2)
    assert [next(answers)[1].row.name for _ in range(4)] == ["a"] * 4
    begun = time.perf_counter()
    answers.close()
    assert time.perf_counter() - begun < 10
    assert taken <= 6


def test_process_that_cannot_be_started_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_processes, "COMMAND", (str(tmp_path / "nothing"),))
    with pytest.raises(FileNotFoundError, match="nothing"):
        list(side_by_side([task_of(Path("x.png"), tmp_path)], 2))


@pytest.mark.services
@pytest.mark.parametrize("jobs", [1, 2])
def test_interrupted_batch_leaves_whole_stages_and_goes_on(jobs: int, made: tuple[Path, BoolArray], tmp_path: Path, cli) -> None:  # type: ignore[no-untyped-def]
    for n in range(4):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / f"{n}.png").write_bytes(made[0].read_bytes())
    words = ["run", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--jobs", str(jobs)]
    process = subprocess.Popen(
        [sys.executable, "-m", "diaphane", *words], stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  # where the suite runs in the background, it is ignored
    )  # fmt: skip
    until = time.monotonic() + 60
    while not list((tmp_path / "out").glob("*/overlay.png")) and time.monotonic() < until:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of its processes
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert said.splitlines()[-1] == "diaphane run: interrupted; finished stages are kept"
    assert "Traceback" not in said
    assert not list((tmp_path / "out").rglob("*.partial"))
    assert not (tmp_path / "out" / "cases.csv").exists()
    done = cli(*words)
    assert done.returncode in (0, 4), done.stderr
    assert len((tmp_path / "out" / "cases.csv").read_text().splitlines()) == 5


def test_jobs_are_as_many_as_there_is_work_memory_and_cores_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def jobs(sources: list[str], cores: int, free: int | None, memory_mb: int = 0) -> int:
        monkeypatch.setattr("diaphane.pipeline.batch.cores", lambda: cores)
        monkeypatch.setattr("diaphane.pipeline.batch.free_bytes", lambda limit: free if limit is None else limit)
        return sensible_jobs([Path(s) for s in sources], Plan(engine=EngineOptions(memory_mb=memory_mb)))

    pictures, volumes = [f"{n}.png" for n in range(100)], ["a.nii.gz", "b.nii.gz", "c"]
    assert [jobs(pictures[:n], 8, None) for n in (0, 1, 7, 8, 100)] == [1, 1, 1, 2, 8]
    assert [jobs(volumes[:n], 8, None) for n in (1, 2, 3)] == [1, 2, 3]
    assert [jobs(pictures, 8, gigabytes * 10**9) for gigabytes in (0, 3, 5, 100)] == [1, 1, 2, 8]
    assert [jobs(pictures, 8, 10**11, memory_mb) for memory_mb in (0, 500, 6000)] == [8, 1, 3]


def test_plan_is_sent_whole() -> None:
    assert Task.of_text(task_of(Path("x"), Path("y")).text).plan == PORTABLE
    assert asdict(Plan()).keys() == asdict(PORTABLE).keys()


def test_jobs_and_address_are_for_several_inputs(
    made: tuple[Path, BoolArray], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    for words, says in (
        ([made[0], "--engine-address", "dask://x:1"], "--engine-address is for several inputs: one case is made by one process; leave it out"),
        ([made[0], "--jobs", "3"], "--jobs is for several inputs: one case is made by one process; leave it out"),
        ([made[0], made[0], "--engine-address", "dask://x:1", "--jobs", "2"], "give one of them"),
        ([made[0], made[0], "--engine-address", "x"], "--engine-address must be dask://HOST:PORT"),
    ):
        assert main(["run", *map(str, words), "--out", str(tmp_path / "o")]) == 2
        assert says in capsys.readouterr().err
        assert not (tmp_path / "o").exists()
    with pytest.raises(SystemExit, match="2"):
        main(["run", str(made[0]), "--jobs", "0", "--out", str(tmp_path / "o")])
    assert "must be a number from 1 to 1024, got 0" in capsys.readouterr().err
