"""What the report says of each tracked face."""

from __future__ import annotations

from dataclasses import dataclass

from diaphane.core.outcome import Outcome
from diaphane.core.track import tracks_of


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
    for track in sorted(tracks_of(outcome.sightings), key=lambda t: t.identity):
        own = track.sightings
        frames = [s.frame for s in own]
        told.append(
            FaceTold(
                identity=track.identity,
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
