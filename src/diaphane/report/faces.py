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


def faces_of(outcome: Outcome) -> list[FaceTold]:
    """Each identity that was seen, in the order of their numbers; where it was only expected does not count."""
    told = []
    for track in sorted(tracks_of([s for s in outcome.sightings if s.face.state != "predicted"]), key=lambda t: t.identity):
        own = track.sightings
        told.append(
            FaceTold(
                identity=track.identity,
                frames=len(own),
                first_s=own[0].time_s,
                last_s=own[-1].time_s,
                score=sum(s.face.score for s in own) / len(own),
                width_px=sum(s.face.box_px[2] for s in own) / len(own),
            )
        )
    return told
