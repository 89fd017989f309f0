"""Points without tremble: strongly smoothed while they rest, hardly while they move.

Source: Casiez et al., 1 Euro Filter, CHI 2012. Speeds are in faces per second, so that a near face is smoothed like a far one.
"""

from __future__ import annotations

import numpy as np

from diaphane.core.arrays import FloatArray

REST_HZ = 1.5
"""Cut-off for points at rest."""
QUICKER = 12.0
"""How much it rises, in Hz for one face per second."""
SPEED_HZ = 3.0
"""Cut-off for the speeds."""


class OneEuro:
    """The filter of one set of points."""

    def __init__(self, points: FloatArray, time_s: float) -> None:
        self._points, self._time_s = points, time_s
        self._speed = np.zeros_like(points)

    def __call__(self, points: FloatArray, time_s: float, size: float) -> FloatArray:
        """``points`` (n, 2) smoothed; ``size`` of the face in pixels."""
        step = time_s - self._time_s
        if step <= 0:
            return self._points
        speed = (points - self._points) / step
        self._speed = self._speed + _share(SPEED_HZ, step) * (speed - self._speed)
        fast = np.linalg.norm(self._speed, axis=1, keepdims=True) / size
        common = np.linalg.norm(self._speed.mean(axis=0)) / size
        cut = REST_HZ + QUICKER * np.maximum(fast, common)
        self._points = self._points + _share(cut, step) * (points - self._points)
        self._time_s = time_s
        return self._points


def _share(cut_hz: FloatArray | float, step_s: float) -> FloatArray:
    """How much of a new value is taken in."""
    return np.asarray(1 / (1 + 1 / (2 * np.pi * np.asarray(cut_hz) * step_s)))
