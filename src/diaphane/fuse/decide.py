"""The verb: which candidates stand."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from diaphane.core.candidate import Candidate
from diaphane.core.face import Face
from diaphane.core.finding import Decision, Finding, Suppressed
from diaphane.engine.bundle import Bundle
from diaphane.fuse.learnt import Judged, Pictures, judged
from diaphane.fuse.model import FusionModel, fusion_model
from diaphane.fuse.networks import one_of_several
from diaphane.fuse.options import Options
from diaphane.fuse.persistence import Place, centre, places
from diaphane.fuse.site import region_of, site_of

MEASUREMENTS = (
    "volume", "surface_area", "maximum_3d_diameter",
    "area", "perimeter", "equivalent_diameter", "maximum_diameter", "major_axis_length", "minor_axis_length", "asymmetry", "circularity",
)  # fmt: skip
ALONE = "segmentation alone"
WITH_FACES = "segmentation on tracked faces"
WORDS = {"segmentation": "the segmentation", "measure": "its shape, colour or texture", "face": "the face around it"}
NONE: Pictures = MappingProxyType({})


def decide(candidates: Sequence[Candidate], tracks: Iterable[tuple[Face, ...]], bundle: Bundle | None, options: Options, pictures: Pictures = NONE) -> Decision:
    """Findings, the most probable first, and what was suppressed; the method is named in the result.

    Without faces a candidate stands on its mean segmentation probability alone; one that a person outlined stands. With ``tracks`` (a tuple a frame: the faces
    of the frames that were looked at) ``bundle`` judges, or, without one, a rule: it must lie on a face. Candidates at one place of one face in several frames
    are one finding, whose probability is the mean over the frames looked at. ``pictures``, by the candidates' names of them, are for deep fusion alone.

    Raises:
        UsageError: The bundle needs what the candidates lack, or their pictures, and they are not given.
        BundleError: The bundle is for something else, or damaged.
    """
    frames = tuple(tracks)
    if not frames:
        return _alone(candidates, options)
    return _on_faces(candidates, frames, options) if bundle is None else _learnt(candidates, frames, fusion_model(bundle), options, pictures)


def merged(decisions: Sequence[Decision]) -> Decision:
    """One decision of several about disjoint candidates: findings numbered anew, methods joined."""
    findings = sorted((f for d in decisions for f in d.findings), key=lambda f: -_surest(f.probability))
    return Decision(
        method="; ".join(dict.fromkeys(d.method for d in decisions)),
        findings=tuple(replace(f, id=n) for n, f in enumerate(findings, start=1)),
        suppressed=tuple(s for d in decisions for s in d.suppressed),
    )


def _alone(candidates: Sequence[Candidate], options: Options) -> Decision:
    order = sorted(candidates, key=lambda c: (-_surest(c.probability), c.candidate))
    standing = [c for c in order if _surest(c.probability) >= options.min_probability]
    below = f"mean segmentation probability below {options.min_probability}"
    return Decision(
        method=ALONE,
        findings=tuple(_finding(n, (c,), c.probability, None) for n, c in enumerate(standing, start=1)),
        suppressed=tuple(Suppressed(candidate=c.candidate, probability=_surest(c.probability), reason=below) for c in order if c not in standing),
    )


def _on_faces(candidates: Sequence[Candidate], frames: Sequence[tuple[Face, ...]], options: Options) -> Decision:
    found, off = places(candidates, frames)
    standing = [p for p in found if p.probability >= options.face_min_probability]
    suppressed = [Suppressed(candidate=c.candidate, probability=_surest(c.probability), reason="lies on no tracked face") for c in off]
    for place in found:
        if place not in standing:
            reason = f"mean probability {place.probability:.2f} over the frames looked at, below {options.face_min_probability}"
            suppressed += [Suppressed(candidate=c.candidate, probability=_surest(c.probability), reason=reason) for c in place.candidates]
    return Decision(
        method=WITH_FACES,
        findings=tuple(_finding(n, p.candidates, p.probability, p) for n, p in enumerate(standing, start=1)),
        suppressed=tuple(sorted(suppressed, key=lambda s: s.candidate)),
    )


def _learnt(candidates: Sequence[Candidate], frames: Sequence[tuple[Face, ...]], model: FusionModel, options: Options, pictures: Pictures) -> Decision:
    """What a person outlined stands by itself; what lies in a frame without a face does not."""
    drawn = [c for c in candidates if c.probability is None]
    without = [c for c in candidates if c.probability is not None and not _faces(frames, c.frame)]
    rest = [c for c in candidates if c.probability is not None and _faces(frames, c.frame)]
    joined, sources = one_of_several(rest, options.label_fusion)
    limit = model.operating if options.operating is None else options.operating
    places_found = judged(joined, frames, model, pictures, limit)
    by_itself = _alone(drawn, options)
    findings = [*by_itself.findings, *(_fused(j, frames, sources) for j in places_found if j.probability >= limit)]
    suppressed = [Suppressed(candidate=c.candidate, probability=_surest(c.probability), reason="its frame shows no tracked face") for c in without]
    for place in places_found:
        if place.probability < limit:
            reason = f"fused probability {place.probability:.2f}, below {limit:.2f}{_against(place)}"
            suppressed += [Suppressed(candidate=n, probability=place.probability, reason=reason) for c in place.candidates for n in sources[c.candidate]]
    return Decision(
        method=model.method,
        findings=tuple(replace(f, id=n) for n, f in enumerate(findings, start=1)),
        suppressed=tuple(sorted(suppressed, key=lambda s: s.candidate)),
    )


def _faces(frames: Sequence[tuple[Face, ...]], frame: int) -> tuple[Face, ...]:
    return frames[frame] if frame < len(frames) else ()


def _against(place: Judged) -> str:
    """What lowers it most, in words; empty where nothing does."""
    group, least = min(place.contributions.items(), key=lambda item: item[1], default=("", 0.0))
    if least >= 0:
        return ""
    region = region_of(place.candidates[0]) if group == "face" else None
    return f"; most against it speaks {WORDS[group]}" + (f" ({region})" if region else "")


def _fused(place: Judged, frames: Sequence[tuple[Face, ...]], sources: Mapping[int, tuple[int, ...]]) -> Finding:
    best = place.candidates[0]
    face = next((f for f in _faces(frames, best.frame) if f.identity == best.features["face_identity"]), None)
    plain = _finding(0, place.candidates, place.probability, None)
    where = tuple(best.features.get(f"face_{axis}_mm", math.nan) for axis in "xyz")
    size = {name: value for name, value in (("estimated_diameter_mm", _diameter_mm(best)),) if value is not None}
    return replace(
        plain,
        site=region_of(best) or (None if face is None else site_of(face, *centre(best))),
        interval95=place.interval95,
        face_mm=None if any(map(math.isnan, where)) else (where[0], where[1], where[2]),
        measurements={**plain.measurements, **size},
        evidence={
            "segmentation": best.probability,
            "face": None if face is None else face.score,
            "persistence": place.persistence,
            **{f"{group}_log_odds": value for group, value in place.contributions.items()},
        },
        from_candidates=tuple(n for c in place.candidates for n in sources[c.candidate]),
    )


def _diameter_mm(candidate: Candidate) -> float | None:
    """Of the disc of its area, were the person's head of average size; None without landmarks."""
    scale = candidate.features.get("face_mm_per_px", math.nan)
    return None if math.isnan(scale) else 2 * math.sqrt(float(candidate.mask.sum()) / math.pi) * scale


def _surest(probability: float | None) -> float:
    """What a person outlined stands before everything that a model is less than certain of."""
    return 1.0 if probability is None else probability


def _finding(number: int, candidates: tuple[Candidate, ...], probability: float | None, place: Place | None) -> Finding:
    best = candidates[0]
    return Finding(
        id=number,
        label=best.label,
        probability=probability,
        image=best.image,
        frame=best.frame,
        box_px=best.box_px,
        site=None if place is None else site_of(place.face, *centre(best)),
        measurements={name: value for name, value in best.features.items() if name in MEASUREMENTS or name.rpartition("_")[0] in MEASUREMENTS},
        evidence={"segmentation": best.probability, "face": None if place is None else place.face.score},
        from_candidates=tuple(c.candidate for c in candidates),
    )
