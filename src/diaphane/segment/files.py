"""The label map of a picture as files: exact values for machines, 0-255 for probability and uncertainty."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from diaphane.core.labels import Labels
from diaphane.core.recipe import LabelRecipe
from diaphane.ops.picture import read_fraction, read_png, write_fraction, write_png


def write_labels(labels: Labels, folder: Path, stem: str, *, probabilities: bool = True) -> None:
    """``STEM.png`` (value = label), ``STEM_probability.png``, ``STEM_uncertainty.png`` (255 = 1)."""
    write_png(folder / f"{stem}.png", labels.array[0].astype(np.uint8))
    if probabilities and labels.probability is not None and labels.uncertainty is not None:
        write_fraction(folder / f"{stem}_probability.png", labels.probability[0])
        write_fraction(folder / f"{stem}_uncertainty.png", labels.uncertainty[0])


def read_labels(folder: Path, stem: str, table: tuple[LabelRecipe, ...], source: str) -> Labels:
    """What ``write_labels`` wrote; probability is exact to 1/510."""
    probability, uncertainty = (read_fraction(folder / f"{stem}_{kind}.png")[None] for kind in ("probability", "uncertainty"))
    return Labels(read_png(folder / f"{stem}.png")[None], table, probability, uncertainty, source)
