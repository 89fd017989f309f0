"""The verb: a scan's skin and a filmed face in, where the scan lies in each frame out.

Landmarks on drawn pictures of the scan start it; key frames are explained together (`register_bundle`); all frames are followed by pieces of skin that
the key frames gave (`register_follow`); each frame gets a verdict (`register_verdict`).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import nan

import cv2
import numpy as np

from diaphane.core.arrays import Array, FloatArray
from diaphane.core.camera import Camera
from diaphane.core.face import Face
from diaphane.core.mesh import Mesh
from diaphane.core.registration import Registered
from diaphane.core.transform import RigidTransform
from diaphane.fuse.options import RegisterOptions
from diaphane.fuse.register_anchors import POINTS, Anchors, Landmarker
from diaphane.fuse.register_face import ScannedFace
from diaphane.fuse.register_follow import followed, settled_anchors
from diaphane.fuse.register_keys import Glimpse, Key, chosen, first_look
from diaphane.fuse.register_model import Model, modelled
from diaphane.fuse.register_patches import Picture
from diaphane.fuse.register_verdict import FASTEST_MM_S, doubt_of_frame, doubt_of_model, uncertainty_mm

GUESSED_SD = 0.15
"""Of the focal length of a camera that nobody measured."""
KEPT = 5
"""Frames for which a pose serves as a start where there are no landmarks."""
GUESS = "the camera is a guess: distances are as uncertain as its focal length"


@dataclass(frozen=True, slots=True)
class Shot:
    """A frame and its face."""

    number: int
    time_s: float
    picture: Array
    landmarks_px: FloatArray | None


def register(  # noqa: PLR0917 the four streams that it joins, and how
    surface: Mesh, frames: Iterable[tuple[float, Array]], tracks: Iterable[tuple[Face, ...]], camera: Camera, options: RegisterOptions, landmarks: Landmarker
) -> Iterator[Registered]:
    """Where ``surface`` (skin of a head scan, LPS mm) lies in each of ``frames`` ((seconds, RGB uint8)), by the faces in it (``tracks``, with landmarks).

    ``camera`` is of the frames, or of frames that these are scaled from; ``landmarks`` finds 478 of them in any picture, by the same network as the tracks'.
    The first answer comes after ``look_ahead`` frames, or at the end.

    Raises:
        InputError: The surface is empty, or shows no face.
        UsageError: The frames have another shape than the camera's.
    """
    face = ScannedFace.of(surface, landmarks, options)
    shots = _shots(frames, tracks)
    while window := list(islice(shots, options.look_ahead)):
        yield from _answered(face, window, shots, camera, options)


def _shots(frames: Iterable[tuple[float, Array]], tracks: Iterable[tuple[Face, ...]]) -> Iterator[Shot]:
    """Frames with the landmarks of the face that was there longest, else of the largest."""
    seen: Counter[int] = Counter()
    for number, ((seconds, picture), faces) in enumerate(zip(frames, tracks, strict=False)):
        whole = [f for f in faces if f.landmarks_px is not None and len(f.landmarks_px) >= POINTS]
        seen.update(f.identity for f in whole)
        best = max(whole, key=lambda f: (seen[f.identity], f.box_px[2] * f.box_px[3]), default=None)
        yield Shot(number, seconds, picture, None if best is None else np.asarray(best.landmarks_px, float))


def _answered(face: ScannedFace, window: Sequence[Shot], rest: Iterator[Shot], camera: Camera, options: RegisterOptions) -> Iterator[Registered]:
    """The window's frames, and where it gave a model all that come after it."""
    begun = time.perf_counter()
    height, width = window[0].picture.shape[:2]
    sized = camera.of_size(width, height)
    keys = [Key(g, Picture.of(g.picture)) for g in chosen(_glimpses(face, window, sized), options.key_frames)]
    if not keys:
        yield from (_unsolved(shot, "no face with landmarks that fit the scan was seen", 0.0) for shot in window)
        return
    follower = Follower.of(modelled(face, keys, sized, GUESSED_SD if camera.is_guess else options.focal_sd), keys, options)
    for shot in window:
        yield follower.answer(shot, begun)
        begun = time.perf_counter()
    for shot in rest:
        yield follower.answer(shot, time.perf_counter())


def _glimpses(face: ScannedFace, window: Sequence[Shot], camera: Camera) -> list[Glimpse]:
    out = []
    for shot in window:
        looked = None if shot.landmarks_px is None else first_look(face.anchors, shot.landmarks_px, camera, face.middle)
        if looked is not None and shot.landmarks_px is not None:
            out.append(Glimpse(shot.number, shot.picture, shot.landmarks_px, *looked, _sharp(shot.picture, shot.landmarks_px)))
    sharpest = max((g.sharp for g in out), default=1.0)
    return [Glimpse(g.frame, g.picture, g.landmarks_px, g.pose, g.off, g.sharp / sharpest) for g in out]


def _sharp(picture: Array, landmarks: FloatArray) -> float:
    """How much edge there is in a face."""
    low, high = np.clip(landmarks.min(axis=0), 0, None).astype(int), landmarks.max(axis=0).astype(int) + 1
    crop = picture[low[1] : high[1], low[0] : high[0]]
    return float(np.abs(cv2.Laplacian(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.CV_32F)).mean()) + 1e-3 if crop.size else 1e-3


def _unsolved(shot: Shot, reason: str, latency_ms: float) -> Registered:
    return Registered(frame=shot.number, solved=False, transform=None, uncertainty_mm=nan, latency_ms=latency_ms, reason=reason)


@dataclass(slots=True)
class Follower:
    """Follows one clip, frame by frame."""

    model: Model
    anchors: Anchors
    options: RegisterOptions
    doubt: str
    """Why no frame is solved; empty where some may be."""
    last: tuple[Shot, RigidTransform] | None = None
    """The last solved frame."""

    @classmethod
    def of(cls, model: Model, keys: Sequence[Key], options: RegisterOptions) -> Follower:
        """By a joint solution."""
        return cls(model, settled_anchors(model, keys), options, doubt_of_model(model))

    def answer(self, shot: Shot, begun_s: float) -> Registered:
        """The word on one frame, whose turn it was at ``begun_s``."""
        transform, uncertain, reason = (None, nan, self.doubt) if self.doubt else self._posed(shot)
        latency = (time.perf_counter() - begun_s) * 1000
        if reason or transform is None:
            return _unsolved(shot, reason, latency)
        self.last = (shot, transform)
        told = GUESS if self.model.is_guess else f"{len(self.model.poses)} key frames"
        return Registered(frame=shot.number, solved=True, transform=transform, uncertainty_mm=uncertain, latency_ms=latency, reason=told)

    def _posed(self, shot: Shot) -> tuple[RigidTransform | None, float, str]:
        """Pose and uncertainty, or why not."""
        fresh = self.last is not None and shot.number - self.last[0].number <= KEPT
        last = self.last[1] if self.last is not None and fresh else None
        if shot.landmarks_px is None and last is None:
            return None, nan, "no face with landmarks is seen"
        found = followed(self.model, self.anchors, shot.picture, shot.landmarks_px, last)
        if found is None:
            return None, nan, "the face is seen, but too little of its skin is found again: turned too far, hidden, or in other light"
        uncertain = uncertainty_mm(self.model, found)
        return found.pose, uncertain, doubt_of_frame(found, uncertain, self.options.max_uncertainty_mm) or self._leap(shot, found.pose)

    def _leap(self, shot: Shot, pose: RigidTransform) -> str:
        """A head does not move that fast."""
        if self.last is None or not 0 < shot.time_s - self.last[0].time_s < 0.5:
            return ""
        apart = float(np.linalg.norm(pose(self.model.face.middle) - self.last[1](self.model.face.middle)))
        speed = apart / (shot.time_s - self.last[0].time_s)
        return f"the head would have moved by {apart:.0f} mm since the frame before" if speed > FASTEST_MM_S else ""
