"""The options of assessment."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Which classifiers judge the regions, or the pictures."""

    bundle: str | None = None
    """classifier to use, by name or folder, of regions or of whole pictures; without one, melanoma judges skin lesions"""
    maps: bool = True
    """for each network that judges a picture, whether the report shows where its verdict comes from: the network looks a hundred times more"""
