"""The difference of two colours as the eye sees it: CIEDE2000.

Source: ISO/CIE 11664-6:2014; computed as by Sharma, Wu, Dalal, Color Research & Application 30, 21 (2005).
"""

from __future__ import annotations

import numpy as np

from diaphane.core.arrays import FloatArray

HALF = 25.0**7


def ciede2000(one: FloatArray, other: FloatArray) -> FloatArray:
    """(…,) differences of CIELAB colours (…, 3); 1 is about what can just be seen."""
    (l1, a1, b1), (l2, a2, b2) = np.moveaxis(one, -1, 0), np.moveaxis(other, -1, 0)
    mean_c = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    stretch = 1 + 0.5 * (1 - np.sqrt(mean_c**7 / (mean_c**7 + HALF)))
    c1, c2 = np.hypot(stretch * a1, b1), np.hypot(stretch * a2, b2)
    h1, h2 = (np.degrees(np.arctan2(b, stretch * a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    grey = c1 * c2 == 0  # a grey has no hue: that of the other counts
    turn = np.where(grey, 0, (h2 - h1 + 180) % 360 - 180)
    hue = np.where(grey, h1 + h2, h1 + turn / 2)
    d_l, d_c, d_h = l2 - l1, c2 - c1, 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    cosines = ((-0.17, 1, -30), (0.24, 2, 0), (0.32, 3, 6), (-0.20, 4, -63))
    t = 1 + sum(weight * np.cos(np.radians(times * hue + shift)) for weight, times, shift in cosines)
    s_l = 1 + 0.015 * (mean_l - 50) ** 2 / np.sqrt(20 + (mean_l - 50) ** 2)
    s_c, s_h = 1 + 0.045 * mean_c, 1 + 0.015 * mean_c * t
    away = (hue % 360 - 275) / 25
    rotation = -2 * np.sqrt(mean_c**7 / (mean_c**7 + HALF)) * np.sin(np.radians(60 * np.exp(-(away**2))))
    light, chroma, turned = d_l / s_l, d_c / s_c, d_h / s_h
    return np.asarray(np.sqrt(light**2 + chroma**2 + turned**2 + rotation * chroma * turned))
