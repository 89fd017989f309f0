"""Everything that a run knows at its end: what the report and the views are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from diaphane.core.finding import Assessment, Decision
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.core.provenance import Provenance
from diaphane.core.recipe import NotAssessed
from diaphane.core.region import Region


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One case from input to findings."""

    image: Image
    modality: str
    """What the input gate took the image for; empty when no model here is made for it."""
    labels: Labels | None
    regions: tuple[Region, ...]
    assessments: tuple[Assessment, ...]
    """About the whole case; those about a lesion stand in its finding."""
    decision: Decision
    verdicts: tuple[Verdict, ...]
    not_assessed: tuple[NotAssessed, ...]
    provenance: Provenance

    @property
    def exit_code(self) -> int:
        """The highest of the gates' verdicts."""
        return max((v.exit_code for v in self.verdicts if v.verdict != "passed"), default=0)
