"""What a result was made from, so that it can be made again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What ran a network: with the same, the same network gives the same bytes again."""

    engine: str
    version: str
    device: str
    precision: str
    threads: int
    """0: as many as there were cores."""

    @property
    def words(self) -> str:
        """``openvino 2026.4.1 on CPU, bfloat16, all threads``."""
        threads = f"{self.threads} thread{'s' * (self.threads > 1)}" if self.threads else "all threads"
        return f"{self.engine} {self.version} on {self.device}, {self.precision}, {threads}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Weights that others published, as they were used."""

    name: str
    sha256: str
    licence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Versions and hashes of one case."""

    version: str
    inputs: Mapping[str, str]
    """Name to SHA-256."""
    plan_sha256: str
    weights: Mapping[str, str]
    """Bundle, or network that others made, to the SHA-256 of its weights."""
    recipes: Mapping[str, str]
    """Bundle to the SHA-256 of its recipe."""
    licences: Mapping[str, str]
    """The same to the licence of its weights."""
    seed: int
    created: str
    """ISO 8601, UTC: when the case was first made; ``SOURCE_DATE_EPOCH`` fixes it."""
    engines: Mapping[str, Ran] = field(default_factory=dict)
    """Bundle to what ran its network."""


@cache
def version() -> str:
    """The installed version of Diaphane."""
    return metadata.version("diaphane")


def sha256_of(path: Path) -> str:
    """Of a file's bytes, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(value: Any) -> str:
    """Of any JSON-like value, independent of the order of keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
