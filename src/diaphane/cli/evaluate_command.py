"""How well label maps agree with a reference: Dice, Jaccard, HD95 and NSD of each case and label, with intervals.

REFERENCE_DIR and PREDICTED_DIR hold label maps (NIfTI, NRRD, PNG; value = label, 0 is background), paired by their stems;
x_segmentation.png, x_mask.png or the like belong to x.png. Both maps of a case must lie on one grid. Distances are in mm;
of pictures in pixels, unless --spacing-mm tells their scale. Names of labels come from dataset.json or labels.txt in the
folder or above it. Several PREDICTED_DIR are also compared with each other, case by case (Wilcoxon signed-rank, Holm).

diaphane evaluate masks predictions --out metrics.json
diaphane evaluate labelsTr unet/predictions unetplusplus/predictions --out metrics.json --patients index.csv
diaphane evaluate masks predictions --out metrics.json --worst 10 --images images

A case without a prediction, or that cannot be read or compared, is named, left out of the figures, and makes the exit code 1.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from diaphane.errors import InputError, UsageError

log = logging.getLogger(__name__)
SHOWN = {"dice": "Dice", "jaccard": "Jaccard", "hd95_mm": "HD95 mm", "nsd_1mm": "NSD 1 mm", "hd95_px": "HD95 px", "nsd_1px": "NSD 1 px"}
WORST = "worst"
NAMES = ("dataset.json", "labels.json")
"""Names of labels are read from these, in a folder of maps or above it."""
NAMED = 5
"""So many of the cases that are left out are named in the log; metrics.json has all."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of ``evaluate``."""
    parser.add_argument("reference", type=Path, metavar="REFERENCE_DIR", help="folder of true label maps")
    parser.add_argument("predicted", type=Path, nargs="+", metavar="PREDICTED_DIR", help="folder of label maps to judge; several are compared")
    parser.add_argument("--out", type=Path, required=True, metavar="metrics.json", help="the document to write")
    parser.add_argument("--patients", type=Path, metavar="FILE.csv", help="columns patient and case, image or mask: intervals then draw patients")
    parser.add_argument("--spacing-mm", type=float, metavar="S", help="width of a pixel of pictures; volumes say their own")
    parser.add_argument("--worst", type=int, default=0, metavar="N", help="draw the N cases with the lowest Dice into the folder worst/ beside metrics.json")
    parser.add_argument("--images", type=Path, metavar="DIR", help="the pictures or volumes to draw them on (black without)")
    parser.add_argument("--json", action="store_true", help="print the summary as one JSON document")


def execute(parsed: argparse.Namespace) -> int:
    """Measure, compare, write, say."""
    from diaphane.core.coding import json_text
    from diaphane.core.storage import write_whole
    from diaphane.train.label_folders import document, measured, read_patients
    from diaphane.train.paired import compared

    _check(parsed)
    folders = _names(parsed.predicted)
    found = measured(parsed.reference, folders, parsed.spacing_mm, _progress)
    cases = {case for result in found.results for case in result.rows}
    patients = read_patients(parsed.patients, sorted(cases)) if parsed.patients else None
    documents = {result.name: document(found, result, patients) for result in found.results}
    first, *others = documents.values()
    whole = {"reference": str(parsed.reference)} | first
    if others:
        whole |= {"others": others, "comparison": compared(documents, patients=patients)}
    write_whole(parsed.out, json_text(whole, indent=1).encode())
    _say(documents, whole.get("comparison"))
    if parsed.worst:
        _draw_worst(parsed, folders, documents)
    if parsed.json:
        summaries = {name: document["summary"] for name, document in documents.items()}
        sys.stdout.write(json_text(first["summary"] if not others else {"summary": summaries, "comparison": whole["comparison"]}) + "\n")
    log.info("%s", parsed.out)
    return 1 if any(document["left_out"] for document in documents.values()) else 0


def _check(parsed: argparse.Namespace) -> None:
    if parsed.spacing_mm is not None and not 1e-4 <= parsed.spacing_mm <= 1000:
        raise UsageError(f"--spacing-mm must lie between 0.0001 and 1000, got {parsed.spacing_mm}")
    if parsed.worst < 0 or (parsed.images and not parsed.worst):
        raise UsageError(f"--worst must be a number of cases from 1 on where --images is given, got {parsed.worst}")
    if parsed.images and not parsed.images.is_dir():
        raise InputError(f"{parsed.images}: no such folder; give the folder of the pictures or volumes")
    _check_out(parsed)


def _check_out(parsed: argparse.Namespace) -> None:
    """Nothing that is read is written over.

    Raises:
        UsageError: ``--out`` is no JSON, or an input, or the worst cases would be drawn among inputs.
    """
    out, maps = parsed.out.resolve(), [folder.resolve() for folder in (parsed.reference, *parsed.predicted)]
    if parsed.out.suffix.lower() != ".json" or out.suffix.lower() != ".json":
        raise UsageError(f"{parsed.out}: --out must end in .json; give it a name such as metrics.json")
    inputs = [place / name for folder in maps for place in (folder, folder.parent) for name in NAMES]
    inputs += [parsed.patients.resolve()] if parsed.patients else []
    if out.exists() and out in (path.resolve() for path in inputs):
        raise UsageError(f"{parsed.out}: is an input; give --out another name")
    if not parsed.worst:
        return
    if out.parent in maps:
        raise UsageError(f"{parsed.out}: lies among the label maps; give --out another folder")
    worst, folders = (out.parent / WORST).resolve(), [*maps, *([parsed.images.resolve()] if parsed.images else [])]
    inside = next((folder for folder in folders if worst in (folder, *folder.parents)), None)
    if inside:
        raise UsageError(f"{parsed.out}: the worst cases are drawn into {worst}, and {inside} is an input; give --out another folder")


def _names(folders: Sequence[Path]) -> dict[str, Path]:
    """A name for each folder: its own, or its whole path where two have the same.

    Raises:
        UsageError: One is given twice.
    """
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise UsageError("a PREDICTED_DIR is given twice; give each once")
    own = [folder.resolve().name for folder in folders]
    return dict(zip(own if len(set(own)) == len(own) else map(str, folders), folders, strict=True))


def _progress(cases: Sequence[str]) -> Iterable[str]:
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    with logging_redirect_tqdm():
        yield from tqdm(cases, desc="evaluate", unit="case", disable=None)


def _say(documents: Mapping[str, Mapping[str, Any]], comparison: Mapping[str, Any] | None) -> None:
    from diaphane.train.paired import sentence

    for name, document in documents.items():
        for case, reason in list(document["left_out"].items())[:NAMED]:
            log.warning("%s: %s left out: %s", name, case, reason)
        if len(document["left_out"]) > NAMED:
            log.warning("%s: %d cases left out in all; metrics.json names them", name, len(document["left_out"]))
        if document["not_in_reference"]:
            log.warning("%s: the values %s are not in the reference and are not scored", name, document["not_in_reference"])
        for label, metrics in document["summary"].items():
            log.info("%s, %s: %s", name, label, "; ".join(_value(SHOWN[m], v) for m, v in metrics.items() if v["count"]))
    for pair in comparison["pairs"] if comparison else ():
        log.info("%s", sentence(pair, comparison or {}))


def _value(name: str, value: Mapping[str, Any]) -> str:
    from diaphane.train.evaluate import interval_words

    return f"{name} {value['mean']:.4g} ({interval_words(value['ci95'], '.4g')}, n {value['count']})"


def _draw_worst(parsed: argparse.Namespace, folders: Mapping[str, Path], documents: Mapping[str, Mapping[str, Any]]) -> None:
    """``worst/01_CASE.png`` and so on; of several folders each in its own."""
    from diaphane.core.storage import write_whole
    from diaphane.train.paired import case_means
    from diaphane.train.worst import drawn

    place = parsed.out.parent / WORST
    for n, (name, folder) in enumerate(folders.items(), start=1):
        scores = case_means(documents[name], "dice")
        chosen = sorted(scores, key=lambda case: scores[case])[: parsed.worst]
        for rank, case in enumerate(chosen, start=1):
            picture = drawn(case, scores[case], parsed.reference, folder, parsed.images)
            where = place if len(folders) == 1 else place / f"{n}_{folder.resolve().name}"
            write_whole(where / f"{rank:02d}_{case}.png", picture)
    log.info("worst cases: %s", place)
