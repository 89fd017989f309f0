"""The verb: the report of a case."""

from __future__ import annotations

from pathlib import Path

from diaphane.core.case_folder import REPORT
from diaphane.core.outcome import Outcome
from diaphane.report.html import page
from diaphane.report.options import Options
from diaphane.report.words import findings_of, structures_of, summary_of


def compose(outcome: Outcome, folder: Path, options: Options) -> tuple[Path, ...]:
    """Write ``report.html`` below ``folder``: one page with everything in it, no outside request."""
    from diaphane.report.pictures import pictures_of

    text = page(
        "case.html",
        outcome=outcome,
        summary=summary_of(outcome),
        findings=findings_of(outcome, options.contributions),
        structures=structures_of(outcome),
        pictures=pictures_of(outcome, options.picture_px, options.colormap),
    )
    path = folder / REPORT
    path.write_text(text, encoding="utf-8")
    return (path,)
