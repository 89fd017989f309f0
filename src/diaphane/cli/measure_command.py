"""The features of a mask's regions: shape, intensity, colour, texture, a line each in a CSV.

MASK is a PNG on the image's own grid: 0 is background, each other value a region; a mask of 0 and 255 has one.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from diaphane.acquire.options import Options as AcquireOptions
from diaphane.cli.flags import add_flags, changed
from diaphane.errors import UsageError
from diaphane.measure.options import Options

log = logging.getLogger(__name__)
FLAGS = ["long_side_px", "bin_count"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of ``measure``."""
    parser.add_argument("image", type=Path, metavar="IMAGE", help="a picture")
    parser.add_argument("mask", type=Path, metavar="MASK", help="a PNG with the same size")
    parser.add_argument("--out", type=Path, required=True, metavar="features.csv", help="the table to write")
    add_flags(parser, AcquireOptions, ["spacing_mm"])
    add_flags(parser, Options, FLAGS)


def execute(parsed: argparse.Namespace) -> int:
    """Measure and write the table."""
    from diaphane import acquire, measure
    from diaphane.acquire.picture import read_mask
    from diaphane.core.region import features_csv
    from diaphane.core.storage import write_whole

    if parsed.out.resolve() in (parsed.image.resolve(), parsed.mask.resolve()):
        raise UsageError(f"{parsed.out}: is an input and would be overwritten; give --out another name")
    image = acquire.read(parsed.image, changed(AcquireOptions(), parsed, ["spacing_mm"])).images[0]
    labels = read_mask(parsed.mask)
    regions = measure.extract(image, labels, changed(Options(), parsed, FLAGS))
    write_whole(parsed.out, features_csv((image.name, r) for r in regions).encode())
    log.info("%d features, regions: %d; table: %s", sum(len(r.features) for r in regions), len(regions), parsed.out)
    return 0
