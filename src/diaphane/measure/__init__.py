"""Measure: the regions of a segmentation with their shape, intensity, colour and texture."""

from diaphane.measure.configuration import CONFIGURATIONS, Configuration
from diaphane.measure.extract import extract, regions_of
from diaphane.measure.grid import onto
from diaphane.measure.options import Options
from diaphane.measure.sides import opposite

__all__ = ["CONFIGURATIONS", "Configuration", "Options", "extract", "onto", "opposite", "regions_of"]
