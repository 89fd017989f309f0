"""The bundles that this project trained and ships, as data."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent


def path(name: str) -> Path:
    """The folder of the shipped bundle ``name``; it need not exist."""
    return HERE / name


def names() -> tuple[str, ...]:
    """The shipped bundles, by name."""
    return tuple(sorted(p.parent.name for p in HERE.glob("*/recipe.toml")))
