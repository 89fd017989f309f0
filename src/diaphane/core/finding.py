"""What fusion lets stand, and what it does not: ``findings.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from diaphane.core.strict import from_mapping
from diaphane.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """A class with a calibrated probability, about one region or a whole case."""

    task: str
    """What was asked: ``melanoma``."""
    probability: float
    interval95: tuple[float, float]
    bundle: str
    contributions: tuple[tuple[str, float], ...] = ()
    """Feature and its share of the log-odds, largest first: positive speaks for, negative against."""
    basis: str = ""
    """What the number rests on and means, in plain words."""
    caution: str = ""
    """A sentence without its full stop that must stand beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A lesion in the final result."""

    id: int
    label: str
    probability: float | None
    """That it is a lesion at all, 0-1; None where a person outlined it."""
    image: str
    frame: int
    box_px: tuple[int, int, int, int]
    centroid_mm: tuple[float, float, float] | None = None
    """LPS; None without patient geometry."""
    site: str | None = None
    """In words; None where nothing tells it."""
    measurements: Mapping[str, float | None] = field(default_factory=dict)
    """Name with unit (``area_mm2``, ``area_px``) to value; None where it does not exist."""
    evidence: Mapping[str, float | None] = field(default_factory=dict)
    """``segmentation``: its mean probability; ``face``: how sure the tracker is of the face, None where there was none. Of fitted fusion also by how much the
    log-odds would be lower without what a group of numbers says (``segmentation_log_odds``, ``measure_log_odds``, ``face_log_odds``), and ``persistence``."""
    interval95: tuple[float, float] | None = None
    """Of ``probability``; None where nothing tells it."""
    face_mm: tuple[float, float, float] | None = None
    """Where on the average face: x to the person's left, y down, z away from the viewer; None without landmarks."""
    assessments: tuple[Assessment, ...] = ()
    from_candidates: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppressed:
    """A candidate that does not stand, and why."""

    candidate: int
    probability: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """All that fusion says about a case."""

    method: str
    findings: tuple[Finding, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The document ``findings.json``; ``from_candidates`` is written as ``from``."""
        findings = [asdict(finding) for finding in self.findings]
        for finding in findings:
            finding["from"] = finding.pop("from_candidates")
        return {"method": self.method, "findings": findings, "suppressed": [asdict(s) for s in self.suppressed]}

    @classmethod
    def from_json(cls, document: Any, where: str = "findings.json") -> Decision:
        """The decision of a document.

        Raises:
            InputError: Unknown or missing keys, or values of another kind.
        """
        if not isinstance(document, dict) or not document.keys() == {"method", "findings", "suppressed"}:
            raise InputError(f"{where}: expected the keys method, findings, suppressed")
        if not isinstance(document["findings"], list) or not isinstance(document["suppressed"], list):
            raise InputError(f"{where}: findings and suppressed must be lists")
        return cls(
            method=str(document["method"]),
            findings=tuple(_finding(f, f"{where}:findings[{n}]") for n, f in enumerate(document["findings"])),
            suppressed=tuple(from_mapping(Suppressed, s, f"{where}:suppressed[{n}]", InputError) for n, s in enumerate(document["suppressed"])),
        )


def _finding(document: Any, where: str) -> Finding:
    if not isinstance(document, dict) or "from" not in document:
        raise InputError(f"{where}: expected a finding with the key 'from'")
    renamed = {("from_candidates" if key == "from" else key): value for key, value in document.items()}
    return from_mapping(Finding, renamed, where, InputError)
