"""Pictures, scans and clips in, cases out.

  a dermoscopy picture    the lesion outlined, its shape, colour and texture, how probable a melanoma is
  a chest X-ray           both lungs, their areas and ratio
  a head CT or MR         skin, bone and head cavity (CT) or the head's outline (MR): volumes, slices, a 3-D scene
  any scan with --labels  volumes, shape, slices, a 3-D scene of the structures that someone outlined
  a photo or clip         faces found and tracked, skin lesions on them, each with its site
  a scan with --face      both in one case; a head scan is laid on the filmed face (--camera)

What an INPUT is, is found out: PNG, JPEG, TIFF, BMP; NIfTI, NRRD; a DICOM file, folder or ZIP; MP4, MOV, AVI, MKV, WebM.
What no model here is made for is refused (exit code 3), and the report says so. One INPUT makes the case folder CASE;
several, or a folder of them, make CASE/NAME/ each, and CASE/cases.csv and CASE/index.html over all, side by side in --jobs processes,
or on the workers of a Dask cluster (extra dask): INPUT and --out must then be paths that every worker sees, and the network trusted.

What is done already is kept: the same command goes on where a killed run was, and does nothing when nothing changed. What fails
of several is named at the end and does not stop the others.

  diaphane run head-ct/ --face clip.mp4 --out case
  diaphane run abdomen.nii.gz --labels organs.nii.gz --out case
  diaphane run pictures/ --out cases --jobs 4
"""

from __future__ import annotations

import argparse
import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from diaphane.acquire.options import Options as AcquireOptions
from diaphane.cli.flags import add_flags, changed
from diaphane.errors import UsageError

if TYPE_CHECKING:
    from diaphane.plan import Plan

log = logging.getLogger(__name__)
FLAGS = ["spacing_mm", "series", "allow_gaps"]
BESIDE = ("face", "labels", "context", "camera")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of ``run``."""
    parser.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help="a picture, scan or clip; a DICOM folder or ZIP; a folder of pictures")
    parser.add_argument("--out", type=Path, required=True, metavar="CASE", help="the case folder: new, empty, or one to go on with")
    parser.add_argument("--plan", type=Path, metavar="PLAN.toml", help="options of every stage; see docs/plan.md")
    parser.add_argument("--face", type=Path, metavar="PHOTO_OR_CLIP", help="the same patient's face, beside a scan or picture: one case of both")
    parser.add_argument("--camera", type=Path, metavar="CAMERA.toml", help="of the face's camera, as diaphane calibrate writes it; without it, a guess")
    parser.add_argument("--labels", type=Path, metavar="LABELS", help="a label map on INPUT's grid (NIfTI, NRRD, DICOM SEG, PNG), in place of a model")
    parser.add_argument("--context", type=Path, metavar="patient.json", help='{"age_years": 54, "sex": "female"}, or a FHIR Patient; names are dropped')
    parser.add_argument("--jobs", type=_jobs, metavar="N", help="processes for several inputs (default: one a core, where there is work and memory for it)")
    parser.add_argument(
        "--engine-address", metavar="dask://HOST:PORT", help="of a Dask scheduler, or tcp://, tls://: its workers make the cases; docs/batch.md"
    )
    add_flags(parser, AcquireOptions, FLAGS)


def execute(parsed: argparse.Namespace) -> int:
    """Run the pipeline.

    Raises:
        UsageError: Something for one case is given with several inputs, or the other way round.
    """
    from diaphane import acquire
    from diaphane.plan import Plan, read_plan

    plan = read_plan(parsed.plan) if parsed.plan else Plan()
    plan = replace(plan, acquire=changed(plan.acquire, parsed, FLAGS))
    files = acquire.expand(parsed.inputs)
    if len(files) == 1 and (files[0] == parsed.inputs[0] or not parsed.inputs[0].is_dir()):
        return _one(files[0], parsed, plan)
    return _several(files, parsed, plan)


def _one(source: Path, parsed: argparse.Namespace, plan: Plan) -> int:
    from diaphane.pipeline import run

    for flag, given in (("--jobs", parsed.jobs), ("--engine-address", parsed.engine_address)):
        if given:
            raise UsageError(f"{flag} is for several inputs: one case is made by one process; leave it out")
    outcome = run(source, parsed.out, plan, **{name: getattr(parsed, name) for name in BESIDE})
    for verdict in outcome.verdicts:
        if verdict.verdict != "passed":
            log.warning("%s by the %s gate: %s", verdict.verdict, verdict.gate, verdict.reason)
    log.info("report: %s", parsed.out / "report.html")
    return outcome.exit_code


def _several(sources: list[Path], parsed: argparse.Namespace, plan: Plan) -> int:
    from diaphane.pipeline.batch import run_many, sensible_jobs

    if any(getattr(parsed, name) for name in BESIDE):
        raise UsageError("--face, --labels, --context and --camera belong to one case: give one INPUT with them")
    if parsed.jobs and parsed.engine_address:
        raise UsageError("--jobs is of this machine, --engine-address of others: give one of them")
    batch = run_many(sources, parsed.out, plan, jobs=parsed.jobs or sensible_jobs(sources, plan), cluster=parsed.engine_address)
    log.info("%d cases, %d failed; table: %s", len(batch.rows), sum(bool(r.error) for r in batch.rows), parsed.out / "cases.csv")
    return batch.exit_code


def _jobs(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1024:
        raise argparse.ArgumentTypeError(f"must be a number from 1 to 1024, got {text}")
    return int(text)
