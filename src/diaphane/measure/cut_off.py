"""Abruptness of the border: how lightness steps up across it, in eight sectors.

The step is the steepest that lies near the border, so that an outline a few pixels off does not hide it.
Source: the B of the ABCD rule, the number of eighths in which pigment is cut off abruptly (Nachbar et al., J Am Acad Dermatol 30, 551 (1994));
measured across the border as by Day, Comput Med Imaging Graph 24, 69 (2000).
"""

from __future__ import annotations

import cv2
import numpy as np

from diaphane.core.arrays import BoolArray, FloatArray
from diaphane.measure.axes import SECTORS, sector_of
from diaphane.measure.found import Found
from diaphane.measure.patch import Patch

NAMES = ("border_step_mean", "border_step_minimum", "border_sharpness_mean", "abrupt_sectors_share", "abrupt_sectors", "border_sectors_seen")
REACH = 0.2
"""How far it is looked from the border to either side, as a share of the equivalent diameter."""
BANDS = 16
"""On either side, so each is 1/80 of the diameter wide."""
STEP = 4
"""Bands that are averaged before and after a step."""
NEAR = 8
"""Bands by which a step may lie off the border; further out is what the contrast is taken of."""
SHARP = 1 / 3
"""Share of the contrast within one step from which a sector is abrupt: that of a ramp three twentieths of the diameter wide."""
CLEAR = 12.0
"""Units of lightness (CIELAB) that such a step has at least."""
FAINT = 5.0
"""Units of contrast below which a border has no sharpness."""
SEEN = 0.75
"""Share of its border beyond which the picture goes on, from which a sector is seen."""
SMALLEST = 16
"""px of equivalent diameter, below which a band has no pixels."""


def steps(patch: Patch) -> Found:
    """Every feature of NAMES: steps in units of lightness, sharpness the share of the contrast that one step has, 1 at most."""
    if patch.diameter < SMALLEST:
        return dict.fromkeys(NAMES, f"the region is less than {SMALLEST} px across on this grid")
    sums, counts = _profiles(patch)
    step, contrast, whole = _steps(sums, counts)
    seen = _seen(patch) & whole
    number = int(seen.sum())
    if not number:
        return dict.fromkeys(NAMES[:-1], "the picture ends at every sector of the border") | {NAMES[-1]: 0.0}
    step, contrast = step[seen], contrast[seen]
    there = contrast >= FAINT
    sharpness = np.clip(step[there] / contrast[there], 0, 1)
    abrupt = int(np.count_nonzero((step >= CLEAR) & (step >= SHARP * contrast)))
    values: tuple[float | str, ...] = (
        float(step.mean()),
        float(step.min()),
        float(sharpness.mean()) if len(sharpness) else f"no sector is {FAINT:g} units darker within the border than without",
        abrupt / number,
        float(abrupt) if number == SECTORS else f"the picture ends at {SECTORS - number} of the border's {SECTORS} sectors",
        float(number),
    )
    return dict(zip(NAMES, values, strict=True))


def _profiles(patch: Patch) -> tuple[FloatArray, FloatArray]:
    """(sector, band) sums of lightness and numbers of pixels, bands from inside to outside; other regions are left out."""
    far = REACH * patch.diameter
    inwards, outwards = (np.minimum(cv2.distanceTransform(m.astype(np.uint8), cv2.DIST_L2, 5), far + 1) for m in (patch.mask, ~patch.mask))
    band = np.floor(np.where(patch.mask, 0.5 - inwards, outwards - 0.5) * (BANDS / far)).astype(np.int64) + BANDS
    rows, columns = np.nonzero((band >= 0) & (band < 2 * BANDS) & (patch.mask | ~patch.other))
    place = sector_of(np.stack([columns, rows], axis=1) - patch.axes.centre, patch.axes.vectors) * 2 * BANDS + band[rows, columns]
    lightness = patch.lab[rows, columns, 0].astype(np.float64)
    sums, counts = (np.bincount(place, weights, SECTORS * 2 * BANDS).reshape(SECTORS, -1) for weights in (lightness, np.ones(len(place))))
    return np.asarray(sums), np.asarray(counts)


def _steps(sums: FloatArray, counts: FloatArray) -> tuple[FloatArray, FloatArray, BoolArray]:
    """The steepest step of each sector, its whole contrast, and whether there were pixels for both."""

    def mean(first: int, end: int) -> FloatArray:
        some = counts[:, first:end].sum(axis=1)
        return np.asarray(np.divide(sums[:, first:end].sum(axis=1), some, out=np.full(SECTORS, np.nan), where=some > 0))

    jumps = np.array([mean(n, n + STEP) - mean(n - STEP, n) for n in range(BANDS - NEAR, BANDS + NEAR + 1)])
    contrast = mean(BANDS + NEAR, 2 * BANDS) - mean(0, BANDS - NEAR)
    whole = np.isfinite(jumps).any(axis=0) & np.isfinite(contrast)
    return np.where(np.isfinite(jumps), jumps, -np.inf).max(axis=0), contrast, whole


def _seen(patch: Patch) -> BoolArray:
    """Of each sector, whether its border is there and the picture goes on for at least a step beyond it."""
    edge = patch.mask & (cv2.erode(patch.mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0) == 0)
    rows, columns = np.nonzero(edge)
    to_edge = np.min([rows, columns, edge.shape[0] - 1 - rows, edge.shape[1] - 1 - columns], axis=0)
    sector = sector_of(np.stack([columns, rows], axis=1) - patch.axes.centre, patch.axes.vectors)
    inside, all_of_it = (np.bincount(sector, w, SECTORS) for w in (to_edge >= REACH * patch.diameter * STEP / BANDS, None))
    return np.asarray((all_of_it > 0) & (inside >= SEEN * all_of_it))
