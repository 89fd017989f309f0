"""A lesion stays at its place on the face: candidates of several frames gathered by where on which face they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from diaphane.core.candidate import Candidate
from diaphane.core.face import Face

NEAR = 0.08
"""Candidates whose centres lie within this share of the face's width of each other are one: 12 mm on a face of 150 mm."""


@dataclass(frozen=True, slots=True)
class Place:
    """One place on one face, with what was proposed there."""

    face: Face
    """In the frame of the best candidate."""
    candidates: tuple[Candidate, ...]
    """At most one a frame, the most probable first."""
    probability: float
    """Mean over the frames in which the face was looked at; a frame without a candidate here counts 0."""


def places(candidates: Sequence[Candidate], frames: Sequence[tuple[Face, ...]]) -> tuple[list[Place], list[Candidate]]:
    """The places, and the candidates that lie on no face.

    ``frames`` holds the faces of the frames that were looked at, and empty tuples for the others.
    """
    looked: dict[int, int] = {}
    for faces in frames:
        for face in faces:
            looked[face.identity] = looked.get(face.identity, 0) + 1
    off: list[Candidate] = []
    gathered: list[list[tuple[Candidate, Face]]] = []
    for candidate in sorted(candidates, key=lambda c: (-(c.probability or 0), c.candidate)):
        on = _face_of(candidate, frames)
        if on is None:
            off.append(candidate)
            continue
        here = next((g for g in gathered if _same(g, candidate, on)), None)
        if here is None:
            gathered.append([(candidate, on)])
        else:
            here.append((candidate, on))
    made = [Place(g[0][1], tuple(c for c, _ in g), sum(c.probability or 0 for c, _ in g) / looked[g[0][1].identity]) for g in gathered]
    return sorted(made, key=lambda p: -p.probability), off


def centre(candidate: Candidate) -> tuple[float, float]:
    """Of its box, px."""
    x, y, width, height = candidate.box_px
    return x + width / 2, y + height / 2


def nearest_face(candidate: Candidate, faces: Sequence[Face]) -> int:
    """Which of ``faces`` holds the candidate's centre, or else which middle is nearest, in widths of that face."""
    x, y = centre(candidate)

    def away(face: Face) -> float:
        left, top, width, height = face.box_px
        return float(((x - left - width / 2) / width) ** 2 + ((y - top - height / 2) / height) ** 2)

    return min(range(len(faces)), key=lambda n: (not faces[n].holds(x, y), away(faces[n])))


def _face_of(candidate: Candidate, frames: Sequence[tuple[Face, ...]]) -> Face | None:
    faces = frames[candidate.frame] if candidate.frame < len(frames) else ()
    return next((face for face in faces if face.holds(*centre(candidate))), None)


def _same(group: Sequence[tuple[Candidate, Face]], candidate: Candidate, face: Face) -> bool:
    first, first_face = group[0]
    if first_face.identity != face.identity or any(c.frame == candidate.frame for c, _ in group):
        return False
    (u, v), (a, b) = _on_face(candidate, face), _on_face(first, first_face)
    return (u - a) ** 2 + (v - b) ** 2 <= NEAR**2


def _on_face(candidate: Candidate, face: Face) -> tuple[float, float]:
    """The centre, from the box's top left corner, in widths of the face."""
    x, y = centre(candidate)
    return (x - face.box_px[0]) / face.box_px[2], (y - face.box_px[1]) / face.box_px[2]
