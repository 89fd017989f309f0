"""One patient's inputs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from diaphane.core.image import Image
from diaphane.core.instance import Instance
from diaphane.core.verdict import Verdict
from diaphane.core.video import Video

OLDEST = 130
"""Years; an age beyond it is a mistake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientContext:
    """What is known of the patient beside the images; nothing that names them.

    Raises:
        ValueError: The age lies outside 0 to 130 years.
    """

    age_years: float | None = None
    sex: Literal["female", "male", "other"] | None = None

    def __post_init__(self) -> None:
        if self.age_years is not None and not 0 <= self.age_years <= OLDEST:
            raise ValueError(f"age_years must lie between 0 and {OLDEST}, got {self.age_years}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What acquisition gives: an image (a picture or a volume), or a clip."""

    images: tuple[Image, ...] = ()
    video: Video | None = None
    context: PatientContext = field(default_factory=PatientContext)
    modality: str = ""
    """DICOM's code (``CT``, ``MR``); empty where the file does not say."""
    instances: tuple[Instance, ...] = ()
    """The DICOM instances behind the image, in the order of its slices; empty for other formats."""
    verdicts: tuple[Verdict, ...] = ()
    """What is odd about the source: a missing slice (refused), a scout set aside (passed) and the like."""
