"""What a gate says about an input or a result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a gate says."""

    gate: Literal["input", "output"]
    verdict: Literal["passed", "doubted", "refused"]
    subject: str
    """The bundle that was asked about, or the image."""
    reason: str
    """With the measured value and the limit."""

    @property
    def exit_code(self) -> int:
        """0 passed, 3 refused, 4 doubted."""
        return {"passed": 0, "refused": 3, "doubted": 4}[self.verdict]
