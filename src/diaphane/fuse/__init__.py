"""Fuse: candidates become findings, or are suppressed with a reason."""

from diaphane.fuse.candidates import propose, with_assessments
from diaphane.fuse.decide import decide
from diaphane.fuse.options import Options

__all__ = ["Options", "decide", "propose", "with_assessments"]
