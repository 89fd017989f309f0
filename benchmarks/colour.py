"""Colour and shape of a lesion in a dermoscopy picture: CPU time, one thread.

    .venv/bin/python benchmarks/colour.py [--quick]

The pictures are drawn: rough ellipses of three sizes with speckle; a tenth, half and nine tenths of the lesions of ISIC 2017 are smaller. Half a minute.
"""

from __future__ import annotations

from beside import Way, interleaved, machine, say  # isort: skip  # sets the threads

import argparse

import cv2
import numpy as np

from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.core.recipe import LabelRecipe
from diaphane.measure import Options, colour, extract, regions_of, shape
from diaphane.measure.view import sheet_of, view_of

LESION = (LabelRecipe(value=1, name="skin lesion", role="lesion"),)
SHARES = {"tenth": 0.023, "median": 0.124, "ninetieth": 0.455}
"""Of the picture's area, by percentile."""
SMALL, LARGE = (192, 256), (1944, 2592)


def picture(size: tuple[int, int], share: float) -> tuple[Image, Labels]:
    """A brown lesion with a rough border on speckled skin."""
    rng = np.random.default_rng(1)
    rows, columns = size
    y, x = np.mgrid[:rows, :columns]
    u, v = (x - columns / 2) / columns, (y - rows / 2) / rows
    swing = 1 + 0.1 * np.cos(5 * np.arctan2(v, u)) + 0.03 * np.cos(17 * np.arctan2(v, u))
    mask = np.hypot(u, v) <= np.sqrt(share / np.pi) * swing
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), rows / 100)[..., None]
    drawn = soft * (110, 70, 50) + (1 - soft) * (215, 170, 150) + rng.normal(0, 8, (rows, columns, 1))
    return Image(np.clip(drawn, 0, 255).astype(np.uint8)[None], Geometry()), Labels(mask[None].astype(np.uint8), LESION)


def ways_of(image: Image, labels: Labels, options: Options) -> dict[str, Way]:
    """Shape; colour with what has to be made for it; and all that is measured, texture too."""
    (region,) = regions_of(labels)

    def of_colour() -> object:
        return colour.features(view_of(sheet_of(image, labels.array[0] > 0, options), region, options), options)

    return {
        "shape": lambda: shape.features(region, image.geometry, image.shape),
        "colour": of_colour,
        "all": lambda: extract(image, labels, options),
    }


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of the small pictures: shows that it runs")
    quick = parser.parse_args().quick
    say(machine("numpy", "opencv-contrib-python-headless") + "\n")
    say("| picture | lesion, pixels | grid | shape, ms | colour, ms | both, ms | with texture, ms |\n| --- | --- | --- | --- | --- | --- | --- |")
    cases = [(SMALL, share, Options()) for share in SHARES.values()]
    if not quick:
        cases += [(LARGE, SHARES["median"], Options()), (LARGE, SHARES["median"], Options(long_side_px=0))]
    for size, share, options in cases:
        image, labels = picture(size, share)
        took = interleaved(ways_of(image, labels, options), 1 if quick else 15 if size == SMALL else 3)
        shapes, colours, everything = (1000 * float(np.median(took[name])) for name in ("shape", "colour", "all"))
        both = 1000 * float(np.median(np.add(took["shape"], took["colour"])))
        grid = f"long side {options.long_side_px} px" if options.long_side_px else "its own"
        pixels = int(labels.array.sum())
        say(f"| {size[1]}x{size[0]} | {pixels} | {grid} | {shapes:.1f} | {colours:.1f} | {both:.1f} | {everything:.1f} |")


if __name__ == "__main__":
    main()
