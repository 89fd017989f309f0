"""Trackers that detect every so many frames and carry in between: the families ``framework``, ``haar`` and ``keypoints``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from diaphane.core.arrays import Array
from diaphane.core.face import Face
from diaphane.engine.pinned import RFB, is_here
from diaphane.track.association import Association
from diaphane.track.carrier import Carrier, PointsCarrier, Step, WholeCarrier
from diaphane.track.cascade import CascadeDetector
from diaphane.track.detection import Box, Detector, overlaps
from diaphane.track.haar import HaarDetector
from diaphane.track.options import Options
from diaphane.track.single_stage import SingleStageDetector

CLOSE = 0.02
"""Two boxes that share this are of people who cross."""


@dataclass(frozen=True, slots=True)
class Family:
    """What makes one of these trackers."""

    detector: Detector
    sure: float
    """The score from which a detection is a face by itself."""
    carrier: Callable[[Step, Box], Carrier]
    every: int
    """Frames from one look of the detector to the next, while everyone known is carried well."""
    search: int = 1
    """The same where nobody is known."""
    wide: int = 1
    """Of the looks while someone is known, one of so many goes to the whole frame, the others to where they are expected."""


class DetectingTracker:
    """A detector, association, and carriers. A face that is new, was not found when it was due, or comes close to another, is looked for in every frame."""

    def __init__(self, family: Family, options: Options) -> None:
        self._family = family
        self._people = Association(options, family.sure, family.carrier)
        self._waited = self._looks = 0
        self._before: Array | None = None

    def update(self, frame: Array, time_s: float) -> tuple[Face, ...]:
        """As ``Tracker`` says."""
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        same_size = self._before is not None and self._before.shape == grey.shape
        step = Step(self._before if same_size else None, grey, frame)
        self._people.predict(time_s)
        self._waited += 1
        if step.before is None or self._waited >= self._due():
            self._people.meet(self._family.detector(frame, self._near()), step)
            self._waited = 0
        self._people.carry(step)
        self._before = grey
        return self._people.faces()

    def _near(self) -> list[Box]:
        """Where to look; nowhere in particular once in a while."""
        self._looks += 1
        return [] if self._looks % self._family.wide == 0 else [t.box.box for t in self._people.here]

    def _due(self) -> int:
        here = self._people.here
        if not here:
            return self._family.search
        return 1 if any(self._people.is_young(t) or t.missed for t in here) or _crossing([t.box.box for t in here]) else self._family.every


def _crossing(boxes: Sequence[Box]) -> bool:
    """Whether two overlap: whose pixels are whose, only a detector can tell then."""
    shared = overlaps(boxes, boxes) - np.eye(len(boxes))
    return bool((shared > CLOSE).any())


def framework(options: Options) -> DetectingTracker:
    """The detection network that ``options`` names, in every other frame.

    Raises:
        NotPulledError: The weights are not here.
    """
    if options.detector == "multi_stage":
        return DetectingTracker(Family(CascadeDetector(options.smallest_face), 0.85, WholeCarrier, every=10, search=3), options)
    return DetectingTracker(Family(SingleStageDetector(options.smallest_face), 0.6, WholeCarrier, every=2), options)


def haar(options: Options) -> DetectingTracker:
    """Cascades, seldom: they cost many times what carrying does."""
    return DetectingTracker(Family(HaarDetector(options), options.min_score, WholeCarrier, every=3, search=3, wide=5), options)


def keypoints(options: Options) -> DetectingTracker:
    """Corners, with a look of a detector now and then: the single-stage network where it was pulled, else the cascades."""
    if is_here(RFB):
        return DetectingTracker(Family(SingleStageDetector(options.smallest_face), 0.6, PointsCarrier, every=12, search=3), options)
    return DetectingTracker(Family(HaarDetector(options), options.min_score, PointsCarrier, every=12, search=3, wide=3), options)
