"""Faces of a clip, photo or camera alone: its lines of ``tracks.jsonl``, drawn on its frames, made unrecognisable in them, told over time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from diaphane import acquire, track
from diaphane.acquire import Options as AcquireOptions
from diaphane.core.arrays import Array
from diaphane.core.camera import Camera
from diaphane.core.coding import json_text
from diaphane.core.face import Face
from diaphane.core.track import Sighting
from diaphane.core.video import Video
from diaphane.errors import InputError, RefusedError
from diaphane.ops.picture import write_png
from diaphane.ops.timeline import Timeline
from diaphane.track import Options
from diaphane.view.film import RATE_HZ, Film, film
from diaphane.view.tracked import with_faces, without_faces

Frames = Iterable[tuple[float, Array]]
Draw = Callable[[Array, tuple[Face, ...]], Array]


@dataclass(frozen=True, slots=True)
class Drawn:
    """Where pictures of a clip's faces go; None: nowhere."""

    overlay: Path | None = None
    blur: Path | None = None
    timeline: Path | None = None


@dataclass(slots=True)
class Count:
    """What was found in one source."""

    frames: int = 0
    with_face: int = 0
    identities: set[int] = field(default_factory=set)
    timeline: Timeline = field(default_factory=Timeline)

    def take(self, time_s: float, faces: tuple[Face, ...]) -> None:
        """Count a frame."""
        self.timeline.take(self.frames, time_s, faces)
        self.frames += 1
        self.with_face += any(face.state != "predicted" for face in faces)
        self.identities |= {face.identity for face in faces}


def clip_of(source: Path) -> Video:
    """The clip or photo in ``source``.

    Raises:
        InputError: It cannot be read.
        RefusedError: It is neither.
    """
    case = acquire.read(source, AcquireOptions())
    if case.video is not None:
        return case.video
    if not case.images or not case.images[0].is_picture:
        reasons = "; ".join(v.reason for v in case.verdicts if v.verdict == "refused") or "a volume, or a slice of one"
        raise RefusedError(f"{source}: {reasons}; faces are tracked in photos and clips")
    return acquire.photo_as_video(source, case.images[0])


def frames_of(clip: Video) -> Frames:
    """(seconds, RGB uint8) in order, decoded when they are asked for."""
    return acquire.frames(clip, AcquireOptions())


def tracked(clip: Video, frames: Frames, camera: Camera | None, options: Options, *, drawn: Drawn, count: Count) -> Iterator[str]:
    """The lines of the faces in the ``frames`` of ``clip``, a frame's together as soon as they are known; an empty text for a frame without a face.

    Raises:
        InputError: There is no frame.
        UsageError: ``camera`` is of frames of another shape.
    """
    if camera:
        camera.of_size(*clip.size_px)
    with ExitStack() as stack:
        draws: list[tuple[Path | None, Draw]] = [(drawn.overlay, _with_faces(camera)), (drawn.blur, _blurred)]
        films: list[tuple[Film, Draw]] = [(stack.enter_context(film(path, clip.rate_hz, photo=clip.is_photo)), d) for path, d in draws if path]
        kept: deque[tuple[float, Array]] = deque()
        for n, faces in enumerate(track.follow(_kept(frames, kept), camera, options)):
            seconds, frame = kept.popleft()
            size = frame.shape[1], frame.shape[0]
            count.take(seconds, faces)
            for write, draw in films:
                write(draw(frame, faces), _shown(clip, seconds))
            sightings = (Sighting(source_sha256=clip.source_sha256, size_px=size, frame=n, time_s=seconds, face=face) for face in faces)
            yield "".join(json_text(s.to_json()) + "\n" for s in sightings)
    if count.frames == 0:
        raise InputError(f"{clip.path}: no frame of the clip could be decoded")
    if drawn.timeline:
        write_png(drawn.timeline, count.timeline.picture())


def _with_faces(camera: Camera | None) -> Draw:
    """Draws the faces; head poses by the camera, or the guess, that they rest on."""

    def draw(frame: Array, faces: tuple[Face, ...]) -> Array:
        height, width = frame.shape[:2]
        if not any(face.pose for face in faces):
            return with_faces(frame, faces)
        return with_faces(frame, faces, camera.of_size(width, height) if camera else Camera.guessed(width, height))

    return draw


def _blurred(frame: Array, faces: tuple[Face, ...]) -> Array:
    """Also where a face is only expected."""
    return without_faces(frame, (face.box_px for face in faces))


def _shown(clip: Video, seconds: float) -> int | None:
    """How many frames the film has when the frame of that time was shown, of a camera that leaves frames out; None: one more."""
    return None if clip.frame_count else round(seconds * (clip.rate_hz or RATE_HZ)) + 1


def _kept(frames: Frames, kept: deque[tuple[float, Array]]) -> Iterator[tuple[float, Array]]:
    """Faces come some frames late: what waits for them, and no more, is held."""
    for taken in frames:
        kept.append(taken)
        yield taken
