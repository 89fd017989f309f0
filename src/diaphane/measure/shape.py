"""Shape in the plane. Lengths are in mm where the picture has a scale, else in px."""

from __future__ import annotations

import math

import cv2
import numpy as np

from diaphane.core.arrays import BoolArray
from diaphane.core.geometry import Geometry
from diaphane.core.region import Feature, Region
from diaphane.measure import border
from diaphane.measure.axes import Axes, principal_axes
from diaphane.measure.found import features_of

FAMILY = "morphology"


def features(region: Region, geometry: Geometry, shape: tuple[int, int, int]) -> list[Feature]:
    """Area, perimeter, diameters, roundness, asymmetry of a region's mask. Pixels are square by construction.

    One pixel has an area and a diameter; its axes are those of a unit square. ``shape`` is the image's.
    """
    mask = region.mask[0]
    size = geometry.spacing[2] if geometry.calibrated else 1.0
    length, surface = ("mm", "mm2") if geometry.calibrated else ("px", "px2")
    area = float(mask.sum()) * size**2
    around = perimeter(mask) * size
    hull_px, diameter_px = hull_area_and_diameter(mask)
    axes = principal_axes(mask)
    major, minor = (float(n) for n in 4 * np.sqrt(axes.variances))  # lengths of the ellipse with the mask's second moments
    about_minor, about_major = asymmetries(mask, axes)
    values: list[tuple[str, float, str]] = [
        ("area", area, surface),
        ("area_fraction", float(mask.sum()) / (shape[1] * shape[2]), "1"),
        ("perimeter", around, length),
        ("equivalent_diameter", math.sqrt(4 * area / math.pi), length),
        ("maximum_diameter", diameter_px * size, length),
        ("major_axis_length", major * size, length),
        ("minor_axis_length", minor * size, length),
        ("elongation", minor / major, "1"),
        ("circularity", 4 * math.pi * area / around**2, "1"),
        ("solidity", float(mask.sum()) / hull_px, "1"),
        ("asymmetry", float(np.mean([about_minor, about_major])), "1"),
        ("border_touch", border_touch(region, shape), "1"),
        ("asymmetry_about_major_axis", about_major, "1"),
        ("asymmetry_about_minor_axis", about_minor, "1"),
    ]
    rough = border.irregularity(region, axes, shape)
    return [Feature(family=FAMILY, name=name, value=value, unit=unit) for name, value, unit in values] + features_of(rough, FAMILY)


def perimeter(mask: BoolArray) -> float:
    """Crofton's estimate from crossings in four directions, px.

    Source: Legland, Kiêu, Devaux, Image Analysis & Stereology 26, 83 (2007).
    """
    m = np.pad(mask, 1).astype(np.int8)
    straight = np.count_nonzero(m[1:] != m[:-1]) + np.count_nonzero(m[:, 1:] != m[:, :-1])
    diagonal = np.count_nonzero(m[1:, 1:] != m[:-1, :-1]) + np.count_nonzero(m[1:, :-1] != m[:-1, 1:])
    return math.pi / 8 * (straight + diagonal / math.sqrt(2))


def hull_area_and_diameter(mask: BoolArray) -> tuple[float, float]:
    """Area of the convex hull of the pixels' corners, and the largest distance between two of them; px."""
    edge = mask & ~(cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0) > 0)
    rows, columns = np.nonzero(edge)
    corners = np.concatenate([np.stack([columns + x, rows + y], axis=1) for x in (0, 1) for y in (0, 1)]).astype(np.float32)
    hull = cv2.convexHull(corners)[:, 0].astype(np.float64)
    away = np.linalg.norm(hull[:, None] - hull[None], axis=2)
    return float(cv2.contourArea(hull.astype(np.float32))), float(away.max())


def asymmetries(mask: BoolArray, axes: Axes) -> tuple[float, float]:
    """Share of the area that does not fall on its own mirror image: about the minor axis, and about the major one; 0-1.

    Source: the A of the ABCD rule, Nachbar et al., J Am Acad Dermatol 30, 551 (1994); computed as by Stoecker,
    Li, Moss, Comput Med Imaging Graph 16, 191 (1992).
    """
    about_minor, about_major = (float(1 - axes.folded(mask, n)[0].mean()) for n in (0, 1))
    return about_minor, about_major


def border_touch(region: Region, shape: tuple[int, int, int]) -> float:
    """Share of the four picture edges' length that the region lies on: above 0, the region may be cut off."""
    (top, bottom), (left, right) = region.box[1:]
    mask = region.mask[0]
    rows, columns = shape[1:]
    touching = (
        int(mask[0].sum()) * (top == 0)
        + int(mask[-1].sum()) * (bottom == rows)
        + int(mask[:, 0].sum()) * (left == 0)
        + int(mask[:, -1].sum()) * (right == columns)
    )
    return touching / (2 * (rows + columns))
