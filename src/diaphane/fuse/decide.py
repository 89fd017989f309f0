"""The verb: which candidates stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from diaphane.core.candidate import Candidate
from diaphane.core.face import Face
from diaphane.core.finding import Decision, Finding, Suppressed
from diaphane.engine.bundle import Bundle
from diaphane.errors import UsageError
from diaphane.fuse.options import Options
from diaphane.fuse.persistence import Place, centre, places
from diaphane.fuse.site import site_of

MEASUREMENTS = (
    "volume", "surface_area", "maximum_3d_diameter",
    "area", "perimeter", "equivalent_diameter", "maximum_diameter", "major_axis_length", "minor_axis_length", "asymmetry", "circularity",
)  # fmt: skip
ALONE = "segmentation alone"
WITH_FACES = "segmentation on tracked faces"


def decide(candidates: Sequence[Candidate], tracks: Iterable[tuple[Face, ...]], bundle: Bundle | None, options: Options) -> Decision:
    """Findings, the most probable first, and what was suppressed.

    Two rules so far, named in the result. Without faces a candidate stands on its mean segmentation probability alone; one that a person outlined stands.
    With ``tracks`` (a tuple a frame: the faces of the frames that were looked at) it must lie on a face; candidates at one
    place of one face in several frames are one finding, whose probability is the mean over the frames looked at.

    Raises:
        UsageError: A bundle is given: no learnt fusion can be run yet.
    """
    if bundle is not None:
        raise UsageError(f"fusion by a bundle ('{bundle.name}') is not part of this version; leave it out")
    frames = tuple(tracks)
    return _on_faces(candidates, frames, options) if frames else _alone(candidates, options)


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
