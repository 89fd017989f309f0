"""Cases on a Dask cluster are those made here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from tests.pipeline.test_batch_processes import bytes_below, task_of

from diaphane.core.arrays import BoolArray
from diaphane.engine.options import Options as EngineOptions
from diaphane.errors import DiaphaneError, UsageError
from diaphane.pipeline import cluster
from diaphane.pipeline.batch import run_many
from diaphane.pipeline.batch_case import Answer, Task
from diaphane.pipeline.cluster import check_plan, dask_distributed, on_cluster
from diaphane.plan import Plan
from diaphane.report.cases import CaseRow

PORTABLE = Plan(engine=EngineOptions(engine="onnxruntime", threads=1))


class Future:
    """As Dask's, done at once."""

    def __init__(self, result: Callable[[], str], *, is_cancelled: bool = False) -> None:
        self.result, self._is_cancelled = result, is_cancelled

    def cancelled(self) -> bool:
        return self._is_cancelled


class Finished(list[Future]):
    """As Dask's ``as_completed``: what is added while it is walked comes too."""

    def __init__(self, *, loop: str) -> None:
        assert loop == "of the client"

    add = list.append


class Library:
    """What of Dask is used, in this process."""

    as_completed, loop = Finished, "of the client"

    class KilledWorker(Exception):  # noqa: N818
        """As Dask's."""

    def __init__(self, run: Callable[[str], Future] | None = None) -> None:
        self.run, self.sent, self.address = run or (lambda text: Future(lambda: cluster.case_of(text))), list[str](), ""
        self.require_encryption, self.ssl_context = False, cast(Callable[[], object], lambda: None)

    def Security(self) -> Library:  # noqa: N802
        return self

    def get_connection_args(self, role: str) -> dict[str, object]:
        assert role == "client"
        return {"ssl_context": self.ssl_context()}

    def Client(self, address: str, **_: Any) -> Library:  # noqa: N802
        self.address = address
        return self

    def __enter__(self) -> Library:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def nthreads(self) -> dict[str, int]:
        return {"w": 1}

    def submit(self, verb: Callable[[str], str], text: str, *, pure: bool) -> Future:
        assert verb is cluster.case_of
        assert not pure
        self.sent.append(text)
        return self.run(text)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    fake = Library()
    monkeypatch.setattr(cluster, "dask_distributed", lambda: fake)
    return fake


def test_cluster_gives_the_bytes_of_this_machine_and_is_sent_paths_and_options_alone(
    library: Library, made: tuple[Path, BoolArray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.png").write_bytes(b"no picture")
    (tmp_path / "good.png").write_bytes(made[0].read_bytes())
    sources = [Path("bad.png"), Path("good.png")]
    assert run_many(sources, Path("there"), PORTABLE, cluster="dask://host:8786") == run_many(sources, Path("here"), PORTABLE)
    assert bytes_below(tmp_path / "there") == bytes_below(tmp_path / "here")
    assert library.address == "tcp://host:8786"
    sent = [Task.of_text(text) for text in library.sent]
    assert [(t.source, t.folder, t.plan) for t in sent] == [(str(tmp_path / s), str(tmp_path / "there"), PORTABLE) for s in sources]


def test_scheduler_is_given_no_more_than_its_workers_need_soon(library: Library, tmp_path: Path) -> None:
    answer = Answer(row=CaseRow(name="x"))
    library.run = lambda text: Future(lambda: answer.text)
    answers = on_cluster((task_of(tmp_path / "x.png", tmp_path) for _ in range(100)), "tcp://host:1")
    assert next(answers) == (0, answer)
    assert len(library.sent) == 3
    assert [number for number, _ in answers] == list(range(1, 100))


def test_what_goes_wrong_elsewhere_is_named(library: Library, tmp_path: Path) -> None:
    def failing(problem: Exception) -> Future:
        def result() -> str:
            raise problem

        return Future(result)

    task = task_of(tmp_path / "x.png", tmp_path)
    library.run = lambda text: failing(library.KilledWorker())
    ((_, answer),) = on_cluster([task], "tcp://host:1")
    assert "every worker that tried it died" in answer.row.error
    library.run = lambda text: failing(ModuleNotFoundError("diaphane"))
    with pytest.raises(UsageError, match=r"a worker of tcp://host:1 cannot run Diaphane \(ModuleNotFoundError\)"):
        list(on_cluster([task], "tcp://host:1"))
    library.run = lambda text: Future(str, is_cancelled=True)
    with pytest.raises(DiaphaneError, match="the Dask scheduler at tcp://host:1 is lost"):
        list(on_cluster([task], "tcp://host:1"))


def test_bundle_must_be_where_workers_find_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    for bundle in ("lungs", str(tmp_path / "mine")):
        check_plan(Plan(segment=replace(Plan().segment, bundle=bundle)))
    with pytest.raises(UsageError, match="segment.bundle: workers do not know the current folder; give mine as an absolute path"):
        check_plan(Plan(segment=replace(Plan().segment, bundle="mine")))


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diaphane.pipeline.cluster.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r'--engine-address needs Dask distributed: pip install "diaphane\[dask\]"'):
        dask_distributed()


@pytest.mark.parametrize("address", ["host:8786", "http://host:8786", "tcp://host"])
def test_address_must_be_one(address: str, library: Library, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"--engine-address must be dask://HOST:PORT, .* got {address}"):
        list(on_cluster([task_of(tmp_path / "x.png", tmp_path)], address))


def test_tls_without_certificates_and_tcp_where_encryption_is_required_are_refused_before_there_is_a_client(library: Library, tmp_path: Path) -> None:
    def missing() -> object:
        raise FileNotFoundError(2, "No such file or directory")

    tasks = [task_of(tmp_path / "x.png", tmp_path)]
    for context, why in ((lambda: None, "none are set"), (missing, "No such file or directory")):
        library.ssl_context = context
        with pytest.raises(UsageError, match=rf"tls:// needs certificates \({why}\): set ca-file, .* under distributed.comm.tls in Dask's configuration"):
            list(on_cluster(tasks, "tls://host:1"))
    library.require_encryption = True
    with pytest.raises(UsageError, match=r"refuses what is not encrypted \(distributed.comm.require-encryption\); give --engine-address tls://HOST:PORT"):
        list(on_cluster(tasks, "tcp://host:1"))
    assert library.address == ""
    library.ssl_context = object
    library.run = lambda text: Future(lambda: Answer(row=CaseRow(name="x")).text)
    assert len(list(on_cluster(tasks, "tls://host:1"))) == 1
    assert library.address == "tls://host:1"


def test_tls_without_certificates_is_told_at_once_by_dask_itself(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    with pytest.raises(UsageError, match=r"tls:// needs certificates \(none are set\)"):
        list(on_cluster([task_of(tmp_path / "x.png", tmp_path)], "tls://127.0.0.1:9"))


@contextmanager
def started(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of Dask's command line."""
    process = subprocess.Popen([sys.executable, "-m", "dask", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.services
def test_killed_worker_is_made_up_for_and_the_bytes_are_the_same(made: tuple[Path, BoolArray], tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    import json

    names = [f"{n}.png" for n in range(8)]
    (tmp_path / "in").mkdir()
    for name in names:
        (tmp_path / "in" / name).write_bytes(made[0].read_bytes())
    plan = tmp_path / "plan.toml"
    plan.write_text('[engine]\nengine = "onnxruntime"\nthreads = 1\n')
    os.environ["SOURCE_DATE_EPOCH"] = "1700000000"
    where = tmp_path / "scheduler.json"
    worker = ("worker", "--scheduler-file", str(where), "--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(tmp_path / "scratch"))
    with ExitStack() as stack:
        stack.enter_context(started("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(where)))
        until(where.exists)
        first = stack.enter_context(started(*worker))
        address = json.loads(where.read_text())["address"].replace("tcp://", "dask://")
        words = ["run", str(tmp_path / "in"), "--plan", str(plan), "--out"]
        there = subprocess.Popen([sys.executable, "-m", "diaphane", *words, str(tmp_path / "there"), "--engine-address", address])
        until(lambda: list((tmp_path / "there").glob("*/features.csv")))  # in the middle of a case
        first.send_signal(signal.SIGKILL)
        stack.enter_context(started(*worker))
        assert there.wait(240) in (0, 4)
    assert subprocess.run([sys.executable, "-m", "diaphane", *words, str(tmp_path / "here"), "--jobs", "1"], check=False).returncode in (0, 4)
    assert bytes_below(tmp_path / "there") == bytes_below(tmp_path / "here")
    del os.environ["SOURCE_DATE_EPOCH"]
