"""The features of a mask's regions: shape, intensity, colour, texture, a line each in a CSV.

MASK lies on the grid of IMAGE: of a picture a PNG, of a volume NIfTI, NRRD or DICOM Segmentation. 0 is background, each other value a region; a PNG of
0 and 255 has one. Of a volume all families of the IBSI are taken, by default in space on its own grid with 32 grey levels; of a picture shape, colour
and texture in the plane, and those families where --config, --dimension, --bin-width, --resample-mm or --names asks for them.

For example:
  diaphane measure scan.nii.gz organs.nii.gz --out features.csv
  diaphane measure scan.nii.gz tumour.nii.gz --out features.csv --config ibsi-c
  diaphane measure scan.nii.gz tumour.nii.gz --out features.csv --resample-mm 1 --bin-width 25 --names pyradiomics
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from diaphane.acquire.options import Options as AcquireOptions
from diaphane.cli.flags import add_flags, changed
from diaphane.core.strict import from_mapping
from diaphane.errors import UsageError
from diaphane.measure.configuration import CONFIGURATIONS, Configuration
from diaphane.measure.options import Options

if TYPE_CHECKING:
    from diaphane.core.image import Image
    from diaphane.core.labels import Labels

log = logging.getLogger(__name__)
FLAGS = ["long_side_px", "bin_count", "colour_constancy"]
OF_PICTURES = ["spacing_mm", "long_side_px", "colour_constancy"]
RADIOMICS = ["bin_width", "resample_mm", "names"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of ``measure``."""
    parser.add_argument("image", type=Path, metavar="IMAGE", help="a picture or a volume")
    parser.add_argument("mask", type=Path, metavar="MASK", help="labels on its grid")
    parser.add_argument("--out", type=Path, required=True, metavar="features.csv", help="the table to write")
    parser.add_argument("--config", metavar="NAME|FILE", help=f"how families are taken: {', '.join(CONFIGURATIONS)}, or a TOML file with these keys")
    parser.add_argument("--dimension", choices=("2d", "2.5d", "3d"), help="of texture, in place of the configuration's")
    parser.add_argument(
        "--resample-mask", action="store_true", help="take the nearest label where a volume's mask lies on another grid; without, that is refused"
    )
    add_flags(parser, AcquireOptions, ["spacing_mm"])
    add_flags(parser, Options, FLAGS)
    add_flags(parser, Configuration, RADIOMICS)


def execute(parsed: argparse.Namespace) -> int:
    """Measure and write the table."""
    from diaphane import acquire, measure
    from diaphane.core.region import features_csv
    from diaphane.core.storage import write_whole

    if parsed.out.resolve() in (parsed.image.resolve(), parsed.mask.resolve()):
        raise UsageError(f"{parsed.out}: is an input and would be overwritten; give --out another name")
    wanted = _configuration(parsed)
    case = acquire.read(parsed.image, changed(AcquireOptions(), parsed, ["spacing_mm"]))
    if not case.images:
        raise UsageError(f"{parsed.image}: a clip has no mask; give a picture or a volume")
    image = case.images[0]
    if not image.is_picture:
        _check_flags(parsed)
        wanted = wanted or _with_flags(Configuration(), parsed)
    options = changed(Options(), parsed, FLAGS) if image.is_picture else Options()
    regions = measure.extract(image, _labels(image, parsed), dataclasses.replace(options, radiomics=wanted))
    write_whole(parsed.out, features_csv((image.name, r) for r in regions).encode())
    log.info("%d features, regions: %d; table: %s", sum(len(r.features) for r in regions), len(regions), parsed.out)
    return 0


def _check_flags(parsed: argparse.Namespace) -> None:
    given = [f"--{name.replace('_', '-')}" for name in OF_PICTURES if getattr(parsed, name) is not None]
    if given:
        raise UsageError(f"{' and '.join(given)}: for pictures alone, {parsed.image} is a volume; leave it out")


def _labels(image: Image, parsed: argparse.Namespace) -> Labels:
    from diaphane import acquire, measure
    from diaphane.acquire.picture import read_mask

    if image.is_picture:
        return read_mask(parsed.mask)
    if not parsed.resample_mask:
        return acquire.read_labels(parsed.mask, image)
    (own, *_) = acquire.read(parsed.mask, AcquireOptions()).images
    drawn = acquire.read_labels(parsed.mask, own)
    moved = measure.onto(own, drawn, image)
    lost = [label.name for label in drawn.table if drawn.mask(label.value).any() and not moved.mask(label.value).any()]
    if lost:
        log.warning("%s: not on the grid of the image, or too small for it, and not measured: %s", parsed.mask.name, ", ".join(lost))
    return moved


def _configuration(parsed: argparse.Namespace) -> Configuration | None:
    """What the flags ask for; None where they ask for no families."""
    if parsed.config is None:
        asked = parsed.dimension is not None or any(getattr(parsed, name) is not None for name in RADIOMICS)
        return _with_flags(Configuration(), parsed) if asked else None
    if parsed.config in CONFIGURATIONS:
        return _with_flags(CONFIGURATIONS[parsed.config], parsed)
    path = Path(parsed.config)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as problem:
        raise UsageError(f"--config {parsed.config}: neither a file nor one of {', '.join(CONFIGURATIONS)}") from problem
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise UsageError(f"{path}: not a readable TOML file ({problem})") from problem
    return _with_flags(from_mapping(Configuration, values, f"{path.name}:"), parsed)


def _with_flags(configuration: Configuration, parsed: argparse.Namespace) -> Configuration:
    if parsed.bin_width is not None and parsed.bin_count is not None:
        raise UsageError("--bin-width and --bin-count are two ways to make grey levels; give one of them")
    try:
        if parsed.bin_count is not None:
            configuration = dataclasses.replace(configuration, bin_width=None, bin_count=parsed.bin_count)
        if parsed.dimension is not None:
            configuration = dataclasses.replace(configuration, dimensions=(parsed.dimension,))
    except ValueError as problem:
        raise UsageError(str(problem)) from problem
    return changed(configuration, parsed, RADIOMICS)
