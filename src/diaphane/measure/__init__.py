"""Measure: the regions of a segmentation with their shape, intensity, colour and texture."""

from diaphane.measure.extract import extract, regions_of
from diaphane.measure.options import Options
from diaphane.measure.sides import opposite

__all__ = ["Options", "extract", "opposite", "regions_of"]
