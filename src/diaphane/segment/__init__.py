"""Segment: which pixel belongs to which structure, how probable, how sure."""

from diaphane.segment.focus import admitted, finder_of, focused
from diaphane.segment.gate import likeness, segmenters
from diaphane.segment.options import Options
from diaphane.segment.predict import predict

__all__ = ["Options", "admitted", "finder_of", "focused", "likeness", "predict", "segmenters"]
