"""The verb: frames in, faces out, a tuple a frame; and which tracker does it."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from diaphane.core.arrays import Array
from diaphane.core.camera import Camera
from diaphane.core.face import Face
from diaphane.engine.pinned import LANDMARKER, OUTPUT, PROPOSAL, REFINEMENT, RFB, Pinned, is_here
from diaphane.track.convnet import ConvnetTracker
from diaphane.track.detecting import framework, haar, keypoints
from diaphane.track.landmarks import common_68
from diaphane.track.options import Options, TrackerName
from diaphane.track.pose import Poser
from diaphane.track.quality import with_quality
from diaphane.track.tracker import Tracker

TRACKERS: Mapping[TrackerName, Callable[[Options], Tracker]] = {
    "keypoints": keypoints, "convnet": ConvnetTracker, "haar": haar, "framework": framework,
}  # fmt: skip


def tracker_name(options: Options) -> TrackerName:
    """Which tracker ``options`` mean here: ``auto`` is the best that needs nothing that was not pulled."""
    if options.tracker != "auto":
        return options.tracker
    return "framework" if is_here(RFB) else "haar"


def weights_of(options: Options) -> tuple[Pinned, ...]:
    """The weights that are read here where faces are followed by ``options`` and those of key frames get landmarks."""
    closely = (LANDMARKER,) if is_here(LANDMARKER) else ()
    return tuple(dict.fromkeys((*_weights_of_tracker(options), *closely)))


def _weights_of_tracker(options: Options) -> tuple[Pinned, ...]:
    name = tracker_name(options)
    if name == "framework" and options.detector == "multi_stage":
        return (PROPOSAL, REFINEMENT, OUTPUT)
    if name == "keypoints" and not is_here(RFB):
        return ()
    return {"keypoints": (RFB,), "convnet": (LANDMARKER, RFB), "haar": (), "framework": (RFB,)}[name]


def follow(frames: Iterable[tuple[float, Array]], camera: Camera | None, options: Options) -> Iterator[tuple[Face, ...]]:
    """The faces of each (seconds, frame); a frame is (row, column, 3) RGB uint8.

    Faces come ``confirm_frames`` frames late: one that was detected in fewer frames is left out, in a photo it counts at once. With landmarks a face
    gets a head pose, by ``camera`` or, without it, by a guess of the focal length; none in frames of another shape than the camera's.

    Raises:
        NotPulledError: The tracker's weights are not here.
    """
    tracker = TRACKERS[tracker_name(options)](options)
    poser = Poser(camera)
    waiting: deque[tuple[Face, ...]] = deque()
    detected: Counter[int] = Counter()
    frame_count = 0
    for seconds, frame in frames:
        frame_count += 1
        faces = tracker.update(frame, seconds)
        detected.update(face.identity for face in faces if face.state == "detected")
        waiting.append(tuple(_told(with_quality(frame, poser(face, frame.shape)), options) for face in faces))
        if len(waiting) > options.confirm_frames:
            yield _confirmed(waiting.popleft(), detected, options.confirm_frames)
    for late in waiting:
        yield _confirmed(late, detected, min(options.confirm_frames, frame_count))


def _told(face: Face, options: Options) -> Face:
    """With the landmarks that are asked for."""
    if face.landmarks_px is None or options.landmarks == face.landmark_set:
        return face
    return replace(face, landmarks_px=common_68(face.landmarks_px), landmark_set=options.landmarks)


def _confirmed(faces: tuple[Face, ...], detected: Counter[int], wanted: int) -> tuple[Face, ...]:
    return tuple(face for face in faces if detected[face.identity] >= wanted)
