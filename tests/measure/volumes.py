"""Volumes for the tests of measurement."""

from __future__ import annotations

import numpy as np

from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.core.recipe import LabelRecipe
from diaphane.core.region import Feature, Region
from diaphane.measure import Configuration, Options, extract

Key = tuple[str, str, str]


def geometry(spacing: tuple[float, float, float] = (1, 1, 1)) -> Geometry:
    """Straight axes: slices along z, rows along y, columns along x."""
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = *spacing, 1
    return Geometry(affine, calibrated=True)


def labels_of(array: np.ndarray) -> Labels:
    """Organs, one a value."""
    values = [int(v) for v in np.unique(array) if v]
    return Labels(array.astype(np.uint8), tuple(LabelRecipe(value=v, name=f"organ {v}", role="anatomy") for v in values))


def measured(image: np.ndarray, labels: np.ndarray, configuration: Configuration, spacing: tuple[float, float, float] = (1, 1, 1)) -> tuple[Region, ...]:
    """Regions with the families of ``configuration``."""
    return extract(Image(image, geometry(spacing)), labels_of(labels), Options(radiomics=configuration))


def by_key(region: Region) -> dict[Key, Feature]:
    """Of family, name and aggregation."""
    return {(f.family, f.name, f.aggregation): f for f in region.features}
