"""One bundle on pictures.

Writes DIR/STEM.png (8 bit, value = label, the input's own grid) for each input; with --overlay also STEM_overlay.png,
with --probabilities STEM_probability.png and STEM_uncertainty.png (255 = 1). Pictures that do not look like what the
bundle was trained on are refused (exit code 3) and leave no file.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from diaphane.cli.flags import add_flags, changed
from diaphane.errors import UsageError
from diaphane.segment.options import Options
from diaphane.view.options import Options as ViewOptions

if TYPE_CHECKING:
    from diaphane.engine.bundle import Bundle

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of ``segment``."""
    parser.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help="a picture, or a folder of pictures")
    parser.add_argument("--bundle", required=True, metavar="NAME_OR_PATH", help="a shipped bundle (diaphane models list) or a bundle folder")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the results")
    add_flags(parser, Options, ["threshold"])
    parser.add_argument("--overlay", action="store_true", help="also a coloured picture")
    add_flags(parser, ViewOptions, ["colormap"])
    parser.add_argument("--probabilities", action="store_true", help="also probability and uncertainty maps")


def execute(parsed: argparse.Namespace) -> int:
    """Segment every input; the highest exit code of all."""
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    from diaphane import acquire
    from diaphane.errors import InputError, RefusedError
    from diaphane.segment import segmenters

    bundle = segmenters(Options(bundle=parsed.bundle))[parsed.bundle]
    options = changed(Options(), parsed, ["threshold"])
    view = changed(ViewOptions(), parsed, ["colormap"])
    if parsed.colormap and not parsed.overlay:
        raise UsageError("--colormap colours the picture that --overlay writes; give both or neither")
    files = acquire.expand(parsed.inputs)
    _check_outputs(files, parsed)
    codes = []
    with logging_redirect_tqdm():
        for file in tqdm(files, desc="segment", unit="picture", disable=None):
            try:
                codes.append(_one(file, parsed, bundle, options, view))
            except (InputError, RefusedError) as problem:
                if len(files) == 1 and not parsed.inputs[0].is_dir():
                    raise
                log.error("%s", problem)
                codes.append(problem.exit_code if isinstance(problem, RefusedError) else 1)
    return 1 if 1 in codes else max(codes)


def _check_outputs(files: list[Path], parsed: argparse.Namespace) -> None:
    """No result may overwrite another, or an input."""
    from diaphane.acquire.picture import stem_of

    endings = ["", *["_overlay"] * parsed.overlay, *["_probability", "_uncertainty"] * parsed.probabilities]
    outputs = [parsed.out / f"{stem_of(file)}{ending}.png" for file in files for ending in endings]
    if len({str(path).casefold() for path in outputs}) < len(outputs):
        raise UsageError("two inputs would write the same result, for their names are alike; give them apart")
    sources = {file.resolve() for file in files}
    over = [path for path in outputs if path.resolve() in sources]
    if over:
        raise UsageError(f"{over[0]}: is an input and would be overwritten; give --out another folder")


def _one(file: Path, parsed: argparse.Namespace, bundle: Bundle, options: Options, view: ViewOptions) -> int:
    import numpy as np

    from diaphane import acquire
    from diaphane.acquire import Options as AcquireOptions
    from diaphane.errors import RefusedError
    from diaphane.ops.picture import write_png
    from diaphane.prepare import prepare
    from diaphane.segment import predict
    from diaphane.segment.files import write_labels
    from diaphane.segment.gate import input_verdict, output_verdicts
    from diaphane.view import label_overlay

    case = acquire.read(file, AcquireOptions())
    if not case.images or not case.images[0].is_picture or case.images[0].array.dtype not in (np.uint8, np.uint16):
        what = "a clip" if case.video else "; ".join(v.reason for v in case.verdicts if v.verdict == "refused") or "a volume or a slice of one"
        raise RefusedError(f"{file}: {what}; this command takes pictures: diaphane run takes scans and clips")
    image = case.images[0]
    verdict = input_verdict(image, bundle)
    if verdict.verdict == "refused":
        raise RefusedError(f"{file}: refused by the input gate: {verdict.reason}")
    labels = predict(prepare(image, bundle.recipe), bundle, options)
    write_labels(labels, parsed.out, image.name, probabilities=parsed.probabilities)
    if parsed.overlay:
        write_png(parsed.out / f"{image.name}_overlay.png", label_overlay(image, labels, view, legend=False))
    doubts = [v for v in output_verdicts(labels, bundle) if v.verdict == "doubted"]
    for doubt in doubts:
        log.warning("%s: doubted by the output gate: %s", file, doubt.reason)
    log.info("%s: %s", file, parsed.out / f"{image.name}.png")
    return max((d.exit_code for d in doubts), default=0)
