"""Fuse: candidates become findings, or are suppressed with a reason."""

from diaphane.fuse.candidates import propose, with_regions
from diaphane.fuse.choice import chosen
from diaphane.fuse.context import with_context
from diaphane.fuse.decide import decide, merged
from diaphane.fuse.options import Options

__all__ = ["Options", "chosen", "decide", "merged", "propose", "with_context", "with_regions"]
