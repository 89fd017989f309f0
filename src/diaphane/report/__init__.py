"""Report: what was found, for people."""

from diaphane.report.changes import write_changes
from diaphane.report.compose import compose
from diaphane.report.options import Options

__all__ = ["Options", "compose", "write_changes"]
