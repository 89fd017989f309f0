"""Where a box is and will be: a Kalman filter of constant velocity for its middle and its size, in seconds, whatever the frame rate.

Source: Kalman, J. Basic Eng. 1960; noises in shares of the face's height as in Wojke et al., DeepSORT, ICIP 2017.
"""

from __future__ import annotations

import numpy as np

from diaphane.track.detection import Box

ACCELERATION = 12.0
"""Standard deviation of what a face's middle and size do unasked, in heights of the face per second squared."""
DETECTED, CARRIED = 0.06, 0.03
"""Standard deviations of a detector's box, and of one carried from the frame before, in heights of the face."""
STARTED = 2.0
"""The same of the velocity of a new face, per second."""
FADE_S = 0.5
"""While a face is not seen its velocity fades with this time: it does not leave the picture by itself."""


class BoxFilter:
    """One box through time. Its four numbers are filtered alike: they share one covariance, in squared heights.

    Its size has no velocity: a face that turns away looks narrower and narrower, and is not going to vanish for that.
    """

    def __init__(self, box: Box, noise: float = DETECTED) -> None:
        self._place = _place(box)
        self._speed = np.zeros(2)
        self._covariance = np.diag([noise**2, STARTED**2])

    @property
    def box(self) -> Box:
        """As expected now."""
        x, y, width, height = (float(v) for v in self._place)
        return x - width / 2, y - height / 2, width, height

    @property
    def spread(self) -> float:
        """Standard deviation of the place, in heights of the face."""
        return float(np.sqrt(self._covariance[0, 0]))

    def predict(self, seconds: float, *, seen: bool = True) -> Box:
        """Go on by ``seconds``; the box expected then."""
        step = np.array([[1, seconds], [0, 1]])
        noise = ACCELERATION**2 * np.array([[seconds**4 / 4, seconds**3 / 2], [seconds**3 / 2, seconds**2]])
        self._covariance = step @ self._covariance @ step.T + noise
        self._place[:2] += seconds * self._speed
        if not seen:
            self._speed = self._speed * np.exp(-seconds / FADE_S)
        return self.box

    def update(self, box: Box, noise: float = DETECTED) -> Box:
        """Take in a box that was measured with that deviation; the box as it is believed then."""
        gain = self._covariance[:, 0] / (self._covariance[0, 0] + noise**2)
        off = _place(box) - self._place
        self._place = self._place + gain[0] * off
        self._place[2:] = np.maximum(self._place[2:], 1.0)
        self._speed = self._speed + gain[1] * off[:2]
        self._covariance = self._covariance - np.outer(gain, self._covariance[0])
        return self.box


def _place(box: Box) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    x, y, width, height = box
    return np.array([x + width / 2, y + height / 2, width, height])
