"""Features under pyradiomics' names and by its formulas: what differs from the IBSI's is written here or is a switch of the configuration.

Source: van Griethuysen et al., Cancer Research 77, e104 (2017); the documentation of pyradiomics 3.0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from diaphane.core.arrays import BoolArray, FloatArray
from diaphane.core.region import Feature
from diaphane.measure import cooccurrence, glrlm, glszm, histogram, intensity, morphology, ngldm, ngtdm
from diaphane.measure.aggregate import FLAT, Aggregated, averaged
from diaphane.measure.configuration import Configuration, Dimension, Family
from diaphane.measure.cubes import surface_points
from diaphane.measure.neighbours import IN_PLANE, IN_SPACE, row_of
from diaphane.measure.sample import Sample

Found = tuple[dict[str, float], dict[str, str]]
"""Values by name, and why those that are NaN do not exist."""
SHAPE = {
    "MeshVolume": "volume_mesh", "VoxelVolume": "volume_voxel_counting", "SurfaceArea": "surface_area", "SurfaceVolumeRatio": "surface_to_volume_ratio",
    "Sphericity": "sphericity", "Maximum3DDiameter": "maximum_3d_diameter", "MajorAxisLength": "major_axis_length",
    "MinorAxisLength": "minor_axis_length", "LeastAxisLength": "least_axis_length", "Elongation": "elongation", "Flatness": "flatness",
}  # fmt: skip
FIRST_ORDER = {
    "10Percentile": "percentile_10", "90Percentile": "percentile_90", "Energy": "energy", "InterquartileRange": "interquartile_range",
    "Maximum": "maximum", "Mean": "mean", "MeanAbsoluteDeviation": "mean_absolute_deviation", "Median": "median", "Minimum": "minimum", "Range": "range",
    "RobustMeanAbsoluteDeviation": "robust_mean_absolute_deviation", "RootMeanSquared": "root_mean_square", "Skewness": "skewness", "Variance": "variance",
}  # fmt: skip
GLCM = {
    "Autocorrelation": "autocorrelation", "JointAverage": "joint_average", "ClusterProminence": "cluster_prominence", "ClusterShade": "cluster_shade",
    "ClusterTendency": "cluster_tendency", "Contrast": "contrast", "Correlation": "correlation", "DifferenceAverage": "difference_average",
    "DifferenceEntropy": "difference_entropy", "DifferenceVariance": "difference_variance", "JointEnergy": "angular_second_moment",
    "JointEntropy": "joint_entropy", "Imc1": "information_correlation_1", "Imc2": "information_correlation_2", "Idm": "inverse_difference_moment",
    "Idmn": "normalised_inverse_difference_moment", "Id": "inverse_difference", "Idn": "normalised_inverse_difference",
    "InverseVariance": "inverse_variance", "MaximumProbability": "joint_maximum", "SumAverage": "sum_average", "SumEntropy": "sum_entropy",
    "SumSquares": "joint_variance",
}  # fmt: skip
GLRLM = dict(zip(
    (
        "ShortRunEmphasis", "LongRunEmphasis", "LowGrayLevelRunEmphasis", "HighGrayLevelRunEmphasis", "ShortRunLowGrayLevelEmphasis",
        "ShortRunHighGrayLevelEmphasis", "LongRunLowGrayLevelEmphasis", "LongRunHighGrayLevelEmphasis", "GrayLevelNonUniformity",
        "GrayLevelNonUniformityNormalized", "RunLengthNonUniformity", "RunLengthNonUniformityNormalized", "RunPercentage", "GrayLevelVariance",
        "RunVariance", "RunEntropy",
    ),
    glrlm.CODES, strict=True,
))  # fmt: skip
GLSZM = dict(zip(
    (
        "SmallAreaEmphasis", "LargeAreaEmphasis", "LowGrayLevelZoneEmphasis", "HighGrayLevelZoneEmphasis", "SmallAreaLowGrayLevelEmphasis",
        "SmallAreaHighGrayLevelEmphasis", "LargeAreaLowGrayLevelEmphasis", "LargeAreaHighGrayLevelEmphasis", "GrayLevelNonUniformity",
        "GrayLevelNonUniformityNormalized", "SizeZoneNonUniformity", "SizeZoneNonUniformityNormalized", "ZonePercentage", "GrayLevelVariance",
        "ZoneVariance", "ZoneEntropy",
    ),
    glszm.CODES, strict=True,
))  # fmt: skip
NGTDM = {name.capitalize(): name for name in ngtdm.CODES}
NGLDM = {
    "SmallDependenceEmphasis": "low_dependence_emphasis", "LargeDependenceEmphasis": "high_dependence_emphasis",
    "LowGrayLevelEmphasis": "low_grey_level_count_emphasis", "HighGrayLevelEmphasis": "high_grey_level_count_emphasis",
    "SmallDependenceLowGrayLevelEmphasis": "low_dependence_low_grey_level_emphasis",
    "SmallDependenceHighGrayLevelEmphasis": "low_dependence_high_grey_level_emphasis",
    "LargeDependenceLowGrayLevelEmphasis": "high_dependence_low_grey_level_emphasis",
    "LargeDependenceHighGrayLevelEmphasis": "high_dependence_high_grey_level_emphasis", "GrayLevelNonUniformity": "grey_level_non_uniformity",
    "DependenceNonUniformity": "dependence_count_non_uniformity", "DependenceNonUniformityNormalized": "normalised_dependence_count_non_uniformity",
    "GrayLevelVariance": "grey_level_variance", "DependenceVariance": "dependence_count_variance", "DependenceEntropy": "dependence_count_entropy",
}  # fmt: skip
CLASSES: dict[Family, str] = {"morphology": "shape", "intensity": "firstorder", "ngldm": "gldm"}
"""Its word for a family where that is another one."""
TEXTURES: dict[Family, tuple[Callable[[Sample, Dimension], list[Aggregated]], dict[str, str]]] = {
    "glcm": (cooccurrence.features, GLCM), "glrlm": (glrlm.features, GLRLM), "glszm": (glszm.features, GLSZM),
    "ngtdm": (ngtdm.features, NGTDM), "ngldm": (ngldm.features, NGLDM),
}  # fmt: skip
PLANES = {"Maximum2DDiameterSlice": 0, "Maximum2DDiameterColumn": 1, "Maximum2DDiameterRow": 2}
"""The axis (k, j, i) along which nothing changes."""


def of_family(sample: Sample, family: Family, c: Configuration, length: str, unit: str) -> Iterator[Feature]:
    """Every feature of one family; the histogram has none of its own, its entropy and uniformity are of first order, and some families have none at all."""
    name = CLASSES.get(family, family)
    if family == "morphology":
        values, reasons = _shape(sample)
        units = {n: morphology.UNITS[o].format(length) for n, o in SHAPE.items() if o in morphology.UNITS} | dict.fromkeys(PLANES, length)
        yield from _written((values, reasons), Feature(family=name, name="", value=0.0, discretisation=c.grid), units)
    elif family == "intensity":
        values, reasons = _first_order(sample)
        units = {n: intensity.unit_of(o, unit) for n, o in FIRST_ORDER.items()}
        units["TotalEnergy"] = f"{length}3" if unit == "1" else f"{unit}2.{length}3"
        yield from _written((values, reasons), Feature(family=name, name="", value=0.0, discretisation=c.scheme), units)
    elif family in TEXTURES:
        aggregation, found = _texture(sample, family, c)
        yield from _written(found, Feature(family=name, name="", value=0.0, aggregation=aggregation, discretisation=c.scheme), {})


def _written(found: Found, plain: Feature, units: dict[str, str]) -> Iterator[Feature]:
    values, reasons = found
    for name, value in values.items():
        yield replace(plain, name=f"original_{plain.family}_{name}", value=value, unit=units.get(name, "1"), nan_reason=reasons.get(name, ""))


def _renamed(names: dict[str, str], values: dict[str, float], reasons: dict[str, str]) -> Found:
    return {new: values[old] for new, old in names.items()}, {new: reasons[old] for new, old in names.items() if old in reasons}


def _nothing(names: dict[str, str], why: str) -> Found:
    return dict.fromkeys(names, math.nan), dict.fromkeys(names, why)


def _shape(sample: Sample) -> Found:
    """The axes have the variance of a population (n), where the IBSI's reference values have that of a sample (n - 1)."""
    if not sample.shape_mask.any():
        return _nothing({**SHAPE, **dict.fromkeys(PLANES, "")}, sample.no_value)
    found = morphology.features(sample, turned=True)
    values, reasons = _renamed(SHAPE, found.values, found.reasons)
    count = int(np.count_nonzero(sample.shape_mask))
    for name in ("MajorAxisLength", "MinorAxisLength", "LeastAxisLength"):
        values[name] *= math.sqrt((count - 1) / count)
    return values | {name: _diameter(sample.shape_mask, sample.matrix, axis) for name, axis in PLANES.items()}, reasons


def _diameter(mask: BoolArray, matrix: FloatArray, axis: int) -> float:
    """The largest distance between two points of the surface at one place along ``axis``."""
    points = surface_points(mask)
    places = np.unique(points[:, axis])
    return max(morphology.largest_distance(points[points[:, axis] == place] @ matrix.T) for place in places)


def _first_order(sample: Sample) -> Found:
    """Kurtosis is 3 more than the IBSI's; entropy and uniformity are those of the grey levels."""
    names = [*FIRST_ORDER, "Kurtosis", "TotalEnergy", "Entropy", "Uniformity"]
    if sample.no_value:
        return _nothing(dict.fromkeys(names, ""), sample.no_value)
    found = intensity.statistics(sample.inside)
    values = {new: found[old] for new, old in FIRST_ORDER.items()}
    values["Kurtosis"] = found["excess_kurtosis"] + 3
    values["TotalEnergy"] = found["energy"] * abs(float(np.linalg.det(sample.matrix)))
    reasons = {name: FLAT for name, value in values.items() if math.isnan(value)}
    levels = histogram.features(sample).values if not sample.no_level else dict.fromkeys(histogram.CODES, math.nan)
    values |= {"Entropy": levels["entropy"], "Uniformity": levels["uniformity"]}
    return values, reasons | (dict.fromkeys(("Entropy", "Uniformity"), sample.no_level) if sample.no_level else {})


def _texture(sample: Sample, family: Family, c: Configuration) -> tuple[str, Found]:
    """Means over directions; in the plane over all slices at once (the IBSI's 2.5D)."""
    (dimension,) = c.dimensions
    measured, names = TEXTURES[family]
    why = sample.no_value or sample.no_level
    if why:
        return "", _nothing(names | ({"MCC": ""} if family == "glcm" else {}), why)
    found = measured(sample, dimension)[0]
    values, reasons = _renamed(names, found.values, found.reasons)
    if family == "glcm":
        row = row_of(sample.levels)
        matrices = cooccurrence.cooccurrences(row, 0, row.levels.size - 2 * row.plane, IN_SPACE if dimension == "3d" else IN_PLANE, sample.count)
        more = averaged([{"MCC": cooccurrence.maximal_correlation(matrices[matrices.any(axis=(1, 2))])}], ["MCC"], cooccurrence.NO_PAIR)
        values, reasons = values | more[0], reasons | more[1]
    return found.aggregation, (values, reasons)
