"""The verb: which candidates stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from diaphane.core.candidate import Candidate
from diaphane.core.face import Face
from diaphane.core.finding import Decision, Finding, Suppressed
from diaphane.engine.bundle import Bundle
from diaphane.errors import UsageError
from diaphane.fuse.options import Options

MEASUREMENTS = ("area", "perimeter", "equivalent_diameter", "maximum_diameter", "major_axis_length", "minor_axis_length", "asymmetry", "circularity")
METHOD = "segmentation alone"


def decide(candidates: Sequence[Candidate], tracks: Iterable[tuple[Face, ...]], bundle: Bundle | None, options: Options) -> Decision:
    """Findings, the most probable first, and what was suppressed.

    One rule so far, named in the result: a candidate stands on its mean segmentation probability alone. Faces, where
    there are any (``tracks``, a tuple a frame), are set beside it as evidence: 1 in a face's box, 0 outside all.

    Raises:
        UsageError: A bundle is given: no learnt fusion can be run yet.
    """
    if bundle is not None:
        raise UsageError(f"fusion by a bundle ('{bundle.name}') is not part of this version; leave it out")
    frames = tuple(tracks)
    order = sorted(candidates, key=lambda c: (-c.probability, c.candidate))
    standing = [c for c in order if c.probability >= options.min_probability]
    below = f"mean segmentation probability below {options.min_probability}"
    return Decision(
        method=METHOD,
        findings=tuple(_finding(n, c, frames) for n, c in enumerate(standing, start=1)),
        suppressed=tuple(Suppressed(candidate=c.candidate, probability=c.probability, reason=below) for c in order if c not in standing),
    )


def _finding(number: int, candidate: Candidate, frames: tuple[tuple[Face, ...], ...]) -> Finding:
    names = {name: value for name, value in candidate.features.items() if name.startswith(MEASUREMENTS)}
    return Finding(
        id=number,
        label=candidate.label,
        probability=candidate.probability,
        image=candidate.image,
        frame=candidate.frame,
        box_px=candidate.box_px,
        measurements=names,
        evidence={"segmentation": candidate.probability, "face": _in_face(candidate, frames)},
        from_candidates=(candidate.candidate,),
    )


def _in_face(candidate: Candidate, frames: tuple[tuple[Face, ...], ...]) -> float | None:
    if candidate.frame >= len(frames):
        return None
    x, y, width, height = candidate.box_px
    return float(any(face.holds(x + width / 2, y + height / 2) for face in frames[candidate.frame]))
