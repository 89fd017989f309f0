"""Report: what was found, for people."""

from diaphane.report.compose import compose
from diaphane.report.options import Options

__all__ = ["Options", "compose"]
