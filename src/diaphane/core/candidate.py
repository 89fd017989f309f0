"""A region that a segmentation proposes as a lesion: a line of ``candidates.jsonl``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from diaphane.core.arrays import BoolArray, frozen
from diaphane.core.coding import from_rle, to_rle
from diaphane.errors import InputError

KEYS = {"source_sha256", "size_px", "image", "frame", "candidate", "box_px", "mask_rle", "probability", "features"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Fusion decides whether it stands."""

    source_sha256: str
    """Of the picture or video that it was seen in: a track belongs to it only where this agrees."""
    size_px: tuple[int, int]
    image: str
    """The stem of the image."""
    frame: int
    candidate: int
    """From 1, unique in its file."""
    label: str
    box_px: tuple[int, int, int, int]
    """x, y, width, height."""
    mask: BoolArray
    """(height, width): the region inside the box."""
    probability: float | None
    """Mean probability of the segmentation inside the mask; None where a person drew it."""
    features: Mapping[str, float]

    def __post_init__(self) -> None:
        width, height = self.box_px[2:]
        if self.mask.shape != (height, width):
            raise InputError(f"candidate {self.candidate}: the mask {self.mask.shape} must have the box's size {(height, width)}")
        object.__setattr__(self, "mask", frozen(self.mask))

    def to_json(self) -> dict[str, Any]:
        """The line's document; ``mask_rle`` runs over the box, row by row, background first."""
        return {
            "source_sha256": self.source_sha256, "size_px": self.size_px, "image": self.image, "frame": self.frame,
            "candidate": self.candidate, "label": self.label, "box_px": self.box_px, "mask_rle": to_rle(self.mask),
            "probability": self.probability, "features": dict(self.features),
        }  # fmt: skip

    @classmethod
    def from_json(cls, line: Any) -> Candidate:
        """The candidate of a line.

        Raises:
            InputError: Keys are missing, or values of another kind.
        """
        if not isinstance(line, dict) or not line.keys() >= KEYS:
            raise InputError(f"a candidate needs the keys {', '.join(sorted(KEYS))}")
        try:
            x, y, width, height = (int(v) for v in line["box_px"])
            return cls(
                source_sha256=str(line["source_sha256"]), size_px=(int(line["size_px"][0]), int(line["size_px"][1])),
                image=str(line["image"]), frame=int(line["frame"]), candidate=int(line["candidate"]),
                label=str(line.get("label", "lesion")), box_px=(x, y, width, height),
                mask=from_rle(line["mask_rle"], height, width), probability=None if line["probability"] is None else float(line["probability"]),
                features={k: float("nan") if v is None else float(v) for k, v in line["features"].items()},
            )  # fmt: skip
        except (TypeError, AttributeError, IndexError) as problem:
            raise InputError(f"candidate {line.get('candidate')}: a value has the wrong kind ({problem})") from problem
