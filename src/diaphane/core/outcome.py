"""Everything that a run found about one case: what reports and pictures are made from."""

from __future__ import annotations

from dataclasses import dataclass, field

from diaphane.core.arrays import Array, frozen
from diaphane.core.case import PatientContext
from diaphane.core.finding import Assessment, Decision
from diaphane.core.image import Image
from diaphane.core.instance import Instance
from diaphane.core.labels import Labels
from diaphane.core.provenance import Provenance
from diaphane.core.recipe import NotAssessed
from diaphane.core.region import Region
from diaphane.core.track import Sighting
from diaphane.core.verdict import Verdict
from diaphane.core.video import Video


@dataclass(frozen=True, slots=True)
class Preparation:
    """How an image was made ready for a network."""

    steps: tuple[str, ...]
    """In words, in their order."""
    rgb: Array
    """(row, column, 3) uint8: as it came on the left, what the network saw on the right, histograms below."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rgb", frozen(self.rgb))


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where a network's verdict on a whole picture comes from."""

    bundle: str
    task: str
    """The class that is explained: the most probable one."""
    rgb: Array
    """(row, column, 3) uint8: what the network looked at, coloured by how much hiding a place changes the verdict."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rgb", frozen(self.rgb))


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One image of a case and what was seen in it: a picture, a scan, or a key frame of a clip of faces."""

    image: Image
    modality: str
    """What the input gate took the image for, in words (``dermoscopy``, ``head CT``); empty when nothing here is made for it."""
    labels: Labels | None = None
    regions: tuple[Region, ...] = ()
    """Their indices are unique in the whole case."""
    assessments: tuple[Assessment, ...] = ()
    """About the whole image; those about a lesion stand in its finding."""
    explanations: tuple[Explanation, ...] = ()
    """Of ``assessments``, one a network."""
    frame: int | None = None
    """Which frame of ``Outcome.video`` it is; None for a scan or picture of its own."""
    instances: tuple[Instance, ...] = ()
    """The DICOM instances that it was read from, in the order of slices."""
    dicom_modality: str = ""
    """DICOM's code (``CT``, ``MR``); empty where nothing tells it."""
    preparation: Preparation | None = None
    """None where no network saw the whole image: labels were given, a rule found them, or it looked at faces."""


@dataclass(frozen=True, slots=True)
class SeenThrough:
    """The scan laid on the filmed face."""

    words: str
    """How many frames show it, and why others do not."""
    stills: tuple[tuple[int, Array], ...] = ()
    """Frame and picture (row, column, 3; RGB uint8) of some that do."""
    files: tuple[str, ...] = ()
    """What was written, relative to the case folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One case from input to findings."""

    name: str
    """What the case is called: the stem of its input."""
    parts: tuple[Part, ...]
    """The scan or picture first, then the key frames of the faces; none where the input was refused."""
    decision: Decision
    verdicts: tuple[Verdict, ...]
    not_assessed: tuple[NotAssessed, ...]
    provenance: Provenance
    video: Video | None = None
    """The clip or photo in which faces were looked for; None where that was not asked."""
    sightings: tuple[Sighting, ...] = ()
    """Every face in every frame of it."""
    context: PatientContext = field(default_factory=PatientContext)
    seen_through: SeenThrough | None = None
    """None where there is no head scan beside a filmed face."""
    files: tuple[str, ...] = ()
    """What the view has written, relative to the case folder: the report links to it."""

    @property
    def modality(self) -> str:
        """What the images were taken for, each kind once; empty when nothing here is made for any of them."""
        return "; ".join(dict.fromkeys(part.modality for part in self.parts if part.modality))

    @property
    def regions(self) -> tuple[Region, ...]:
        """Of all parts."""
        return tuple(r for part in self.parts for r in part.regions)

    @property
    def exit_code(self) -> int:
        """The highest of the gates' verdicts."""
        return max((v.exit_code for v in self.verdicts if v.verdict != "passed"), default=0)

    def part(self, image: str) -> Part:
        """The part whose image has this name.

        Raises:
            KeyError: There is none.
        """
        return {p.image.name: p for p in self.parts}[image]
