"""The verb: frames in, faces out, a tuple a frame."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from diaphane.core.arrays import Array
from diaphane.core.face import Face
from diaphane.track.haar import SAME, Box, Detection, HaarDetector, overlap
from diaphane.track.options import Options


@dataclass(slots=True)
class _Followed:
    """One identity while it is followed."""

    identity: int
    box_px: Box
    seen_s: float
    detections: int = 1


def follow(frames: Iterable[tuple[float, Array]], camera: None, options: Options) -> Iterator[tuple[Face, ...]]:
    """The faces of each (seconds, frame); a frame is (row, column, 3) RGB uint8.

    Every frame is searched; a detection that overlaps a face of the frames before keeps its identity. Faces come
    ``confirm_frames`` frames late: a face that was detected in fewer frames is left out, in a photo it counts at once.
    ``camera`` (intrinsics, for the head pose) is not used: this tracker gives neither landmarks nor pose.
    """
    detector = HaarDetector(options)
    known: list[_Followed] = []
    waiting: deque[list[tuple[_Followed, Face]]] = deque()
    identities = frame_count = 0
    for seconds, frame in frames:
        frame_count += 1
        known = [f for f in known if seconds - f.seen_s <= options.gap_s]
        here: list[tuple[_Followed, Face]] = []
        free = list(known)
        for detection in detector(frame):
            same = max(free, key=lambda f: overlap(f.box_px, detection.box_px), default=None)
            if same is None or overlap(same.box_px, detection.box_px) < SAME:
                identities += 1
                same = _Followed(identities, detection.box_px, seconds, 0)
                known.append(same)
            else:
                free.remove(same)
            _sight(same, detection, seconds)
            here.append((same, Face(identity=same.identity, box_px=detection.box_px, score=detection.score, state="detected")))
        waiting.append(here)
        if len(waiting) > options.confirm_frames:
            yield _confirmed(waiting.popleft(), options.confirm_frames)
    for late in waiting:
        yield _confirmed(late, min(options.confirm_frames, frame_count))


def _sight(followed: _Followed, detection: Detection, seconds: float) -> None:
    followed.box_px, followed.seen_s = detection.box_px, seconds
    followed.detections += 1


def _confirmed(here: list[tuple[_Followed, Face]], wanted: int) -> tuple[Face, ...]:
    return tuple(face for followed, face in here if followed.detections >= wanted)
