"""The main job on made input whose truth is known: three skin lesions, a head CT with a clip of a face beside it, and a virtual patient
whose CT is laid on the film of her face (with the extra ar and the weights of faces, else left out).

Lesions and heads are drawn from a seed. The face is NASA's portrait of an astronaut (public domain, comes with
scikit-image) with a made lesion on the left cheek. Each goes through the whole pipeline; the page shows the result
(coloured) and the truth (white, or in numbers) side by side. Nothing is downloaded, no patient's picture is used. How good
the models are on made input says nothing about patients: for that see their cards (diaphane models list).
"""

from __future__ import annotations

import argparse
import logging
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diaphane.core.arrays import FloatArray
    from diaphane.report.cases import CaseRow

log = logging.getLogger(__name__)
SEED = 7
COUNT = 3
FRAMES, FILMED = 24, 30
NOTE = (
    "Made input, drawn from a seed: three skin lesions, outlined by the model in yellow, their true border in white; and a head CT made of ellipsoids with a "
    "clip of a face (NASA's portrait of an astronaut) on whose left cheek a made lesion lies; and a virtual patient, filmed, with her CT laid "
    "on her face. They show what the program does, not how good it is on patients; "
    "the melanoma probability of a made lesion means nothing."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of ``demo``."""
    parser.add_argument("--out", type=Path, default=Path("diaphane-demo"), metavar="DIR", help="where to put it (default: %(default)s)")


def execute(parsed: argparse.Namespace) -> int:
    """Make the input, run the pipeline, set the truth beside the result."""
    from diaphane.report.cases import INDEX, write_cases

    head, head_code = _head_and_face(parsed.out)
    lesions, lesions_code = _lesions(parsed.out)
    filmed, filmed_code = _filmed_head(parsed.out)
    write_cases([*lesions, head, *filmed], parsed.out, title="Diaphane demo", note=NOTE)
    log.info("report: %s", (parsed.out / INDEX).resolve())
    return max(head_code, lesions_code, filmed_code)


def _lesions(out: Path) -> tuple[list[CaseRow], int]:
    import numpy as np

    from diaphane.core.arrays import BoolArray
    from diaphane.ops.overlap import dice
    from diaphane.ops.paint import outlined
    from diaphane.ops.picture import write_png
    from diaphane.pipeline import run
    from diaphane.plan import Plan
    from diaphane.report.cases import row_of
    from diaphane.simulate.skin import draw_lesion, render_lesion

    rng = np.random.default_rng(SEED)
    sources: list[Path] = []
    truths: list[BoolArray] = []
    for number in range(1, COUNT + 1):
        picture, truth = render_lesion(draw_lesion(rng))
        sources.append(out / "input" / f"made-lesion-{number}.png")
        truths.append(truth)
        write_png(sources[-1], picture)
    rows = []
    code = 0
    for source, truth in zip(sources, truths, strict=True):
        outcome = run(source, out / source.stem, Plan())
        row, labels, code = row_of(outcome, source.stem), outcome.parts[0].labels, max(code, outcome.exit_code)
        if labels is None or row.thumbnail is None:
            rows.append(row)
            continue
        found = labels.array[0] > 0
        said = f"Truth, known because the picture was made: {int(truth.sum())} px; found {int(found.sum())} px; overlap (Dice) {dice(found, truth):.3f}."
        thumbnail = outlined(row.thumbnail, truth.astype(np.uint8), (255, 255, 255))
        rows.append(replace(row, summary=(*row.summary, said), thumbnail=thumbnail, numbers={**row.numbers, "dice_with_truth": dice(found, truth)}))
        log.info("%s: Dice with the truth %.3f", row.name, dice(found, truth))
    return rows, code


def _head_and_face(out: Path) -> tuple[CaseRow, int]:
    import numpy as np

    from diaphane.ops.nifti import write_nifti
    from diaphane.ops.overlap import dice
    from diaphane.pipeline import run
    from diaphane.plan import Plan
    from diaphane.report.cases import row_of
    from diaphane.simulate.head import head_phantom
    from diaphane.simulate.portrait import portrait, write_clip

    rng = np.random.default_rng(SEED)
    phantom = head_phantom(rng)
    scan, clip = out / "input" / "made-head.nii.gz", out / "input" / "face.mp4"
    write_nifti(scan, phantom.image.array, phantom.image.geometry)
    write_clip(clip, portrait(rng)[0], FRAMES)
    outcome = run(scan, out / "made-head", Plan(), face=clip)
    row = row_of(outcome, "made-head")
    labels = outcome.parts[0].labels
    if labels is None:
        return row, outcome.exit_code
    overlap = dice(labels.array == next(x.value for x in labels.table if x.name == "head cavity"), phantom.cavity)
    sites = [finding.site for finding in outcome.decision.findings]
    said = (
        f"Truth, in closed form: a head cavity of {phantom.cavity_ml:.0f} ml; overlap (Dice) {overlap:.3f}. "
        f"The made lesion on the left cheek was {'found' if 'left cheek' in sites else 'not found'}."
    )
    log.info("made-head: Dice of the head cavity with the truth %.3f; lesion on the left cheek: %s", overlap, "left cheek" in sites)
    return replace(row, summary=(*row.summary, said), numbers={**row.numbers, "dice_with_truth": overlap}), outcome.exit_code


def _filmed_head(out: Path) -> tuple[list[CaseRow], int]:
    """The scan of a virtual patient on the film of her face; nothing where what it needs is not here."""
    import json

    import numpy as np
    from tqdm import tqdm

    from diaphane.core.case_folder import REGISTRATION
    from diaphane.engine.pinned import NotPulledError
    from diaphane.errors import UsageError
    from diaphane.pipeline import run
    from diaphane.plan import Plan
    from diaphane.report.cases import row_of
    from diaphane.simulate.head_film import CAMERA, SCAN, TARGETS, TRUTH, VIDEO, patient, write_film

    made = out / "input" / "filmed-head"
    try:
        if not (made / VIDEO).exists():  # the last of its files, and whole
            shutil.rmtree(made, ignore_errors=True)
            for _ in tqdm(write_film(made, patient(SEED, FILMED, (640, 480))), desc="film", total=FILMED, unit="frame", disable=None):
                pass
    except (NotPulledError, UsageError) as problem:
        log.warning("without a scan on a filmed face: %s", problem)
        return [], 0
    outcome = run(made / SCAN, out / "filmed-head", Plan(), face=made / VIDEO, camera=made / CAMERA)
    row = row_of(outcome, "filmed-head")
    points = np.array([target["point_mm"] for target in json.loads((made / TARGETS).read_text(encoding="utf-8"))["targets"]])
    found, true = (_matrices(path) for path in (out / "filmed-head" / REGISTRATION, made / TRUTH))
    off = [float(np.linalg.norm(points @ (found[n] - true[n])[:3, :3].T + (found[n] - true[n])[:3, 3], axis=1).mean()) for n in sorted(found)]
    told = f"{np.median(off):.1f} mm in the median, {max(off):.1f} mm at most" if off else "no frame was sure enough to be drawn"
    said = f"Truth, known because the film was made: {len(found)} of {len(true)} frames are drawn; points inside the head are off by {told}."
    log.info("filmed-head: %d of %d frames drawn; points inside off by %s", len(found), len(true), told)
    return [replace(row, summary=(*row.summary, said))], outcome.exit_code


def _matrices(path: Path) -> dict[int, FloatArray]:
    """Of the solved frames, scan to camera."""
    import json

    import numpy as np

    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
    return {line["frame"]: np.reshape(line["matrix"], (4, 4)) for line in lines if line["solved"]}
