"""A case folder of a face, read strictly as one visit: it may have been altered, or be of something else."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from diaphane.acquire.picture import read_picture
from diaphane.core import case_folder as names
from diaphane.core.candidate import Candidate
from diaphane.core.change import Lesion, Place, Trace, View, Visit
from diaphane.core.coding import from_json
from diaphane.core.face import Face
from diaphane.core.face_chart import FaceChart
from diaphane.core.finding import Decision, Finding
from diaphane.core.track import Sighting
from diaphane.errors import InputError, UsageError
from diaphane.ops.face_places import size_on_face
from diaphane.ops.face_regions import MESH
from diaphane.ops.picture import to_rgb
from diaphane.pipeline.face_case import FaceCase

LOOKS = ("face_skin_lightness", "face_skin_red", "face_skin_yellow")
AXES = ("face_x_mm", "face_y_mm", "face_z_mm")
UNPLACED = "has no place on the face (no landmarks in its picture) and is left out"
FAR = 1e6
"""Pixels, millimetres or deviations that nothing reaches: numbers beyond it are damage."""


def visit_of(path: Path, chart: FaceChart, number: int | None) -> Visit:
    """The face ``number`` of the case in ``path``, or its only one.

    Raises:
        UsageError: It has several faces and none was chosen, or not that one.
        InputError: It is no case of ``diaphane run``, unfinished, altered, of no face, or of a face without landmarks.
    """
    case = FaceCase(path)
    sightings = [Sighting.from_json(line) for line in case.lines(names.TRACKS)]
    identity = _identity(path, sightings, number)
    own = {s.frame: s for s in sightings if s.face.identity == identity and s.face.state != "predicted"}
    views = {image: _view(case, own[frame], image) for frame, image in case.key_frames() if frame in own and _has_mesh(own[frame].face, chart)}
    if not views:
        raise InputError(f"{path}: the face has no landmarks, so no place on it can be told; run diaphane models pull faces, then diaphane run again")
    candidates = {c.candidate: c for c in map(Candidate.from_json, case.lines(names.CANDIDATES)) if c.features.get("face_identity") == identity}
    placed = {number: c for number, c in candidates.items() if _is_placed(c, views)}
    decision = Decision.from_json(from_json(case.text(names.FINDINGS), str(path / names.FINDINGS)), str(path / names.FINDINGS))
    if len({f.id for f in decision.findings}) < len(decision.findings):
        raise InputError(f"{path / names.FINDINGS}: several findings have one number; run diaphane run again")
    here = [f for f in decision.findings if any(n in candidates for n in f.from_candidates)]
    found = [(f, [placed[n] for n in f.from_candidates if n in placed]) for f in here]
    about = case.about(identity, len(views), decision.method)
    return Visit(
        lesions=tuple(_lesion(f, own_candidates, views, chart) for f, own_candidates in found if own_candidates),
        traces=tuple(Trace(place_mm=_place([placed[s.candidate]]), probability=s.probability) for s in decision.suppressed if s.candidate in placed),
        views=tuple(views.values()), chart=chart,
        about=about | {"doubts": about["doubts"] + [f"finding {f.id} {UNPLACED}" for f, own_candidates in found if not own_candidates]},
    )  # fmt: skip


def _identity(path: Path, sightings: Sequence[Sighting], number: int | None) -> int:
    """Of the face that is compared."""
    known = sorted({s.face.identity for s in sightings if s.face.state != "predicted"})
    if not known:
        raise InputError(f"{path}: 0 faces were found in it; compare needs one in each case")
    if number is None and len(known) > 1:
        raise UsageError(f"{path}: {len(known)} faces were found in it ({', '.join(map(str, known))}); say with --face N whose lesions are compared")
    if number is not None and number not in known:
        raise UsageError(f"{path}: has no face {number}; found were {len(known)}: {', '.join(map(str, known))}")
    return known[0] if number is None else number


def _has_mesh(face: Face, chart: FaceChart) -> bool:
    points = face.landmarks_px
    known = points is not None and face.landmark_set == MESH and len(points) >= len(chart.points_mm) and bool((np.abs(points) < FAR).all())
    return known and all(abs(value) < FAR for value in face.box_px) and min(face.box_px[2:]) > 0


def _view(case: FaceCase, sighting: Sighting, image: str) -> View:
    picture = read_picture(case.picture(image))
    if picture.size_px != tuple(sighting.size_px):
        raise InputError(f"{case.path}: the picture {image} and the tracks differ in size; run diaphane run again")
    return View(image=image, frame=sighting.frame, face=sighting.face, rgb=to_rgb(picture.array[0]))


def _is_placed(candidate: Candidate, views: Mapping[str, View]) -> bool:
    """Whether it is known where on the face it is; NaN is not below ``FAR``."""
    view, told = views.get(candidate.image), [candidate.features.get(name, math.nan) for name in (*AXES, *LOOKS)]
    fits = view is not None and (view.rgb.shape[1], view.rgb.shape[0]) == tuple(candidate.size_px)
    return fits and all(abs(value) < FAR for value in told) and bool(candidate.mask.any())


def _lesion(finding: Finding, candidates: Sequence[Candidate], views: Mapping[str, View], chart: FaceChart) -> Lesion:
    sizes = [size_on_face(c, views[c.image].face, chart) for c in candidates]
    x, y, z = np.mean([[c.features[name] for name in LOOKS] for c in candidates], axis=0)
    return Lesion(
        id=finding.id, place_mm=_place(candidates), looks=(float(x), float(y), float(z)), diameter_mm=float(np.exp(np.log(sizes).mean())),
        site=finding.site, best=candidates[0],
    )  # fmt: skip


def _place(candidates: Sequence[Candidate]) -> Place:
    x, y, z = np.mean([[c.features[name] for name in AXES] for c in candidates], axis=0)
    return float(x), float(y), float(z)
