"""One bundle on pictures or on volumes.

Writes for each input DIR/STEM.png (8 bit, value = label) of a picture, DIR/STEM.nii.gz of a volume (NIfTI, NRRD, DICOM), on the
input's own grid; with --overlay also STEM_overlay.png, of a volume sheets of slices; with --probabilities STEM_probability and
STEM_uncertainty (PNG: 255 = 1, NIfTI: 1), of several looks also STEM_disagreement. Inputs of another kind than the bundle's, and
pictures that do not look like what it was trained on, are refused (exit code 3) and leave no file.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from diaphane.cli.flags import add_flags, changed
from diaphane.engine.options import Options as EngineOptions
from diaphane.errors import UsageError
from diaphane.segment.options import Options
from diaphane.view.options import Options as ViewOptions

if TYPE_CHECKING:
    from diaphane.core.arrays import Array
    from diaphane.core.case import Case
    from diaphane.core.image import Image
    from diaphane.core.labels import Labels
    from diaphane.engine.bundle import Bundle

log = logging.getLogger(__name__)
SUFFIXES = (".png", ".nii.gz")
"""Of the label maps of pictures and of volumes."""
FLAGS = ["threshold", "overlap", "mirror", "members"]
ENGINE_FLAGS = ["engine", "precision", "threads", "memory_mb"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of ``segment``."""
    parser.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help="a picture or volume, a DICOM folder, or a folder of files")
    parser.add_argument("--bundle", required=True, metavar="NAME_OR_PATH", help="a shipped bundle (diaphane models list) or a bundle folder")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the results")
    add_flags(parser, Options, FLAGS)
    parser.add_argument("--overlay", action="store_true", help="also a coloured picture")
    add_flags(parser, ViewOptions, ["colormap"])
    parser.add_argument("--probabilities", action="store_true", help="also probability and uncertainty maps")
    add_flags(parser, EngineOptions, ENGINE_FLAGS)


def execute(parsed: argparse.Namespace) -> int:
    """Segment every input; the highest exit code of all."""
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    from diaphane import acquire
    from diaphane.engine.session import running
    from diaphane.errors import InputError, RefusedError
    from diaphane.segment import segmenters

    bundle = segmenters(Options(bundle=parsed.bundle))[parsed.bundle]
    options, engine = changed(Options(), parsed, FLAGS), changed(EngineOptions(), parsed, ENGINE_FLAGS)
    view = changed(ViewOptions(), parsed, ["colormap"])
    if parsed.colormap and not parsed.overlay:
        raise UsageError("--colormap colours the picture that --overlay writes; give both or neither")
    files = acquire.expand(parsed.inputs)
    _check_outputs(files, parsed)
    codes = []
    with logging_redirect_tqdm(), running(engine, pictures=len(files)) as used:
        for file in tqdm(files, desc="segment", unit="file", disable=None):
            try:
                codes.append(_one(file, parsed, bundle, options, view))
            except (InputError, RefusedError) as problem:
                if len(files) == 1 and not parsed.inputs[0].is_dir():
                    raise
                log.error("%s", problem)
                codes.append(problem.exit_code if isinstance(problem, RefusedError) else 1)
    for name, ran in used.items():
        log.info("%s was run by %s", name, ran.words)
    return 1 if 1 in codes else max(codes)


def _check_outputs(files: list[Path], parsed: argparse.Namespace) -> None:
    """No result may overwrite another, or an input."""
    from diaphane.acquire.picture import stem_of

    endings = ["", *["_overlay"] * parsed.overlay, *["_probability", "_uncertainty", "_disagreement"] * parsed.probabilities]
    outputs = [parsed.out / f"{stem_of(file)}{ending}{suffix}" for file in files for ending in endings for suffix in SUFFIXES]
    if len({str(path).casefold() for path in outputs}) < len(outputs):
        raise UsageError("two inputs would write the same result, for their names are alike; give them apart")
    sources = {file.resolve() for file in files}
    over = [path for path in outputs if path.resolve() in sources]
    if over:
        raise UsageError(f"{over[0]}: is an input and would be overwritten; give --out another folder")


def _one(file: Path, parsed: argparse.Namespace, bundle: Bundle, options: Options, view: ViewOptions) -> int:
    from diaphane import acquire
    from diaphane.acquire import Options as AcquireOptions
    from diaphane.errors import RefusedError
    from diaphane.ops.picture import write_png
    from diaphane.prepare import prepare
    from diaphane.segment import predict
    from diaphane.segment.files import write_labels
    from diaphane.segment.gate import input_verdict, output_verdicts

    case = acquire.read(file, AcquireOptions())
    image = _image(file, case)
    verdict = input_verdict(image, bundle)
    if verdict.verdict == "refused":
        raise RefusedError(f"{file}: refused by the input gate: {verdict.reason}")
    labels = predict(prepare(image, bundle.recipe), bundle, options)
    write_labels(labels, parsed.out, image.name, geometry=None if image.is_picture else image.geometry, probabilities=parsed.probabilities)
    if parsed.overlay:
        write_png(parsed.out / f"{image.name}_overlay.png", _overlay(image, labels, bundle, view))
    said = (*case.verdicts, verdict, *output_verdicts(labels, bundle, None if image.is_picture else image.geometry))
    doubts = [v for v in said if v.verdict == "doubted"]
    for doubt in doubts:
        log.warning("%s: doubted by the %s gate: %s", file, doubt.gate, doubt.reason)
    log.info("%s: %s", file, parsed.out / f"{image.name}{SUFFIXES[not image.is_picture]}")
    return max((d.exit_code for d in doubts), default=0)


def _image(file: Path, case: Case) -> Image:
    import numpy as np

    from diaphane.errors import RefusedError

    if not case.images:
        reasons = "; ".join(v.reason for v in case.verdicts if v.verdict == "refused")
        raise RefusedError(f"{file}: {'a clip; this command takes pictures and volumes: diaphane run takes clips' if case.video else reasons}")
    image = case.images[0]
    if image.is_picture and image.array.dtype not in (np.uint8, np.uint16):
        raise RefusedError(f"{file}: one slice of a scan: give the whole series, or export the slice as a picture")
    return image


def _overlay(image: Image, labels: Labels, bundle: Bundle, view: ViewOptions) -> Array:
    from diaphane.core.outcome import Part
    from diaphane.view.overlay import label_overlay, slice_overlay

    if image.is_picture:
        return label_overlay(image, labels, view, legend=False)
    return slice_overlay(Part(image=image, modality=bundle.recipe.modality, labels=labels), view)
