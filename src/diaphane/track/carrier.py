"""How a target is carried from frame to frame by its pixels, between detections: two ways behind one interface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from diaphane.core.arrays import Array, FloatArray
from diaphane.track.correlation import Correlation
from diaphane.track.detection import Box, resized
from diaphane.track.flow import FEWEST, FIT_PX, Motion, Window, agreed, corners_in, followed, motion

AGREED = 0.25
"""Of the corners, at least this share must agree on where the face went."""
SURENESS, FOUND = 7.0, 12.0
"""Of a face that is followed as a whole, at least; and of one that is found so after it was lost sight of."""
LEARN_EVERY, ANEW = 2, 0.18
"""A face as a whole is learnt from one of so many detections, and so much of it is new then."""


@dataclass(frozen=True, slots=True)
class Step:
    """Two frames, one after the other."""

    before: Array | None
    """Grey; None: there was none of this size."""
    now: Array
    """Grey."""
    frame: Array
    """The same in colour."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a target before its pixels are looked for."""

    last: Box
    """Where it was in the frame before."""
    expected: Box
    """Where its filter expects it."""
    missed: bool
    """Whether the detector did not see it when it last looked."""
    lost: bool
    """Whether it was nowhere in the frame before."""


class Carrier(Protocol):
    """The pixels of one target."""

    def carry(self, step: Step, known: Known) -> Box | None:
        """Where it is in the frame; None where that cannot be told."""

    def learn(self, step: Step, box: Box) -> None:
        """A detector saw it in ``box``."""


class WholeCarrier:
    """By its corners while the detector sees it, for they are exact; else as a whole, for corners of a face that turns slide off it."""

    def __init__(self, step: Step, box: Box) -> None:
        self._whole = Correlation(step.frame, box)
        self._detections = 0

    def carry(self, step: Step, known: Known) -> Box | None:
        """As ``Carrier`` says."""
        if not known.missed and not known.lost and step.before is not None:
            moved = motion(step.before, step.now, known.last)
            if moved is not None and moved.agreed >= AGREED:
                return moved.box(known.last)
        box, sureness = self._whole.locate(step.frame, known.expected)
        if sureness < (FOUND if known.lost else SURENESS):
            return None
        if known.missed:
            self._whole.learn(step.frame, box)
        return box

    def learn(self, step: Step, box: Box) -> None:
        """As ``Carrier`` says."""
        self._detections += 1
        if self._detections % LEARN_EVERY == 0:
            self._whole.learn(step.frame, box, ANEW)


MOST, THIN = 60, 0.5
"""Points a face, and the share of them below which new ones are added."""
NEAR_PX = 4.0
"""A new point lies at least so far from the others, at the working size."""
VIEW_PX = 96
"""Of a face, when descriptors are taken."""
DESCRIPTORS, SEARCHED = 120, 300
ALIKE = 0.8
"""A match counts whose distance is less than this share of the next best one's."""
FEWEST_MATCHES = 10
EVERY = 3
"""A lost face is looked for by its descriptors in every third frame."""


class PointsCarrier:
    """By corners that are followed as long as they can be, and by descriptors of them once they are lost.

    Source: ORB by Rublee et al., ICCV 2011; ratio test by Lowe, IJCV 2004.
    """

    def __init__(self, step: Step, box: Box) -> None:
        self._points: FloatArray = np.empty((0, 2), np.float32)
        self._orb = cv2.ORB.create(DESCRIPTORS, scaleFactor=1.2, nlevels=3, edgeThreshold=8, patchSize=21, fastThreshold=8)
        self._search = cv2.ORB.create(SEARCHED, scaleFactor=1.2, nlevels=4, edgeThreshold=8, patchSize=21, fastThreshold=8)
        self._view: tuple[FloatArray, Array, Box] | None = None
        self._frames_lost = 0
        self.learn(step, box)

    def carry(self, step: Step, known: Known) -> Box | None:
        """As ``Carrier`` says."""
        if known.lost or step.before is None:
            return self._recovered(step, known.expected)
        self._frames_lost = 0
        moved = self._followed(step, known.last)
        if moved is None or moved.agreed < AGREED:
            self._points = np.empty((0, 2), np.float32)
            return self._recovered(step, known.expected)
        box = moved.box(known.last)
        if len(self._points) < THIN * MOST:
            self._replenish(step.now, box)
        return box

    def learn(self, step: Step, box: Box) -> None:
        """As ``Carrier`` says: points beside the face are dropped, new ones added, its descriptors taken."""
        centre, half = np.array([box[0] + box[2] / 2, box[1] + box[3] / 2]), np.array([box[2], box[3]]) / 2
        self._points = self._points[(((self._points - centre) / half) ** 2).sum(axis=1) <= 1]
        self._replenish(step.now, box)
        window = Window.around(box, step.now.shape, VIEW_PX)
        if window is not None:
            places, words = _described(self._orb, step.now, window)
            inside = (((places - centre) / half) ** 2).sum(axis=1) <= 1
            if words is not None and inside.sum() >= FEWEST_MATCHES:
                self._view = places[inside], words[inside], box

    def _followed(self, step: Step, last: Box) -> Motion | None:
        window = Window.around(last, step.now.shape)
        if window is None or step.before is None or len(self._points) < FEWEST:
            return None
        begun = window.inwards(self._points).astype(np.float32)
        landed, good = followed(window.cut(step.before), window.cut(step.now), begun)
        moved = agreed(self._points[good], window.outwards(landed[good]), FIT_PX / window.scale, len(begun))
        if moved is not None:
            expected = self._points[good] @ moved.matrix[:, :2].T + moved.matrix[:, 2]
            now = window.outwards(landed[good])
            self._points = now[np.linalg.norm(now - expected, axis=1) < 2 * FIT_PX / window.scale].astype(np.float32)
        return moved

    def _replenish(self, grey: Array, box: Box) -> None:
        window = Window.around(box, grey.shape)
        if window is None:
            return
        new = window.outwards(corners_in(window.cut(grey), window, box, MOST)).astype(np.float32)
        if len(self._points) and len(new):
            away = np.linalg.norm(new[:, None] - self._points[None], axis=2).min(axis=1)
            new = new[away > NEAR_PX / window.scale]
        self._points = np.concatenate([self._points, new])[:MOST]

    def _recovered(self, step: Step, expected: Box) -> Box | None:
        """Where the last view of it is found again, near where it is expected at first, then further and further."""
        self._frames_lost += 1
        if self._view is None or self._frames_lost % EVERY != 1:
            return None
        places, words, seen = self._view
        around = resized(expected, 1 + 0.25 * self._frames_lost)
        window = Window.around(around, step.now.shape, VIEW_PX * max(around[2], around[3]) / max(expected[2], expected[3]))
        if window is None:
            return None
        here, there = _described(self._search, step.now, window)
        if there is None or len(here) < FEWEST_MATCHES:
            return None
        pairs = _matched(words, there)
        found = agreed(places[pairs[:, 0]], here[pairs[:, 1]], 2 * FIT_PX / window.scale, len(pairs)) if len(pairs) >= FEWEST_MATCHES else None
        if found is None or found.agreed * len(pairs) < FEWEST_MATCHES:
            return None
        box = found.box(seen)
        self._replenish(step.now, box)
        return box


def _described(orb: cv2.ORB, grey: Array, window: Window) -> tuple[FloatArray, Array | None]:
    """Places in the frame, and their descriptors."""
    points, words = orb.detectAndCompute(window.cut(grey), None)
    return window.outwards(np.array([p.pt for p in points], float).reshape(-1, 2)), words


def _matched(words: Array, there: Array) -> Array:
    """(n, 2): which of ``words`` is which of ``there``, where the best is much better than the next."""
    pairs = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(words, there, k=2)
    good = [(p[0].queryIdx, p[0].trainIdx) for p in pairs if len(p) == 2 and p[0].distance < ALIKE * p[1].distance]
    return np.array(good, int).reshape(-1, 2)
