"""What the report says of each tracked face."""

from __future__ import annotations

from dataclasses import dataclass

from diaphane.core.outcome import Outcome


@dataclass(frozen=True, slots=True)
class FaceTold:
    """One identity through the clip."""

    identity: int
    frames: int
    first_s: float
    last_s: float
    score: float
    """Mean of its detections."""
    width_px: float
    """Mean of its box."""
    spans: tuple[tuple[float, float], ...]
    """Start and length of each unbroken run, as shares of the clip's frames."""


def faces_of(outcome: Outcome) -> list[FaceTold]:
    """Each identity, in the order of their numbers."""
    count = outcome.video.frame_count if outcome.video else 1
    told = []
    for identity in sorted({s.face.identity for s in outcome.sightings}):
        own = [s for s in outcome.sightings if s.face.identity == identity]
        frames = sorted(s.frame for s in own)
        told.append(
            FaceTold(
                identity=identity,
                frames=len(own),
                first_s=own[0].time_s,
                last_s=own[-1].time_s,
                score=sum(s.face.score for s in own) / len(own),
                width_px=sum(s.face.box_px[2] for s in own) / len(own),
                spans=_spans(frames, max(count, frames[-1] + 1)),
            )
        )
    return told


def _spans(frames: list[int], count: int) -> tuple[tuple[float, float], ...]:
    runs: list[list[int]] = []
    for frame in frames:
        if runs and frame == runs[-1][-1] + 1:
            runs[-1].append(frame)
        else:
            runs.append([frame])
    return tuple((run[0] / count, len(run) / count) for run in runs)
