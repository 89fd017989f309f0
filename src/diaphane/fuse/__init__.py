"""Fuse: candidates become findings, or are suppressed with a reason."""

from diaphane.fuse.candidates import propose, with_regions
from diaphane.fuse.choice import chosen
from diaphane.fuse.compare import compare, looks_mirrored
from diaphane.fuse.context import with_context
from diaphane.fuse.decide import decide, merged
from diaphane.fuse.mirror import unmirrored
from diaphane.fuse.options import CompareOptions, Options, RegisterOptions
from diaphane.fuse.register import register

__all__ = [
    "CompareOptions", "Options", "RegisterOptions", "chosen", "compare", "decide", "looks_mirrored", "merged", "propose", "register", "unmirrored",
    "with_context", "with_regions",
]  # fmt: skip
