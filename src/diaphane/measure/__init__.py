"""Measure: the regions of a segmentation with their shape, intensity, colour and texture."""

from diaphane.measure.extract import extract, regions_of
from diaphane.measure.options import Options

__all__ = ["Options", "extract", "regions_of"]
