"""The bundles that this project trained and ships, as data."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
UNASKED = ("face_lesion", "fusion_ensemble", "lungs", "melanoma", "skin_lesion")
"""The bundles that are used without being named: ``run`` segments by the one whose input gate lets a picture in, judges what was segmented, and fuses on faces.

The others are used by name. Several of them were trained on the same pictures, so that a gate could not choose between them, and what they find
a report must not contain unless someone asked for it.
"""


def path(name: str) -> Path:
    """The folder of the shipped bundle ``name``; it need not exist."""
    return HERE / name


def names() -> tuple[str, ...]:
    """The shipped bundles, by name."""
    return tuple(sorted(p.parent.name for p in HERE.glob("*/recipe.toml")))
