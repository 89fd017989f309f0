"""Where faces may be in each frame of a clip, for those who must not be seen in any: told generously, and forwards and backwards in time.

A tracker goes through the clip forwards and carries on whom it no longer sees. Whoever it sees again, or for the first time, is carried backwards by the pixels
of the last frames, which are kept small for that; where the pixels do not tell, the face is held for a moment where it was. Between two sightings of
one face its place is drawn in a straight line as well. All these boxes count together: one that is too many hides a piece of wall.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from diaphane.core.arrays import Array
from diaphane.core.face import Face
from diaphane.engine.pinned import RFB, is_here
from diaphane.track.carrier import Known, Step, WholeCarrier
from diaphane.track.cascade import CascadeDetector
from diaphane.track.detection import Box, Detection, Detector, overlap, resized
from diaphane.track.follow import TRACKERS, tracker_name
from diaphane.track.haar import HaarDetector
from diaphane.track.options import Options
from diaphane.track.single_stage import SingleStageDetector

VIEW_PX = 480
"""Longer side of the frames that are kept."""
BACK_S, BACK_FRAMES = 2.0, 90
"""So far back a face is carried; in clips of many frames a second not quite."""
HOLD_S = 0.5
"""Where the pixels do not tell, a face is held for so long where it was."""
BRIDGE_S = 4.0
"""Two sightings of one face are joined by a line when there is no more than this between them."""
EVER_WIDER, AROUND = 1.15, 2
"""Every box, as a factor of its sides; and so many frames before and after hide what they have in this one, too: boxes tremble and lag."""
NOBODY = 0
"""Whom a detector saw without a tracker that follows them: identities are counted from 1."""
SAME = 0.3
"""Intersection over union with a place that is known, from which a detection is that one."""
WIDER, WIDER_PER_S, WIDEST = 1.2, 1.0, 2.5
"""A box that is guessed, and what each second adds to it, as a factor of its sides."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one face may be in one frame."""

    identity: int
    box_px: Box
    """Forehead to chin, ear to ear; a guessed one is wider."""
    guessed: bool
    """Whether neither a detector nor the pixels told it."""


@dataclass(slots=True)
class Cover:
    """The places of every frame."""

    times_s: list[float] = field(default_factory=list)
    places: list[list[Place]] = field(default_factory=list)

    def boxes(self, frame: int) -> list[Box]:
        """What is to be hidden in a frame."""
        near = self.places[max(0, frame - AROUND) : frame + AROUND + 1]
        return [resized(place.box_px, EVER_WIDER) for places in near for place in places]

    def identities(self) -> set[int]:
        """The faces that were seen."""
        return {place.identity for frame in self.places for place in frame} - {NOBODY}

    def guessed(self) -> tuple[int, ...]:
        """Frames in which a face was only guessed at, or hidden for those beside them."""
        return tuple(n for n, frame in enumerate(self.places) if _is_guessed(frame) or (not frame and self.boxes(n)))

    def empty(self) -> tuple[int, ...]:
        """Frames in which there is no face to hide."""
        return tuple(n for n in range(len(self.places)) if not self.boxes(n))


def _is_guessed(frame: Sequence[Place]) -> bool:
    """Whether someone in it is nowhere sure: a stranger where nobody known is, or a known face whose place is guessed."""
    sure = [place for place in frame if not place.guessed]
    known = {place.identity for place in sure}
    strangers = (place for place in frame if place.identity == NOBODY)
    return any(place.identity not in known | {NOBODY} for place in frame) or any(
        all(overlap(stranger.box_px, place.box_px) < SAME for place in sure) for stranger in strangers
    )


@dataclass(frozen=True, slots=True)
class _View:
    """A frame that is kept, small."""

    frame: Array
    grey: Array


def cover(frames: Iterable[tuple[float, Array]], options: Options) -> Cover:
    """The places of faces in (seconds, frame), frames (row, column, 3) RGB uint8; every detection in any frame counts, however short or weak.

    Raises:
        NotPulledError: The tracker's weights are not here.
    """
    tracker, detector = TRACKERS[tracker_name(options)](replace(options, confirm_frames=1)), _detector(options)
    found, kept = Cover(), _Kept()
    last_seen: dict[int, tuple[int, Box]] = {}
    for n, (seconds, frame) in enumerate(frames):
        faces = tracker.update(frame, seconds)
        kept.take(seconds, frame)
        found.times_s.append(seconds)
        found.places.append([_place(face, seconds - found.times_s[last_seen[face.identity][0]] if face.identity in last_seen else 0.0) for face in faces])
        found.places[n] += _unknown(detector(frame), found.places[n], options)
        for face in (face for face in faces if face.state != "predicted"):
            before = last_seen.get(face.identity)
            if before is None or before[0] < n - 1:
                _fill(found, face, before, kept.back(face.box_px, -1 if before is None else n - before[0] - 1))
            last_seen[face.identity] = n, face.box_px
    return found


def _detector(options: Options) -> Detector:
    """What looks at every whole frame beside the tracker, which looks at some and takes only whom it is sure of."""
    if tracker_name(options) == "haar" or not is_here(RFB):
        return HaarDetector(options)
    return CascadeDetector(options.smallest_face) if options.detector == "multi_stage" else SingleStageDetector(options.smallest_face)


def _unknown(detections: Sequence[Detection], places: Sequence[Place], options: Options) -> list[Place]:
    """Whoever may be there and the tracker does not follow: faces it is not sure of, is about to find, or has no room for."""
    strangers = [d for d in detections if d.score >= options.min_score and all(overlap(d.box_px, p.box_px) < SAME for p in places)]
    return [Place(NOBODY, _wider(d.box_px, 0.0), guessed=True) for d in strangers]


class _Kept:
    """The last frames, small, of one size."""

    def __init__(self) -> None:
        self._views: deque[tuple[float, _View]] = deque(maxlen=BACK_FRAMES)
        self._shape: tuple[int, ...] = ()
        self._scale = 1.0

    def take(self, seconds: float, frame: Array) -> None:
        """The next frame."""
        if frame.shape != self._shape:
            self._views.clear()
            self._shape, self._scale = frame.shape, min(1.0, VIEW_PX / max(frame.shape[:2]))
        size = max(1, round(frame.shape[1] * self._scale)), max(1, round(frame.shape[0] * self._scale))
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA) if self._scale < 1 else frame.copy()
        self._views.append((seconds, _View(small, cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))))
        while seconds - self._views[0][0] > BACK_S:
            self._views.popleft()

    def back(self, box: Box, most: int) -> Iterator[tuple[Box, bool]]:
        """Where what is in ``box`` of the newest frame was in the one before, the one before that, and so on, at most so many (-1: all); and if guessed."""
        views = list(self._views)[::-1]
        place: Box = _scaled(box, self._scale)
        carrier = WholeCarrier(Step(None, views[0][1].grey, views[0][1].frame), place)
        lost_s: float | None = None
        for (after_s, after), (seconds, view) in list(zip(views, views[1:], strict=False))[: None if most < 0 else most]:
            moved = carrier.carry(Step(after.grey, view.grey, view.frame), Known(place, place, missed=True, lost=lost_s is not None))
            if moved is not None:
                place, lost_s = moved, None
                yield _scaled(place, 1 / self._scale), False
                continue
            lost_s = after_s if lost_s is None else lost_s
            if lost_s - seconds > HOLD_S:
                return
            yield _wider(_scaled(place, 1 / self._scale), lost_s - seconds), True


def _fill(found: Cover, face: Face, before: tuple[int, Box] | None, back: Iterable[tuple[Box, bool]]) -> None:
    """Put ``face``, seen in the newest frame, into those since it was seen ``before``."""
    now = len(found.places) - 1
    for n, (box, guessed) in enumerate(back, start=1):
        found.places[now - n].append(Place(face.identity, box, guessed))
    if before is None or found.times_s[now] - found.times_s[before[0]] > BRIDGE_S:
        return
    begin, end = found.times_s[before[0]], found.times_s[now]
    for n in range(before[0] + 1, now):
        seconds = found.times_s[n]
        share = (seconds - begin) / (end - begin)
        found.places[n].append(Place(face.identity, _wider(_between(before[1], face.box_px, share), min(seconds - begin, end - seconds)), True))


def _place(face: Face, unseen_s: float) -> Place:
    guessed = face.state == "predicted"
    return Place(face.identity, _wider(face.box_px, unseen_s) if guessed else face.box_px, guessed)


def _between(a: Sequence[float], b: Sequence[float], share: float) -> Box:
    x, y, width, height = ((1 - share) * np.array(a) + share * np.array(b)).tolist()
    return x, y, width, height


def _wider(box: Box, seconds: float) -> Box:
    """``box`` about its middle, as wide as a guess of that age must be."""
    return resized(box, min(WIDEST, WIDER + WIDER_PER_S * seconds))


def _scaled(box: Box, scale: float) -> Box:
    x, y, width, height = box
    return x * scale, y * scale, width * scale, height * scale
