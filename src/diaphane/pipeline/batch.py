"""Many inputs at once: a case each, one table over all."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from diaphane.acquire.picture import stem_of
from diaphane.core.case_folder import MANIFEST
from diaphane.core.outcome import Outcome
from diaphane.errors import DiaphaneError, StorageError, UsageError
from diaphane.pipeline import run
from diaphane.plan import Plan
from diaphane.report.cases import CASES, INDEX, CaseRow, row_of, write_cases

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Batch:
    """What came of several inputs."""

    rows: tuple[CaseRow, ...]
    outcomes: tuple[Outcome | None, ...]
    """None where a picture failed."""

    @property
    def exit_code(self) -> int:
        """1 where a picture failed, else the highest of the gates' verdicts."""
        return 1 if any(row.error for row in self.rows) else max((row.exit_code for row in self.rows), default=0)


def run_many(sources: Sequence[Path], out: Path, plan: Plan) -> Batch:
    """Each source as a case in ``out/STEM/`` (``STEM-2`` … where stems repeat), and ``cases.csv`` and ``index.html`` over all.

    A picture that fails is named in the table and does not stop the others; a folder that cannot be written does.

    Raises:
        UsageError: ``out`` is a single case.
        StorageError: It cannot be written.
    """
    if (out / MANIFEST).exists():
        raise UsageError(f"{out}: is the folder of one case; give --out another folder for several")
    rows: list[CaseRow] = []
    outcomes: list[Outcome | None] = []
    with logging_redirect_tqdm():
        for source, name in tqdm(list(zip(sources, case_names(sources), strict=True)), desc="cases", unit="case", disable=None):
            log.info("case %s", name)
            try:
                outcome = run(source, out / name, plan)
                outcomes.append(outcome)
                rows.append(row_of(outcome, name))
            except StorageError:
                raise
            except DiaphaneError as problem:
                log.error("%s", problem)
                outcomes.append(None)
                rows.append(CaseRow(name=name, error=str(problem)))
    write_cases(rows, out)
    return Batch(tuple(rows), tuple(outcomes))


def case_names(sources: Sequence[Path]) -> list[str]:
    """A folder name for each source: its stem, ``STEM-2`` … where another has it already, upper and lower case alike.

    Names that would lead out of the folder, collide with the table or start a formula in a spreadsheet get a ``_`` in front.
    """
    names: list[str] = []
    taken = {CASES, INDEX}
    for source in sources:
        stem = stem_of(source)
        stem = f"_{stem}" if not stem or stem[0] in ".=+-@" else stem
        tries = (stem if n == 1 else f"{stem}-{n}" for n in count(1))
        name = next(t for t in tries if t.casefold() not in taken)
        taken.add(name.casefold())
        names.append(name)
    return names
