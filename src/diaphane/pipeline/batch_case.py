"""One case of a batch: as text that another process or machine is sent, and what it answers, as text too."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from diaphane.core.provenance import version
from diaphane.core.strict import from_mapping
from diaphane.engine.session import running
from diaphane.errors import DiaphaneError, StorageError, UsageError
from diaphane.pipeline import run
from diaphane.plan import Plan
from diaphane.report.cases import CaseRow, row_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What to make: paths and options, nothing else."""

    source: str
    folder: str
    """Of the batch, which exists; the case goes into ``name`` below it."""
    name: str
    plan: Plan
    pictures: int
    """How many cases the batch has: whether a trial of the engines is worth its second."""
    version: str

    @property
    def text(self) -> str:
        """One line. JSON and not TOML, which has no word for None."""
        return json.dumps(asdict(self))

    @classmethod
    def of_text(cls, text: str) -> Task:
        """What ``text`` gave.

        Raises:
            UsageError: It is that of another version.
        """
        read = json.loads(text)
        if read.get("version") != version():
            raise UsageError(f"a worker has Diaphane {version()}, this is {read.get('version')}: install the same version on both")
        return from_mapping(cls, read, "task:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Why no other case can be made either."""

    kind: Literal["storage", "usage"]
    reason: str

    def error(self) -> DiaphaneError:
        """As an error."""
        return StorageError(self.reason) if self.kind == "storage" else UsageError(self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A line of the log."""

    level: int
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of a task."""

    row: CaseRow
    said: tuple[Said, ...] = ()
    """What was logged elsewhere."""
    stop: Stop | None = None

    @property
    def text(self) -> str:
        """One line."""
        return json.dumps(asdict(self))

    @classmethod
    def of_text(cls, text: str) -> Answer:
        """What ``text`` gave."""
        return from_mapping(cls, json.loads(text), "answer:")


def made(task: Task) -> CaseRow:
    """The row of the case, made or found done; of one that fails, why.

    Raises:
        StorageError: The folder cannot be written: nor could the next case.
    """
    log.info("case %s", task.name)
    try:
        with running(task.plan.engine, pictures=task.pictures):
            return row_of(run(task.source, Path(task.folder) / task.name, task.plan), task.name, embedded=False)
    except StorageError:
        raise
    except DiaphaneError as problem:
        reason = str(problem)
    except MemoryError:
        reason = f"{task.source}: there is not enough memory for it; crop it, run fewer cases side by side, or take a machine with more"
    except Exception as problem:  # a fault of ours in one case is no reason to lose the others; what it says may name the patient
        reason = f"{task.source}: {type(problem).__name__}, a fault of Diaphane; run this one alone with --debug, which shows where, and report it"
        log.debug("", exc_info=True)
    log.error("%s", reason)
    return CaseRow(name=task.name, error=reason)


def answered(text: str) -> str:
    """``made`` from text to text; the log goes into the answer."""
    with _listening() as said:
        row, stop = _made_or_stopped(text)
    return Answer(row=row, said=tuple(said), stop=stop).text


def _made_or_stopped(text: str) -> tuple[CaseRow, Stop | None]:
    try:
        task = Task.of_text(text)
        if not Path(task.folder).is_dir():
            raise UsageError(f"{task.folder}: is not there on a worker; INPUT and --out must be paths that all machines see")
        return made(task), None
    except StorageError as problem:
        return CaseRow(name=""), Stop(kind="storage", reason=str(problem))
    except UsageError as problem:
        return CaseRow(name=""), Stop(kind="usage", reason=str(problem))


class _Listener(logging.Handler):
    """Keeps what one thread logs."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[Said] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.said.append(Said(level=record.levelno, line=record.getMessage()))


@contextmanager
def _listening() -> Iterator[list[Said]]:
    root: Any = logging.getLogger()
    listener = _Listener()
    root.addHandler(listener)
    try:
        yield listener.said
    finally:
        root.removeHandler(listener)
