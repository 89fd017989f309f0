"""The class of pictures by one bundle, with its probability.

INPUT is a picture or a folder of pictures; for a bundle that judges features (melanoma), a features.csv as diaphane
measure and diaphane run write it. Pictures that do not look like what the bundle was trained on are refused (exit
code 3); with --threshold T, a picture whose class has a lower probability gets none (exit code 4). Some bundles look
at a part of the picture (pneumonia: the lungs); where it is not found, the whole picture is judged (exit code 4).

  diaphane train --data animals/ --out trained
  diaphane assess new-pictures/ --bundle trained/bundle --threshold 0.7 --out classes.csv
  diaphane assess case/features.csv --bundle melanoma --context patient.json --json
"""

from __future__ import annotations

import argparse
import csv
import io
import logging
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from diaphane.errors import InputError, RefusedError, UsageError

if TYPE_CHECKING:
    from diaphane.assess import Answer
    from diaphane.core.case import PatientContext
    from diaphane.engine.bundle import Bundle

log = logging.getLogger(__name__)
MAX_TABLE_BYTES = 2**28


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of ``assess``."""
    parser.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help="a picture, a folder of pictures, or a features.csv")
    parser.add_argument("--bundle", required=True, metavar="NAME_OR_PATH", help="a shipped bundle (diaphane models list) or a bundle folder")
    parser.add_argument(
        "--threshold",
        type=float,
        metavar="T",
        help="smallest probability with which a class is named, 0-1 (default: 0; of a model that knows one class alone, its own limit)",
    )
    parser.add_argument(
        "--context", type=Path, metavar="patient.json", help="of features: age_years and sex of the one patient whose regions they are, or a FHIR Patient"
    )
    parser.add_argument("--out", type=Path, metavar="FILE.csv", help="also a table: a line a result, a column a class")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def execute(parsed: argparse.Namespace) -> int:
    """Judge every input; 1 where one of several cannot be read, else the highest of the verdicts."""
    from diaphane import acquire
    from diaphane.engine.bundle import open_bundle

    bundle = open_bundle(parsed.bundle)
    if bundle.recipe.task != "classify":
        raise UsageError(f"the bundle '{bundle.name}' finds structures, not classes: use diaphane segment --bundle {parsed.bundle}")
    if parsed.threshold is not None and not 0 < parsed.threshold < 1:
        raise UsageError(f"--threshold must lie between 0 and 1, got {parsed.threshold}")
    if parsed.context and bundle.recipe.input is not None:
        raise UsageError(f"--context: the bundle '{bundle.name}' judges pictures alone and takes nothing else; leave it out")
    context = acquire.read_context(parsed.context) if parsed.context else None
    files = acquire.expand(parsed.inputs)
    if parsed.out and parsed.out.resolve() in {file.resolve() for file in files}:
        raise UsageError(f"{parsed.out}: is an input and would be overwritten; give --out another name")
    answers, failed = _all(files, bundle, parsed.threshold, context, alone=len(files) == 1 and not parsed.inputs[0].is_dir())
    if bundle.recipe.caution:
        log.warning("%s: %s", bundle.name, bundle.recipe.caution)
    _give(answers, bundle, parsed)
    return 1 if failed else max((a.exit_code for a in answers), default=0)


def _all(files: Sequence[Path], bundle: Bundle, threshold: float | None, context: PatientContext | None, *, alone: bool) -> tuple[list[Answer], bool]:
    """The answers, and whether a file could not be read; ``alone`` that is an error."""
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    answers: list[Answer] = []
    failed = False
    with logging_redirect_tqdm():
        for file in tqdm(files, desc="assess", unit="input", disable=None):
            try:
                found = list(_of_table(file, bundle, threshold, context) if bundle.recipe.input is None else _of_picture(file, bundle, threshold))
            except InputError as problem:
                if alone:
                    raise
                log.error("%s", problem)
                failed = True
                continue
            for one in found:
                _say(one, file)
            answers += found
    return answers, failed


def _of_picture(file: Path, bundle: Bundle, threshold: float | None) -> Iterator[Answer]:
    from dataclasses import replace

    import numpy as np

    from diaphane import acquire
    from diaphane.acquire.picture import stem_of
    from diaphane.assess import Answer, answer, judged
    from diaphane.prepare import prepare
    from diaphane.segment import admitted

    if file.suffix.lower() == ".csv":
        raise InputError(f"{file}: is a table; the bundle '{bundle.name}' takes pictures")
    case = acquire.read(file, acquire.Options())
    if not case.images or not case.images[0].is_picture or case.images[0].array.dtype not in (np.uint8, np.uint16):
        what = "a clip" if case.video else "; ".join(v.reason for v in case.verdicts if v.verdict == "refused") or "a volume or a slice of one"
        yield Answer(image=stem_of(file), verdict="refused", reason=f"{what}; this bundle takes pictures")
        return
    image = case.images[0]
    prepared, verdicts = admitted(image, bundle, prepare)
    if prepared is None:
        yield Answer(image=image.name, verdict="refused", reason=verdicts[0].reason)
        return
    found = answer(image.name, judged(prepared, bundle), limit=bundle.recipe.threshold, threshold=threshold)
    doubts = [v.reason for v in verdicts if v.verdict == "doubted"]
    yield replace(found, verdict="doubted", reason="; ".join(filter(None, [*doubts, found.reason]))) if doubts else found


def _of_table(file: Path, bundle: Bundle, threshold: float | None, context: PatientContext | None) -> Iterator[Answer]:
    from diaphane.acquire.picture import stem_of
    from diaphane.assess import Answer, judged_table
    from diaphane.core.case import PatientContext
    from diaphane.core.storage import reading

    if file.suffix.lower() != ".csv":
        how = "write one with diaphane measure, or give the picture to diaphane run"
        raise InputError(f"{file}: the bundle '{bundle.name}' judges features and takes a features.csv; {how}")
    with reading(file):
        if file.stat().st_size > MAX_TABLE_BYTES:
            raise InputError(f"{file}: a table of features has at most {MAX_TABLE_BYTES} bytes")
        data = file.read_bytes()
    try:
        yield from judged_table(data.decode("utf-8-sig"), bundle, threshold=threshold, where=str(file), context=context or PatientContext())
    except UnicodeDecodeError as problem:
        raise InputError(f"{file}: not UTF-8 text; give a features.csv as diaphane measure writes it") from problem
    except RefusedError as problem:
        yield Answer(image=stem_of(file), verdict="refused", reason=str(problem))


def _say(one: Answer, file: Path) -> None:
    subject = f"{file}" if one.region is None else f"{file}: {one.image}, region {one.region}"
    if one.verdict == "refused":
        log.error("%s: refused: %s", subject, one.reason)
    elif one.verdict == "doubted":
        log.warning("%s: %s", subject, one.reason)
    elif one.named is None:
        log.info("%s: %s", subject, one.reason)
    else:
        log.info("%s: %s, probability %.3f", subject, one.named, one.probability)


def _give(answers: Sequence[Answer], bundle: Bundle, parsed: argparse.Namespace) -> None:
    from diaphane.core.coding import json_text
    from diaphane.core.storage import write_whole

    if parsed.out:
        write_whole(parsed.out, _table(answers).encode("utf-8", "backslashreplace"))
    if parsed.json:
        document = {"bundle": bundle.name, "weights_sha256": bundle.weights_sha256, "results": [a.to_json() for a in answers]}
        sys.stdout.write(json_text(document) + "\n")


def _table(answers: Sequence[Answer]) -> str:
    """``image, region, class, probability, verdict, reason, caution``, then a column a class; what does not exist is empty."""
    classes = list(dict.fromkeys(name for a in answers for name in a.probabilities))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["image", "region", "class", "probability", "verdict", "reason", "caution", *(f"p({name})" for name in classes)])
    for a in answers:
        numbers = [a.probability, *(a.probabilities.get(name, math.nan) for name in classes)]
        probability, *shares = ["" if math.isnan(n) else repr(n) for n in numbers]
        writer.writerow([_no_formula(a.image), a.region or "", _no_formula(a.named or ""), probability, a.verdict, a.reason, _no_formula(a.caution), *shares])
    return out.getvalue()


def _no_formula(name: str) -> str:
    """What a spreadsheet would compute gets a ``_`` in front, as the names in ``cases.csv`` do."""
    return f"_{name}" if name.startswith(("=", "+", "-", "@")) else name
