"""Many pictures at once: a case each, one table over all."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from diaphane.core.outcome import Outcome
from diaphane.errors import DiaphaneError, StorageError
from diaphane.pipeline import run
from diaphane.plan import Plan
from diaphane.report.cases import CaseRow, row_of, write_cases

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
    """
    rows: list[CaseRow] = []
    outcomes: list[Outcome | None] = []
    with logging_redirect_tqdm():
        for source, name in tqdm(list(zip(sources, _names(sources), strict=True)), desc="cases", unit="case", disable=None):
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


def _names(sources: Sequence[Path]) -> list[str]:
    """The stems, made unique."""
    seen: dict[str, int] = {}
    names = []
    for source in sources:
        seen[source.stem] = seen.get(source.stem, 0) + 1
        names.append(source.stem if seen[source.stem] == 1 else f"{source.stem}-{seen[source.stem]}")
    return names
