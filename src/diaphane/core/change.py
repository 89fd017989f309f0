"""The lesions of one face at two visits, and what became of each: ``changes.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from diaphane.core.arrays import Array
from diaphane.core.candidate import Candidate
from diaphane.core.face import Face
from diaphane.core.face_chart import FaceChart

State = Literal["same", "grown", "shrunk", "new", "gone", "unsure"]
Place = tuple[float, float, float]
"""On the average face, mm: x to the person's left, y down, z away from the viewer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesion:
    """A finding at one visit, as far as it can be compared."""

    id: int
    """The finding's."""
    place_mm: Place
    """Mean over the frames in which it was found."""
    looks: tuple[float, float, float]
    """Lightness, red, yellow, in deviations of this face's own skin."""
    diameter_mm: float
    """Of the disc of its area, were the head of average size: the geometric mean over the frames."""
    site: str | None
    best: Candidate
    """The one that the finding is shown by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Something that was proposed at a visit and does not stand."""

    place_mm: Place
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A picture in which the face was looked at closely, with landmarks."""

    image: str
    """Its name, without an ending."""
    frame: int
    face: Face
    rgb: Array
    """(row, column, 3) uint8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One face, one day."""

    lesions: tuple[Lesion, ...]
    traces: tuple[Trace, ...]
    views: tuple[View, ...]
    chart: FaceChart
    """What the places are on."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """What tells which case it is: hashes, when it was made, which face, by what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of one lesion."""

    id: int
    """From 1, as in the drawing."""
    state: State
    before: int | None
    """The finding's id at the first visit; None where there is none."""
    after: int | None
    site: str | None
    face_mm: Place
    """Where on the average face; of both visits the mean."""
    diameter_mm: tuple[float | None, float | None]
    """At either visit, were the head of average size: only their ratio counts."""
    ratio: float | None
    """After over before."""
    ratio95: tuple[float, float] | None
    """What the same lesion's diameters may be apart by, around ``ratio``."""
    apart_mm: float | None
    """Between both places on the average face."""
    reason: str
    """In words, why this state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two visits and all that changed between them."""

    before: Visit
    after: Visit
    changes: tuple[Change, ...]
    doubts: tuple[str, ...] = ()
    """Why the whole may be misleading; none: nothing speaks against it."""
    is_mirrored: bool = False
    """Whether the second visit was taken for a mirror image, because the user said so."""

    options: Mapping[str, float] = field(default_factory=dict)
    """By which it was compared."""

    @property
    def is_one_source(self) -> bool:
        """Whether both cases are of the same photo or clip."""
        return bool(self.before.about.get("source_sha256") == self.after.about.get("source_sha256"))

    @property
    def exit_code(self) -> int:
        """4 where there are doubts."""
        return 4 if self.doubts else 0

    def to_json(self) -> dict[str, Any]:
        """The document ``changes.json``."""
        return {
            "before": dict(self.before.about), "after": dict(self.after.about), "mirrored": self.is_mirrored, "options": dict(self.options),
            "doubts": list(self.doubts), "changes": [asdict(change) for change in self.changes],
        }  # fmt: skip
