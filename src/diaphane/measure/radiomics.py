"""The families of a configuration, of each region of a volume."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from diaphane.core.image import Image
from diaphane.core.region import Feature, Region
from diaphane.measure import cooccurrence, gldzm, glrlm, glszm, histogram, intensity, local_intensity, morphology, ngldm, ngtdm, pyradiomics
from diaphane.measure import intensity_volume_histogram as ivh
from diaphane.measure.aggregate import Aggregated
from diaphane.measure.configuration import Configuration, Dimension, Family
from diaphane.measure.sample import Sample, sample_of

TEXTURES: dict[Family, tuple[Callable[[Sample, Dimension], list[Aggregated]], dict[str, str]]] = {
    "glcm": (cooccurrence.features, cooccurrence.CODES),
    "glrlm": (glrlm.features, glrlm.CODES),
    "glszm": (glszm.features, glszm.CODES),
    "gldzm": (gldzm.features, gldzm.CODES),
    "ngtdm": (ngtdm.features, ngtdm.CODES),
    "ngldm": (ngldm.features, ngldm.CODES),
}
PAIRED = {"glcm", "glrlm"}
"""Families with two aggregations a dimension."""
AGGREGATIONS: dict[Dimension, tuple[str, str]] = {
    "2d": ("2D, averaged", "2D, slice-merged"),
    "2.5d": ("2.5D, direction-merged", "2.5D, merged"),
    "3d": ("3D, averaged", "3D, merged"),
}


def features(image: Image, region: Region, configuration: Configuration, unit: str) -> Iterator[Feature]:
    """Every feature of the families, in their order; intensities are in ``unit``."""
    sample = sample_of(image, region, configuration)
    measured = pyradiomics.of_family if configuration.names == "pyradiomics" else of_family
    for family in configuration.families:
        yield from measured(sample, family, configuration, "mm" if image.geometry.calibrated else "px", unit)


def of_family(sample: Sample, family: Family, c: Configuration, length: str, unit: str) -> Iterator[Feature]:
    """Every feature of one family, in lengths of ``length`` and intensities of ``unit``."""
    if family in TEXTURES:
        for found in _textures(sample, family, c.dimensions):
            yield from _written(found, family, TEXTURES[family][1], c.scheme)
    elif family == "morphology":
        units = {name: word.format(length) for name, word in morphology.UNITS.items()}
        units["integrated_intensity"] = f"{length}3" if unit == "1" else f"{unit}.{length}3"
        yield from _written(morphology.features(sample), family, morphology.CODES, c.grid, units)
    elif family == "intensity_histogram":
        why = sample.no_value or sample.no_level
        yield from _written(_nothing("", histogram.CODES, why) if why else histogram.features(sample), family, histogram.CODES, c.scheme)
    else:
        yield from _of_intensities(sample, family, c, length, unit)


def _of_intensities(sample: Sample, family: Family, c: Configuration, length: str, unit: str) -> Iterator[Feature]:
    """Of the families that have the image's own unit."""
    if family == "intensity":
        units = {name: intensity.unit_of(name, unit) for name in intensity.CODES}
        yield from _written(_intensity(sample), family, intensity.CODES, c.grid, units)
    elif family == "local_intensity":
        why = "" if length == "mm" else "the size of a pixel in mm is not known"
        found = _nothing("", local_intensity.CODES, why) if why else local_intensity.features(sample)
        yield from _written(found, family, local_intensity.CODES, c.grid, dict.fromkeys(local_intensity.CODES, unit))
    else:
        found, words = ivh.features(sample, c)
        yield from _written(found, family, ivh.CODES, f"{words}, {c.grid}", {name: ivh.unit_of(name, words, unit) for name in ivh.CODES})


def _intensity(sample: Sample) -> Aggregated:
    if sample.no_value:
        return _nothing("", intensity.CODES, sample.no_value)
    values = intensity.statistics(sample.inside)
    return Aggregated("", values, {name: intensity.reason(name) for name, value in values.items() if math.isnan(value)})


def _textures(sample: Sample, family: Family, dimensions: tuple[Dimension, ...]) -> Iterator[Aggregated]:
    measured, codes = TEXTURES[family]
    why = sample.no_value or sample.no_level
    for dimension in dimensions:
        if why:
            words = AGGREGATIONS[dimension] if family in PAIRED else (dimension.upper(),)
            yield from (_nothing(word, codes, why) for word in words)
        else:
            yield from measured(sample, dimension)


def _nothing(aggregation: str, names: Iterable[str], why: str) -> Aggregated:
    names = tuple(names)
    return Aggregated(aggregation, dict.fromkeys(names, math.nan), dict.fromkeys(names, why))


def _written(found: Aggregated, family: str, codes: dict[str, str], scheme: str, units: dict[str, str] | None = None) -> Iterator[Feature]:
    plain = Feature(family=family, name="", value=0.0, aggregation=found.aggregation, discretisation=scheme)
    for name, value in found.values.items():
        yield replace(plain, name=name, value=value, unit=(units or {}).get(name, "1"), ibsi_code=codes[name], nan_reason=found.reasons.get(name, ""))
