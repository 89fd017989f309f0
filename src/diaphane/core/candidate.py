"""A region that a segmentation proposes as a lesion: a line of ``candidates.jsonl``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diaphane.core.arrays import BoolArray, frozen
from diaphane.core.coding import from_rle, to_rle
from diaphane.errors import InputError

LARGEST_PX, LAST_FRAME = 100_000, 1_000_000
KEYS = {"source_sha256", "size_px", "image", "frame", "candidate", "box_px", "mask_rle", "probability", "features"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Fusion decides whether it stands.

    Raises:
        InputError: The mask has not the box's size, or a number is out of range.
    """

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
    network: str = ""
    """The bundle that proposes it, or ``given``; empty where that is not known."""

    def __post_init__(self) -> None:
        (x, y, width, height), (columns, rows) = self.box_px, self.size_px
        if not (0 <= x < x + width <= columns <= LARGEST_PX and 0 <= y < y + height <= rows <= LARGEST_PX):
            raise InputError(f"candidate {self.candidate}: its box {self.box_px} must lie in a picture of at most {LARGEST_PX} px a side, got {self.size_px}")
        if not 0 <= self.frame <= LAST_FRAME or not (self.probability is None or 0 <= self.probability <= 1):
            raise InputError(f"candidate {self.candidate}: its frame must lie between 0 and {LAST_FRAME}, its probability between 0 and 1, or be null")
        if not self.image or Path(self.image).name != self.image or "\\" in self.image:
            raise InputError(f"candidate {self.candidate}: image must be the stem of a picture's name, without folders")
        if self.mask.shape != (height, width):
            raise InputError(f"candidate {self.candidate}: the mask {self.mask.shape} must have the box's size {(height, width)}")
        object.__setattr__(self, "mask", frozen(self.mask))

    def to_json(self) -> dict[str, Any]:
        """The line's document; ``mask_rle`` runs over the box, row by row, background first."""
        return {
            "source_sha256": self.source_sha256, "size_px": self.size_px, "image": self.image, "frame": self.frame,
            "candidate": self.candidate, "label": self.label, "box_px": self.box_px, "mask_rle": to_rle(self.mask),
            "probability": self.probability, "features": dict(self.features), "network": self.network,
        }  # fmt: skip

    @classmethod
    def from_json(cls, line: Any) -> Candidate:
        """The candidate of a line.

        Raises:
            InputError: Keys are missing, values of another kind, or out of range.
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
                network=str(line.get("network", "")),
                features={k: float("nan") if v is None else float(v) for k, v in line["features"].items()},
            )  # fmt: skip
        except InputError:
            raise
        except (TypeError, AttributeError, LookupError, ValueError, OverflowError) as problem:
            raise InputError(f"candidate {line.get('candidate')}: a value has the wrong kind ({problem})") from problem
