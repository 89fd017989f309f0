"""Which frames of a clip are looked at closely."""

from __future__ import annotations

from collections.abc import Sequence

from diaphane.core.track import Sighting
from diaphane.track.options import Options


def key_frames(sightings: Sequence[Sighting], options: Options) -> tuple[int, ...]:
    """For each face up to ``options.key_frames`` frames, spread over the time in which it was detected, in order.

    Each face's detections are cut into as many equal runs; the best of each run is taken: large, scored high, sharp, well lit, and turned to the camera.
    """
    chosen: set[int] = set()
    for identity in sorted({s.face.identity for s in sightings}):
        own = [s for s in sightings if s.face.identity == identity and s.face.state == "detected"]
        runs = min(options.key_frames, len(own))
        for n in range(runs):
            chosen.add(max(own[n * len(own) // runs : (n + 1) * len(own) // runs], key=_quality).frame)
    return tuple(sorted(chosen))


def _quality(sighting: Sighting) -> float:
    face = sighting.face
    return face.score * face.box_px[2] * (face.quality.total if face.quality else 1.0)
