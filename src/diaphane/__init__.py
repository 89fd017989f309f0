"""Diaphane: medical image analysis from scan or picture to report, on a laptop without a GPU.

import diaphane
outcome = diaphane.run("lesion.png", "case")
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from diaphane.errors import BundleError, DiaphaneError, InputError, RefusedError, StorageError, UsageError

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # ONNX Runtime reads it once, when it is imported; it would keep a file about its use, to be sent

if TYPE_CHECKING:
    from diaphane.core.candidate import Candidate
    from diaphane.core.case import Case, PatientContext
    from diaphane.core.face import Face
    from diaphane.core.finding import Assessment, Decision, Finding
    from diaphane.core.geometry import Geometry
    from diaphane.core.image import Image
    from diaphane.core.labels import Labels
    from diaphane.core.outcome import Outcome, Part
    from diaphane.core.recipe import Recipe
    from diaphane.core.region import Feature, Region
    from diaphane.core.track import Track
    from diaphane.core.transform import RigidTransform
    from diaphane.core.verdict import Verdict
    from diaphane.core.video import Video
    from diaphane.pipeline import run
    from diaphane.plan import Plan, read_plan

_HOMES = {
    "Candidate": "core.candidate", "Case": "core.case", "PatientContext": "core.case", "Face": "core.face",
    "Assessment": "core.finding", "Decision": "core.finding", "Finding": "core.finding", "Geometry": "core.geometry",
    "Image": "core.image", "Labels": "core.labels", "Outcome": "core.outcome", "Part": "core.outcome", "Verdict": "core.verdict", "Video": "core.video",
    "Recipe": "core.recipe", "Feature": "core.region", "Region": "core.region", "Track": "core.track",
    "RigidTransform": "core.transform", "run": "pipeline", "Plan": "plan", "read_plan": "plan",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Nouns, ``Plan`` and ``run`` are loaded when they are first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'diaphane' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(f"diaphane.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "Assessment", "BundleError", "Candidate", "Case", "Decision", "DiaphaneError", "Face", "Feature", "Finding", "Geometry",
    "Image", "InputError", "Labels", "Outcome", "Part", "PatientContext", "Plan", "Recipe", "RefusedError", "Region",
    "RigidTransform", "StorageError", "Track", "UsageError", "Verdict", "Video", "read_plan", "run",
]  # fmt: skip
