"""Pictures in, cases out.

A dermoscopy picture gives the lesion outlined, its shape, colour and texture, and how probable a melanoma is. A chest
X-ray gives both lungs, their areas and ratio. Which of the two it is, the input gate finds out; other pictures are
refused (exit code 3), and their report says so. One picture makes the case folder CASE; several, or a folder of them,
make CASE/NAME/ each, and CASE/cases.csv and CASE/index.html over all.

What is done already is kept: the same command goes on where a killed run was, and does nothing when nothing changed.
"""

from __future__ import annotations

import argparse
import logging
from dataclasses import replace
from pathlib import Path

from diaphane.acquire.options import Options as AcquireOptions
from diaphane.cli.flags import add_flags, changed

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of ``run``."""
    parser.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help="a picture (PNG, JPEG, TIFF, BMP), or a folder of pictures")
    parser.add_argument("--out", type=Path, required=True, metavar="CASE", help="the case folder: new, empty, or one to go on with")
    parser.add_argument("--plan", type=Path, metavar="PLAN.toml", help="options of every stage; see docs/plan.md")
    add_flags(parser, AcquireOptions, ["spacing_mm"])


def execute(parsed: argparse.Namespace) -> int:
    """Run the pipeline."""
    from diaphane import acquire
    from diaphane.pipeline import run
    from diaphane.pipeline.batch import run_many
    from diaphane.plan import Plan, read_plan

    plan = read_plan(parsed.plan) if parsed.plan else Plan()
    plan = replace(plan, acquire=changed(plan.acquire, parsed, ["spacing_mm"]))
    files = acquire.expand(parsed.inputs)
    if len(files) == 1 and not parsed.inputs[0].is_dir():
        outcome = run(files[0], parsed.out, plan)
        for verdict in outcome.verdicts:
            if verdict.verdict != "passed":
                log.warning("%s by the %s gate: %s", verdict.verdict, verdict.gate, verdict.reason)
        log.info("report: %s", parsed.out / "report.html")
        return outcome.exit_code
    batch = run_many(files, parsed.out, plan)
    log.info("%d cases, %d failed; table: %s", len(batch.rows), sum(bool(r.error) for r in batch.rows), parsed.out / "cases.csv")
    return batch.exit_code
