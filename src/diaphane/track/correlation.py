"""A face followed as a whole, by what it and its surroundings look like: for when it turns away and neither detector nor corners know it.

A linear filter that gives a peak at the middle of what it was trained on, over edges of six directions, lightness and colour, learnt anew with every frame.

Source: Bolme et al., CVPR 2010; Danelljan et al., DSST, BMVC 2014 (several channels, scales).
"""

from __future__ import annotations

import cv2
import numpy as np

from diaphane.core.arrays import Array, FloatArray
from diaphane.track.detection import Box, resized

AROUND = 2.4
"""Side of what is looked at, in longer sides of the box."""
SIDE, CELLS = 64, 32
"""Pixels of it, and places at which the filter answers, along a side."""
DIRECTIONS = 6
PEAK = 0.08
"""Deviation of the wanted peak, as a share of the side."""
RIDGE = 0.01
LEARN = 0.04
SCALES = (1.0, 1.03, 1 / 1.03)
SCALE_COST = 0.98
"""The answer at another size must be better by this."""


class Correlation:
    """The filter of one target."""

    def __init__(self, frame: Array, box: Box) -> None:
        self._above, self._below = _trained(frame, box)

    def learn(self, frame: Array, box: Box, share: float = LEARN) -> None:
        """Take in what is in ``box`` now, with that weight."""
        above, below = _trained(frame, box)
        self._above = (1 - share) * self._above + share * above
        self._below = (1 - share) * self._below + share * below

    def locate(self, frame: Array, box: Box) -> tuple[Box, float]:
        """Where it is now, looked for around ``box``; and how sure that is: the height of the peak over the rest, in deviations of the rest."""
        best: tuple[float, Box, float] | None = None
        for scale in SCALES:
            here = resized(box, scale)
            answer = np.fft.irfft2((np.conj(self._above) * _channels(frame, here)).sum(axis=0) / (self._below + RIDGE), s=(CELLS, CELLS))
            row, column, height = _peak(answer)
            value = height * (1.0 if scale == 1 else SCALE_COST)
            if best is None or value > best[0]:
                cell = AROUND * max(here[2], here[3]) / CELLS
                best = value, (here[0] + column * cell, here[1] + row * cell, here[2], here[3]), _sureness(answer, row, column)
        if best is None:
            return box, 0.0
        return best[1], best[2]


def _trained(frame: Array, box: Box) -> tuple[Array, FloatArray]:
    found = _channels(frame, box)
    return found * np.conj(_WANTED), np.asarray((found * np.conj(found)).real.sum(axis=0))


def _channels(frame: Array, box: Box) -> Array:
    """(channel, row, column) in frequencies."""
    side = AROUND * max(box[2], box[3])
    scale = SIDE / side
    corner = box[0] + (box[2] - side) / 2, box[1] + (box[3] - side) / 2
    to = np.array([[scale, 0, -corner[0] * scale], [0, scale, -corner[1] * scale]])
    near = cv2.warpAffine(frame, to, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    lab = cv2.cvtColor(near, cv2.COLOR_RGB2LAB).astype(np.float32) / 255
    light = lab[..., 0]
    gx, gy = cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1)
    size = np.sqrt(gx**2 + gy**2)
    size /= size.mean() + 1e-3
    turn = np.arctan2(gy, gx) % np.pi * (DIRECTIONS / np.pi)
    edges = [np.minimum(size, 4) * np.maximum(0, 1 - np.minimum(np.abs(turn - n), DIRECTIONS - np.abs(turn - n))) for n in range(DIRECTIONS)]
    grey = (light - light.mean()) / (light.std() + 0.02)
    colour = [8 * (lab[..., n] - lab[..., n].mean()) for n in (1, 2)]
    planes = np.stack([cv2.resize(plane, (CELLS, CELLS), interpolation=cv2.INTER_AREA) for plane in (*edges, grey, *colour)])
    return np.asarray(np.fft.rfft2(planes * _FADE))


def _peak(answer: FloatArray) -> tuple[float, float, float]:
    """Row and column of the peak from the middle, between the cells, and its height."""
    row, column = (int(n) for n in np.unravel_index(int(answer.argmax()), answer.shape))
    height = float(answer[row, column])
    down = _between(answer[row - 1, column], height, answer[(row + 1) % CELLS, column])
    across = _between(answer[row, column - 1], height, answer[row, (column + 1) % CELLS])
    half = CELLS // 2
    return (row + half) % CELLS - half + down, (column + half) % CELLS - half + across, height


def _between(before: float, here: float, after: float) -> float:
    """Where between three samples their parabola is highest, -0.5 to 0.5."""
    bend = before - 2 * here + after
    return float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < 0 else 0.0


def _sureness(answer: FloatArray, row: float, column: float) -> float:
    around = np.roll(answer, (CELLS // 2 - round(row), CELLS // 2 - round(column)), (0, 1))
    peak = float(around[CELLS // 2, CELLS // 2])
    low, high = CELLS // 2 - 4, CELLS // 2 + 5
    rest = np.concatenate([around[:low].ravel(), around[high:].ravel(), around[low:high, :low].ravel(), around[low:high, high:].ravel()])
    return float((peak - rest.mean()) / (rest.std() + 1e-6))


_STEPS = np.minimum(np.arange(CELLS), CELLS - np.arange(CELLS))
_WANTED = np.fft.rfft2(np.exp(-0.5 * (_STEPS[:, None] ** 2 + _STEPS**2) / (PEAK * CELLS / 2) ** 2))
_FADE = np.outer(np.hanning(CELLS), np.hanning(CELLS)).astype(np.float32)
