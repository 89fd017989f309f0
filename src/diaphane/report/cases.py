"""One table over many cases: ``cases.csv`` for machines, ``index.html`` for people."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from diaphane.core.arrays import Array
from diaphane.core.case_folder import OVERLAY, REPORT
from diaphane.core.outcome import Outcome, Part
from diaphane.core.provenance import version
from diaphane.core.storage import write_whole
from diaphane.ops.paint import overlay, palette
from diaphane.ops.slices import sheets
from diaphane.report.cohort import distributions, failures
from diaphane.report.html import page
from diaphane.report.words import summary_of

CASES = "cases.csv"
INDEX = "index.html"
THUMBNAIL_PX = 640


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """One case in the table."""

    name: str
    modality: str = ""
    exit_code: int = 1
    summary: tuple[str, ...] = ()
    numbers: Mapping[str, float] = field(default_factory=dict)
    """Column to value: counts, probabilities, areas."""
    thumbnail: Array | None = None
    """Shown within the page; None: ``picture`` is, if there is one."""
    picture: str = ""
    """Where it lies, from the folder of all cases."""
    error: str = ""
    doubts: tuple[str, ...] = ()
    """What the gates refused or doubted."""

    @property
    def link(self) -> str:
        """To the report, from the folder of all cases."""
        return f"{quote(self.name)}/{REPORT}"


def row_of(outcome: Outcome, name: str, *, embedded: bool = True) -> CaseRow:
    """The row of a case that was run; its picture in it where ``embedded``, else as a link: a page of thousands could not hold them."""
    numbers: dict[str, float] = {"findings": len(outcome.decision.findings)} if any(p.labels is not None for p in outcome.parts) else {}
    for finding in outcome.decision.findings[:1]:
        if finding.probability is not None:
            numbers["lesion_probability"] = finding.probability
        numbers |= {f"{a.task}_probability": a.probability for a in finding.assessments}
    numbers |= {f"{a.task.replace(' ', '_')}_probability": a.probability for a in (outcome.parts[0].assessments if outcome.parts else ())}
    for region in outcome.regions:
        size = region.feature("volume") or region.feature("area")
        if size is not None:
            numbers.setdefault(f"{region.name.replace(' ', '_')}_{size.name_with_unit}", size.value)
    return CaseRow(
        name=name,
        modality=outcome.modality,
        exit_code=outcome.exit_code,
        summary=tuple(summary_of(outcome)),
        numbers=numbers,
        thumbnail=_thumbnail(outcome.parts[0]) if embedded and outcome.parts else None,
        picture=f"{quote(name)}/{OVERLAY}" if outcome.parts and outcome.parts[0].labels is not None else "",
        doubts=tuple(f"{v.verdict} by the {v.gate} gate: {v.reason}" for v in outcome.verdicts if v.verdict != "passed"),
    )


def _thumbnail(part: Part) -> Array | None:
    """The picture, or axial slices of a volume, outlined; None where nothing was segmented."""
    if part.labels is None:
        return None
    if not part.image.is_picture:
        return sheets(part, "viridis", THUMBNAIL_PX)[0].rgb
    return overlay(part.image.array[0], part.labels.array[0], palette(part.labels.table, "viridis"), long_side=THUMBNAIL_PX)


def write_cases(rows: Sequence[CaseRow], folder: Path, *, title: str = "Cases", note: str = "") -> tuple[Path, Path]:
    """The table as CSV and as a page with a picture and a link for each case."""
    columns = list(dict.fromkeys(column for row in rows for column in row.numbers))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["case", "modality", "exit_code", *columns, "gates", "error"])
    for row in rows:
        values = [repr(float(row.numbers[c])) if c in row.numbers else "" for c in columns]
        writer.writerow([row.name, row.modality, row.exit_code, *values, "; ".join(row.doubts), row.error])
    write_whole(folder / CASES, text.getvalue().encode("utf-8", "backslashreplace"))
    group = {"distributions": distributions(rows), "failures": failures(rows)}
    write_whole(folder / INDEX, page("cases.html", rows=rows, title=title, note=note, version=version(), **group).encode("utf-8", "backslashreplace"))
    return folder / CASES, folder / INDEX
