"""The options of assessment."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Which classifiers judge the regions."""

    bundle: str | None = None
    """classifier to use, by name or folder; without one, every shipped classifier that applies"""
