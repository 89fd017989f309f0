"""A face through time, and a line of ``tracks.jsonl``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from diaphane.core.face import Face, HeadPose, Quality
from diaphane.errors import InputError

KEYS = {"source_sha256", "size_px", "frame", "time_s", "identity", "box_px", "score", "state", "landmarks_px", "landmark_set", "pose", "quality"}
OPTIONAL = {"quality"}
"""What trackers of others may leave out; so may they in ``pose`` how sure it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A face with the frame that it was seen in."""

    source_sha256: str
    size_px: tuple[int, int]
    frame: int
    time_s: float
    face: Face

    def to_json(self) -> dict[str, Any]:
        """The line's document."""
        face, pose = self.face, self.face.pose
        return {
            "source_sha256": self.source_sha256, "size_px": self.size_px, "frame": self.frame, "time_s": self.time_s,
            "identity": face.identity, "box_px": face.box_px, "score": face.score, "state": face.state,
            "landmarks_px": None if face.landmarks_px is None else np.round(face.landmarks_px, 2).tolist(), "landmark_set": face.landmark_set,
            "pose": pose and {
                "rotation": pose.rotation.ravel().tolist(), "translation_mm": pose.translation_mm.tolist(),
                "turn_sd_deg": pose.turn_sd_deg, "place_sd_mm": pose.place_sd_mm, "focal_is_guess": pose.focal_is_guess,
            },
            "quality": face.quality and asdict(face.quality),
        }  # fmt: skip

    @classmethod
    def from_json(cls, line: Any) -> Sighting:
        """The sighting of a line.

        Raises:
            InputError: Keys are missing or unknown, or values of another kind.
        """
        if not isinstance(line, dict) or not KEYS - OPTIONAL <= line.keys() <= KEYS:
            raise InputError(f"a line of tracks.jsonl has the keys {', '.join(sorted(KEYS))}")
        try:
            x, y, width, height = (float(v) for v in line["box_px"])
            face = Face(
                identity=int(line["identity"]), box_px=(x, y, width, height), score=float(line["score"]), state=line["state"],
                landmarks_px=None if line["landmarks_px"] is None else np.array(line["landmarks_px"], float),
                landmark_set=line["landmark_set"], pose=_pose(line["pose"]), quality=Quality(**line["quality"]) if line.get("quality") else None,
            )  # fmt: skip
            size = (int(line["size_px"][0]), int(line["size_px"][1]))
            return cls(source_sha256=str(line["source_sha256"]), size_px=size, frame=int(line["frame"]), time_s=float(line["time_s"]), face=face)
        except (TypeError, KeyError, IndexError, ValueError, OverflowError) as problem:
            raise InputError(f"frame {line.get('frame')}: a value has the wrong kind ({problem})") from problem


@dataclass(frozen=True, slots=True)
class Track:
    """All sightings of one identity, in the order of frames."""

    identity: int
    sightings: tuple[Sighting, ...]


def _pose(value: Any) -> HeadPose | None:
    if not value:
        return None
    rotation, place = np.array(value["rotation"], float).reshape(3, 3), np.array(value["translation_mm"], float)
    turn_sd, place_sd = (float("nan") if value.get(name) is None else float(value[name]) for name in ("turn_sd_deg", "place_sd_mm"))
    return HeadPose(rotation, place, turn_sd, place_sd, bool(value.get("focal_is_guess", True)))


def tracks_of(sightings: Sequence[Sighting]) -> tuple[Track, ...]:
    """Sightings gathered by identity, in the order in which the identities first appear."""
    identities = dict.fromkeys(s.face.identity for s in sightings)
    return tuple(Track(identity, tuple(sorted((s for s in sightings if s.face.identity == identity), key=lambda s: s.frame))) for identity in identities)
