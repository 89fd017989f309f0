"""One patient's inputs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from diaphane.core.image import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientContext:
    """What is known of the patient beside the images; nothing that names them.

    Raises:
        ValueError: The age lies outside 0 to 130 years.
    """

    age_years: float | None = None
    sex: Literal["female", "male", "other"] | None = None

    def __post_init__(self) -> None:
        if self.age_years is not None and not 0 <= self.age_years <= 130:
            raise ValueError(f"age_years must lie between 0 and 130, got {self.age_years}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Images and context: what acquisition gives."""

    images: tuple[Image, ...]
    context: PatientContext = field(default_factory=PatientContext)
