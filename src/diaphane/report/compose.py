"""The verb: the report of a case, for people and for the clinic's systems."""

from __future__ import annotations

from pathlib import Path

from diaphane.core.case_folder import FHIR, PAGE, REPORT, SCENE
from diaphane.core.outcome import Outcome
from diaphane.report.faces import faces_of
from diaphane.report.html import page
from diaphane.report.options import Options
from diaphane.report.words import findings_of, solids_of, structures_of, summary_of, whole_of


def compose(outcome: Outcome, folder: Path, options: Options) -> tuple[Path, ...]:
    """Write ``report.html`` below ``folder`` (one page with everything in it, no outside request), ``seg.dcm`` and ``fhir.json``.

    There is no ``seg.dcm`` where nothing was segmented or the image is a face's.
    """
    from diaphane.report.dicom_seg import why_no_seg, write_seg
    from diaphane.report.fhir import fhir_bundle
    from diaphane.report.pictures import close_up, face_pictures_of, pictures_of, seen_through_of

    summary = summary_of(outcome)
    written: list[Path] = []
    if options.segmentation_object and outcome.parts:
        written += write_seg(outcome.parts[0], outcome, folder, options)
    if options.fhir:
        written.append(folder / FHIR)
        written[-1].write_bytes(fhir_bundle(outcome, " ".join(summary), options))
    missing = why_no_seg(outcome.parts[0]) if options.segmentation_object and outcome.parts else ""
    text = page(
        "case.html",
        outcome=outcome,
        summary=summary,
        findings=[(told, told.finding and close_up(outcome, told.finding, options)) for told in findings_of(outcome, options.contributions)],
        wholes=[(whole_of(part, outcome), part) for part in outcome.parts if part.assessments],
        structures=structures_of(outcome),
        solids=solids_of(outcome),
        pictures=pictures_of(outcome, options),
        preparations=[part for part in outcome.parts if part.preparation is not None],
        faces=faces_of(outcome),
        face_pictures=face_pictures_of(outcome, options),
        through=seen_through_of(outcome),
        scene=SCENE if SCENE in outcome.files else "",
        walk=PAGE if PAGE in outcome.files else "",
        no_seg=missing if outcome.parts and outcome.parts[0].labels is not None and outcome.parts[0].frame is None else "",
        files=[path.name for path in written if path.parent == folder],
    )
    path = folder / REPORT
    path.write_text(text, encoding="utf-8")
    return (path, *written)
