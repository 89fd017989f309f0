"""The faces of a case: found, tracked, and the frames in which they are looked at closely."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from diaphane import acquire, track
from diaphane.acquire import Options as AcquireOptions
from diaphane.core.arrays import Array
from diaphane.core.camera import Camera
from diaphane.core.case import Case
from diaphane.core.case_folder import TIMELINE, TRACKS
from diaphane.core.coding import json_lines
from diaphane.core.face import Face
from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.core.provenance import Weights
from diaphane.core.track import Sighting
from diaphane.core.verdict import Verdict
from diaphane.core.video import Video
from diaphane.engine.bundle import Bundle
from diaphane.ops.crop import cropped, face_square
from diaphane.ops.picture import to_rgb, write_png
from diaphane.ops.timeline import timeline_of
from diaphane.pipeline.stored import video_record, write_image
from diaphane.plan import Plan
from diaphane.prepare import prepare
from diaphane.segment import Options as SegmentOptions
from diaphane.segment import likeness, predict
from diaphane.track import Options as TrackOptions

SURE, LIKELY = 0.75, 0.65
"""A face scored so high makes a picture a photo of faces, whatever else it looks like; or where it looks like nothing else (docs/faces.md)."""
MISSING = 0.05
"""A clip with fewer frames than its header says, by more than this share, breaks off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faces:
    """What tracking found; ``video`` is None where no faces were looked for, or the picture is no photo of faces."""

    video: Video | None = None
    sightings: tuple[Sighting, ...] = ()
    key_frames: tuple[tuple[int, Image], ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    weights: tuple[Weights, ...] = ()
    """Those that others published and the tracker read."""

    def in_frame(self, frame: int) -> tuple[Face, ...]:
        """The faces seen in one frame: those that are only expected are not."""
        return tuple(s.face for s in self.sightings if s.frame == frame and s.face.state != "predicted")

    def looked_at(self) -> tuple[tuple[Face, ...], ...]:
        """A tuple a frame: the faces of the key frames, none in the others."""
        last = max((frame for frame, _ in self.key_frames), default=-1)
        keys = {frame for frame, _ in self.key_frames}
        return tuple(self.in_frame(n) if n in keys else () for n in range(last + 1))


def find_faces(case: Case, clip: Video, bundles: Mapping[str, Bundle], plan: Plan, to: Path, *, camera: Camera | None = None) -> dict[str, Any]:
    """Track ``clip``; write ``tracks.jsonl``, the timeline of a clip and the key frames below ``to``. A picture that is no photo of faces leaves nothing.

    Head poses rest on ``camera``, or on a guess.
    """
    times: list[float] = []
    sizes: list[tuple[int, int]] = []
    frames = _noted(_frames(case, clip, plan.acquire), times, sizes)
    options = tracking_options(case, plan)
    sightings = [
        Sighting(source_sha256=clip.source_sha256, size_px=sizes[n], frame=n, time_s=times[n], face=face)
        for n, faces in enumerate(track.follow(frames, camera, options))
        for face in faces
    ]
    count = {
        "frames": len(times),
        "with_face": len({s.frame for s in sightings if s.face.state != "predicted"}),
        "identities": len({s.face.identity for s in sightings}),
    }
    if case.video is None and not is_face_photo(case.images[0], [s.face for s in sightings], bundles):
        return count | {"video": None, "key_frames": [], "verdicts": []}
    chosen = track.key_frames(sightings, plan.track) or (len(times) // 2,)
    taken = list(_taken(clip, chosen, _frames(case, clip, plan.acquire)))
    sightings = _with_landmarks(sightings, taken, camera)
    keys = [(n, write_image(image, to)) for n, image in taken]
    (to / TRACKS).write_text(json_lines(s.to_json() for s in sightings), encoding="utf-8")
    if not clip.is_photo:
        write_png(to / TIMELINE, timeline_of(sightings, len(times), times[-1]).picture())
    verdicts = [asdict(v) for v in _verdicts(clip, count)]
    return count | {"video": video_record(clip), "key_frames": keys, "verdicts": verdicts, "weights": weights_read(options)}


def weights_read(options: TrackOptions) -> list[dict[str, str]]:
    """What of the weights that the tracker of ``options`` reads goes into the manifest."""
    return [asdict(Weights(name=w.name, sha256=w.sha256, licence=w.licence)) for w in track.weights_of(options)]


def _with_landmarks(sightings: Sequence[Sighting], taken: Sequence[tuple[int, Image]], camera: Camera | None) -> list[Sighting]:
    """The faces of the key frames with landmarks, where their weights were pulled: fusion asks where on the face something lies."""
    pixels = {n: to_rgb(image.array[0]) for n, image in taken}
    return [replace(s, face=track.landmarked(pixels[s.frame], (s.face,), camera)[0]) if s.frame in pixels and s.face.quality else s for s in sightings]


def tracking_options(case: Case, plan: Plan) -> TrackOptions:
    """The plan's; a picture of which it is not said that it shows a face is looked at by the cascades.

    The networks see faces in some 3 of 100 dermoscopy pictures and X-rays, and are sure of them.
    """
    return replace(plan.track, tracker="haar") if case.video is None and plan.track.tracker == "auto" else plan.track


def segment_faces(image: Image, faces: tuple[Face, ...], bundle: Bundle, options: SegmentOptions) -> Labels:
    """What ``bundle`` sees in the square around each face, on the grid of the whole picture; nothing elsewhere."""
    array = np.zeros(image.shape, np.uint8)
    maps = {name: np.zeros(image.shape, np.float32) for name in ("probability", "uncertainty", "disagreement")}
    known: set[str] = set()
    for face in sorted(faces, key=lambda f: f.score):  # where squares overlap, the surer face has the last word
        box = face_square(face.box_px, image.size_px)
        part = replace(image, array=cropped(image.array[0], box)[None])
        seen = predict(prepare(part, bundle.recipe), bundle, options)
        cropped(array[0], box)[...] = seen.array[0]
        for name, whole in maps.items():
            if (of_face := getattr(seen, name)) is not None:
                cropped(whole[0], box)[...] = of_face[0]
                known.add(name)
    return Labels(array, bundle.recipe.labels, source=bundle.name, **{name: whole for name, whole in maps.items() if name in known})


def is_face_photo(image: Image, faces: Sequence[Face], bundles: Mapping[str, Bundle]) -> bool:
    """Whether a picture with these faces is a photo of faces: one is sure, or likely and it looks like nothing that ``bundles`` know."""
    best = max((face.score for face in faces), default=0.0)
    return best >= SURE or (best >= LIKELY and all(likeness(image, b) > 1 for b in bundles.values()))


def _noted(frames: Iterable[tuple[float, Array]], times: list[float], sizes: list[tuple[int, int]]) -> Iterator[tuple[float, Array]]:
    for seconds, frame in frames:
        times.append(seconds)
        sizes.append((frame.shape[1], frame.shape[0]))
        yield seconds, frame


def _frames(case: Case, clip: Video, options: AcquireOptions) -> Iterable[tuple[float, Array]]:
    """Those of the clip; a picture that may be a photo of faces is decoded already."""
    return [(0.0, to_rgb(case.images[0].array[0]))] if case.video is None else acquire.frames(clip, options)


def _taken(clip: Video, chosen: tuple[int, ...], frames: Iterable[tuple[float, Array]]) -> Iterator[tuple[int, Image]]:
    """The chosen frames as pictures ``NAME_f000012``; a photo keeps its name."""
    for n, (_, frame) in enumerate(frames):
        if n in chosen:
            name = clip.name if clip.is_photo else f"{clip.name}_f{n:06d}"
            yield n, Image(frame[None], Geometry.of_picture(), name, clip.source_sha256)
        if n >= chosen[-1]:
            return


def _verdicts(clip: Video, count: Mapping[str, int]) -> tuple[Verdict, ...]:
    frames, with_face, identities = count["frames"], count["with_face"], count["identities"]
    subject = "photo" if clip.is_photo else "clip"
    nobody = f"no face was found in any of {frames} frames" if frames > 1 else "no face was found"
    found = f"faces tracked: {identities}, in {with_face} of {frames} frames" if frames > 1 else f"faces found: {identities}"
    verdicts = [Verdict(gate="input", verdict="passed", subject=subject, reason=found if identities else nobody)]
    if frames < (1 - MISSING) * clip.frame_count:
        broken = f"the clip breaks off, or frames of it are broken: {frames} of {clip.frame_count} frames could be decoded; what follows rests on these"
        verdicts.append(Verdict(gate="input", verdict="doubted", subject=subject, reason=broken))
    return tuple(verdicts)
