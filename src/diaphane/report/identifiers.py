"""Stable identifiers: one case gives the same UIDs, URNs and times in every run."""

from __future__ import annotations

import uuid
from datetime import datetime

NAMESPACE = uuid.UUID("3d9a5f0e-6c1b-5e27-9b0a-41f7c2d86e53")
"""Diaphane's own; every name below is hashed with it (RFC 9562, version 5)."""


def uid(*words: str) -> str:
    """A DICOM UID of what the words name. Source: DICOM PS3.5 B.2, UUID derived UID."""
    return f"2.25.{uuid.uuid5(NAMESPACE, _name(words)).int}"


def urn(*words: str) -> str:
    """``urn:uuid:…`` of what the words name."""
    return uuid.uuid5(NAMESPACE, _name(words)).urn


def moment(created: str) -> datetime:
    """The time of ``Provenance.created``: UTC, whole seconds."""
    return datetime.strptime(created, "%Y-%m-%dT%H:%M:%SZ")


def _name(words: tuple[str, ...]) -> str:
    return "\n".join(words)
