"""Acquire: files become a case."""

from diaphane.acquire.options import Options
from diaphane.acquire.read import about, expand, read

__all__ = ["Options", "about", "expand", "read"]
