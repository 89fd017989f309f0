"""Where a scan lies in one frame of a camera, or that nobody knows: a line of ``registration.jsonl``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from diaphane.core.transform import RigidTransform
from diaphane.errors import InputError

KEYS = {"frame", "solved", "matrix", "uncertainty_mm", "latency_ms", "reason"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """The registration's word on one frame.

    Raises:
        InputError: A solved frame without a transform or without a finite uncertainty.
    """

    frame: int
    """From 0."""
    solved: bool
    """Whether the transform may be drawn by."""
    transform: RigidTransform | None
    """Scan, LPS mm, to camera axes, mm; None where nothing was found."""
    uncertainty_mm: float
    """Standard deviation of where a point inside the head is, all directions together; NaN where unsolved."""
    latency_ms: float
    """From the frame's coming to this answer; NaN in a case, whose files do not depend on how busy the machine was."""
    reason: str = ""
    """In words: why it is not solved, or what a solved one rests on."""

    def __post_init__(self) -> None:
        if self.solved and (self.transform is None or not math.isfinite(self.uncertainty_mm)):
            raise InputError(f"frame {self.frame}: a solved frame has a transform and a finite uncertainty in mm")

    def to_json(self) -> dict[str, Any]:
        """The line's document."""
        return {
            "frame": self.frame, "solved": self.solved, "matrix": None if self.transform is None else _matrix(self.transform),
            "uncertainty_mm": _number_or_null(self.uncertainty_mm), "latency_ms": _number_or_null(self.latency_ms), "reason": self.reason,
        }  # fmt: skip

    @classmethod
    def from_json(cls, line: Any) -> Registered:
        """The registration of a line; lines without a reason are of older or other programs.

        Raises:
            InputError: Keys are missing or unknown, or values of another kind.
        """
        if not isinstance(line, dict) or not KEYS - {"reason"} <= line.keys() <= KEYS:
            raise InputError(f"a line of registration.jsonl has the keys {', '.join(sorted(KEYS))}")
        try:
            matrix = None if line["matrix"] is None else np.array(line["matrix"], float).reshape(4, 4)
            return cls(
                frame=int(line["frame"]), solved=bool(line["solved"]), transform=None if matrix is None else RigidTransform(matrix[:3, :3], matrix[:3, 3]),
                uncertainty_mm=_number(line["uncertainty_mm"]), latency_ms=_number(line["latency_ms"]), reason=str(line.get("reason", "")),
            )  # fmt: skip
        except (TypeError, ValueError, OverflowError) as problem:
            raise InputError(f"frame {line.get('frame')}: a value has the wrong kind ({problem})") from problem


def _number(value: Any) -> float:
    """NaN of null."""
    return math.nan if value is None else float(value)


def _number_or_null(value: float) -> float | None:
    """Null of NaN."""
    return value if math.isfinite(value) else None


def _matrix(transform: RigidTransform) -> list[float]:
    """16 numbers, row-major."""
    whole = np.eye(4)
    whole[:3, :3], whole[:3, 3] = transform.rotation, transform.translation_mm
    return [float(v) for v in whole.ravel()]
