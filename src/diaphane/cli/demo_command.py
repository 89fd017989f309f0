"""The main job on made pictures: three procedural skin lesions, drawn from a seed, whose true outline is known.

Each goes through the whole pipeline; the page shows the result (yellow) and the truth (white) in one picture. Nothing is
downloaded, no patient's picture is used. How good the model is on made lesions says nothing about patients: for that
see its card (diaphane models list).
"""

from __future__ import annotations

import argparse
import logging
from dataclasses import replace
from pathlib import Path

log = logging.getLogger(__name__)
SEED = 7
COUNT = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of ``demo``."""
    parser.add_argument("--out", type=Path, default=Path("diaphane-demo"), metavar="DIR", help="where to put it (default: %(default)s)")


def execute(parsed: argparse.Namespace) -> int:
    """Make the pictures, run the pipeline, set the truth beside the result."""
    import numpy as np

    from diaphane.core.arrays import BoolArray
    from diaphane.ops.overlap import dice
    from diaphane.ops.paint import outlined
    from diaphane.ops.picture import write_png
    from diaphane.pipeline.batch import run_many
    from diaphane.plan import Plan
    from diaphane.report.cases import INDEX, write_cases
    from diaphane.simulate.skin import draw_lesion, render_lesion

    rng = np.random.default_rng(SEED)
    sources: list[Path] = []
    truths: list[BoolArray] = []
    for number in range(1, COUNT + 1):
        picture, truth = render_lesion(draw_lesion(rng))
        sources.append(parsed.out / "pictures" / f"made-lesion-{number}.png")
        truths.append(truth)
        write_png(sources[-1], picture)
    batch = run_many(sources, parsed.out, Plan())
    rows = []
    for row, outcome, truth in zip(batch.rows, batch.outcomes, truths, strict=True):
        if outcome is None or outcome.labels is None or row.thumbnail is None:
            rows.append(row)
            continue
        found = outcome.labels.array[0] > 0
        said = f"Truth, known because the picture was made: {int(truth.sum())} px; found {int(found.sum())} px; overlap (Dice) {dice(found, truth):.3f}."
        thumbnail = outlined(row.thumbnail, truth.astype(np.uint8), (255, 255, 255))
        rows.append(replace(row, summary=(*row.summary, said), thumbnail=thumbnail, numbers={**row.numbers, "dice_with_truth": dice(found, truth)}))
        log.info("%s: Dice with the truth %.3f", row.name, dice(found, truth))
    note = (
        "Three made skin lesions, drawn from a seed: outlined by the model in yellow, their true border in white. "
        "They show what the program does, not how good it is on patients; the melanoma probability of a made lesion means nothing."
    )
    write_cases(rows, parsed.out, title="Diaphane demo", note=note)
    log.info("report: %s", (parsed.out / INDEX).resolve())
    return batch.exit_code
