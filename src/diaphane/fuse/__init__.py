"""Fuse: candidates become findings, or are suppressed with a reason."""

from diaphane.fuse.candidates import propose, with_regions
from diaphane.fuse.decide import decide, merged
from diaphane.fuse.options import Options

__all__ = ["Options", "decide", "merged", "propose", "with_regions"]
