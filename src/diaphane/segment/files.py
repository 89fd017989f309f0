"""Label maps as files: exact values for machines; of a picture 0-255 for probability and uncertainty."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from diaphane.core.geometry import Geometry
from diaphane.core.labels import Labels
from diaphane.core.recipe import LabelRecipe
from diaphane.errors import InputError
from diaphane.ops.nifti import read_nifti, write_nifti
from diaphane.ops.picture import read_fraction, read_png, write_fraction, write_png

FRACTIONS = ("probability", "uncertainty", "disagreement")


def write_labels(labels: Labels, folder: Path, stem: str, *, geometry: Geometry | None = None, probabilities: bool = True) -> None:
    """``STEM.nii.gz`` of a volume, ``STEM.png`` of a picture (value = label); ``STEM_probability`` and the other ``FRACTIONS`` that there are.

    ``geometry`` is where a volume lies; a picture needs none. In PNG a fraction of 1 is 255, in NIfTI it is 1 (float32).

    Raises:
        InputError: A volume without geometry, a label above 65535, or above 255 in a picture.
    """
    largest = int(labels.array.max(initial=0))
    if largest > (255 if geometry is None else 65535):
        raise InputError(f"the label map holds the value {largest}; files of pictures take labels up to 255, of volumes up to 65535")
    fractions = [(kind, getattr(labels, kind)) for kind in FRACTIONS if probabilities]
    if geometry is not None:
        write_nifti(folder / f"{stem}.nii.gz", labels.array.astype(np.uint8 if largest < 256 else np.uint16), geometry)
    elif labels.array.shape[0] == 1:
        write_png(folder / f"{stem}.png", labels.array[0].astype(np.uint8))
    else:
        raise InputError(f"the labels of a volume of {labels.array.shape[0]} slices need its geometry to be written")
    for kind, fraction in fractions:
        if fraction is not None and geometry is not None:
            write_nifti(folder / f"{stem}_{kind}.nii.gz", fraction.astype(np.float32), geometry)
        elif fraction is not None:
            write_fraction(folder / f"{stem}_{kind}.png", fraction[0])


def read_labels(folder: Path, stem: str, table: tuple[LabelRecipe, ...], source: str) -> Labels:
    """What ``write_labels`` wrote; in pictures probability is exact to 1/510, and None where no file of it is."""
    if (folder / f"{stem}.nii.gz").exists():
        array = read_nifti(folder / f"{stem}.nii.gz")[0]
        files = [folder / f"{stem}_{kind}.nii.gz" for kind in FRACTIONS]
        fractions = [read_nifti(file)[0] if file.exists() else None for file in files]
    else:
        array = read_png(folder / f"{stem}.png")[None]
        files = [folder / f"{stem}_{kind}.png" for kind in FRACTIONS]
        fractions = [read_fraction(file)[None] if file.exists() else None for file in files]
    return Labels(array, table, fractions[0], fractions[1], source, fractions[2])
