"""Many inputs at once: a case each, side by side where that is faster, one table over all."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from diaphane.acquire.picture import SUFFIXES as PICTURES
from diaphane.acquire.picture import stem_of
from diaphane.core.case_folder import FEATURES, MANIFEST
from diaphane.core.provenance import version
from diaphane.core.storage import storage
from diaphane.engine.machine import cores
from diaphane.engine.memory import free_bytes
from diaphane.errors import UsageError
from diaphane.pipeline.batch_case import Answer, Task, made
from diaphane.pipeline.batch_features import write_features
from diaphane.pipeline.batch_processes import side_by_side
from diaphane.pipeline.cluster import check_plan, on_cluster
from diaphane.plan import Plan
from diaphane.report.cases import CASES, INDEX, CaseRow, write_cases

log = logging.getLogger(__name__)
EACH = 4
"""Pictures for which a process of their own is worth starting: that takes about as long as five, and the others go on meanwhile. A volume is worth it."""
MEMORY = 2_000_000_000
"""Bytes that should be free for each process: what a head CT takes, with some to spare."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What came of several inputs, in their order."""

    rows: tuple[CaseRow, ...]

    @property
    def exit_code(self) -> int:
        """1 where a picture failed, else the highest of the gates' verdicts."""
        return 1 if any(row.error for row in self.rows) else max((row.exit_code for row in self.rows), default=0)


def run_many(sources: Sequence[Path], out: Path, plan: Plan, *, jobs: int = 1, cluster: str | None = None) -> Batch:
    """Each source as a case in ``out/STEM/`` (``STEM-2`` … where stems repeat), and ``cases.csv``, ``features.csv`` and ``index.html`` over all.

    ``jobs`` processes side by side, or the workers of the Dask scheduler at the address ``cluster``: the cases have the same bytes.
    An input that fails is named in the table and at the end, and does not stop the others; a folder that cannot be written does.

    Raises:
        UsageError: ``out`` is a single case, or ``cluster`` cannot be used.
        StorageError: It cannot be written.
    """
    if (out / MANIFEST).exists():
        raise UsageError(f"{out}: is the folder of one case; give --out another folder for several")
    if cluster:
        check_plan(plan)
    with storage(out):
        out.mkdir(parents=True, exist_ok=True)
    names = case_names(sources)
    tasks = (
        Task(source=str(source), folder=str(out), name=name, plan=plan, pictures=len(sources), version=version())
        for source, name in zip(sources, names, strict=True)
    )
    answers = on_cluster(tasks, cluster) if cluster else side_by_side(tasks, jobs) if jobs > 1 else _one_by_one(tasks)
    try:
        rows = _gathered(answers, names)
    finally:
        with suppress(OSError):  # which it says of a folder that is not empty
            out.rmdir()
    write_cases(rows, out)
    write_features(out, [row.name for row in rows if not row.error])
    for row in rows:
        if row.error:
            log.error("failed: %s: %s", row.name, row.error)
    return Batch(tuple(rows))


def sensible_jobs(sources: Sequence[Path], plan: Plan) -> int:
    """As many processes as there are cores, work for them, and memory: together within what ``plan`` leaves to one."""
    work = sum(1 if source.name.lower().endswith(PICTURES) else EACH for source in sources)
    free = free_bytes(plan.engine.memory_mb * 1_000_000 or None)
    return max(1, min(cores(), work // EACH, len(sources), cores() if free is None else free // MEMORY))


def _gathered(answers: Generator[tuple[int, Answer], None, None], names: Sequence[str]) -> list[CaseRow]:
    """In the order of the inputs, whichever came first."""
    rows = [CaseRow(name=name) for name in names]
    with logging_redirect_tqdm(), closing(answers), tqdm(total=len(rows), desc="cases", unit="case", disable=None) as progress:
        for number, answer in answers:
            _tell(answer)
            rows[number] = answer.row
            progress.update()
    return rows


def _one_by_one(tasks: Iterable[Task]) -> Generator[tuple[int, Answer], None, None]:
    for number, task in enumerate(tasks):
        yield number, Answer(row=made(task))


def _tell(answer: Answer) -> None:
    """What was said where the case was made.

    Raises:
        DiaphaneError: No other case can be made either.
    """
    for said in answer.said:
        log.log(said.level, "%s", said.line)
    if answer.stop:
        raise answer.stop.error()


def case_names(sources: Sequence[Path]) -> list[str]:
    """A folder name for each source: its stem, ``STEM-2`` … where another has it already, upper and lower case alike.

    Names that would lead out of the folder, collide with the table or start a formula in a spreadsheet get a ``_`` in front.
    """
    names: list[str] = []
    taken = {CASES, INDEX, FEATURES}
    for source in sources:
        stem = stem_of(source)
        stem = f"_{stem}" if not stem or stem[0] in ".=+-@" else stem
        tries = (stem if n == 1 else f"{stem}-{n}" for n in count(1))
        name = next(t for t in tries if t.casefold() not in taken)
        taken.add(name.casefold())
        names.append(name)
    return names
