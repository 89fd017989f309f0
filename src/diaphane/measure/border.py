"""Irregularity of a border: how far the outline strays from a smooth ellipse, on the whole and in eighths, and its fractal dimension.

Source: the residual against the ellipse of the same moments, in eight sectors as the B of the ABCD rule has them (Nachbar et al., J Am Acad Dermatol 30,
551 (1994)); the dimension by dilation: Flook, Powder Technology 21, 295 (1978), of lesions: Ng & Lee, Proc SPIE 2898 (1996).
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from diaphane.core.arrays import BoolArray, IntArray
from diaphane.core.region import Region
from diaphane.measure.axes import SECTORS, Axes, sector_of
from diaphane.measure.found import Found

NAMES = ("border_irregularity", "border_irregularity_sector_mean", "border_irregularity_sector_maximum", "fractal_dimension")
SMALLEST = 20
"""px of equivalent diameter, below which the steps between pixels are a good part of any irregularity."""
NARROW, WIDE = 0.02, 0.15
"""Radii of dilation, as shares of the equivalent diameter."""
SEEN = 0.75
"""Share of a sector's border that does not run along the picture's edge, from which the sector counts."""


def irregularity(region: Region, axes: Axes, shape: tuple[int, int, int]) -> Found:
    """Every feature of NAMES. The first three are coefficients of variation of the outline's distance from the centre, counted in radii of the ellipse."""
    diameter = math.sqrt(4 * len(axes.rows) / math.pi)
    if diameter < SMALLEST:
        return dict.fromkeys(NAMES, f"the region is less than {SMALLEST} px across")
    outline = outline_of(region.mask[0])
    free = ~_on_edge(outline, region, shape)
    if np.count_nonzero(free) < SMALLEST:
        return dict.fromkeys(NAMES, "nearly all of the border runs along the picture's edge")
    offsets = outline - axes.centre
    away = np.linalg.norm(offsets @ axes.vectors / (2 * np.sqrt(axes.variances)), axis=1)
    sector = sector_of(offsets, axes.vectors)
    parts = [away[here & free] for here in (sector == n for n in range(SECTORS)) if here.any() and np.mean(free[here]) >= SEEN]
    mean = float(away[free].mean())
    by_sector: list[float | str] = ["the picture ends at every sector of the border"] * 2
    if parts:
        spread = [float(part.std()) / mean for part in parts]
        by_sector = [float(np.mean(spread)), max(spread)]
    return dict(zip(NAMES, (float(away[free].std()) / mean, *by_sector, dimension(outline[free], diameter)), strict=True))


def outline_of(mask: BoolArray) -> IntArray:
    """(n, 2) x, y of the pixels of the outer border, each once; those of holes are none."""
    found, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.unique(np.concatenate([contour[:, 0] for contour in found]), axis=0).astype(np.int64)


def dimension(outline: IntArray, diameter: float) -> float:
    """Fractal dimension, 1 for a smooth line: the area within a radius of the outline grows as the radius to the power of 2 less the dimension."""
    widest = math.ceil(WIDE * diameter)
    narrowest = max(1, round(NARROW * diameter))
    ground = np.ones(np.ptp(outline, axis=0)[::-1] + 1 + 2 * widest, np.uint8)
    x, y = (outline - outline.min(axis=0) + widest).T
    ground[y, x] = 0
    away = cv2.distanceTransform(ground, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    areas = np.cumsum(np.bincount(np.ceil(away[away <= widest]).astype(np.int64)))
    radii = np.unique(np.geomspace(narrowest, widest, 8).round().astype(np.int64))
    slope = np.polyfit(np.log(2 * radii + 1), np.log(areas[radii]), 1)[0]  # a line of pixels is 2 r + 1 wide
    return 2 - float(slope)


def _on_edge(outline: IntArray, region: Region, shape: tuple[int, int, int]) -> BoolArray:
    """Which of its pixels lie on the picture's edge: they are the picture's border, not the region's."""
    (top, _), (left, _) = region.box[1:]
    columns, rows = (outline + np.array([left, top])).T
    return np.asarray((rows == 0) | (columns == 0) | (rows == shape[1] - 1) | (columns == shape[2] - 1))
