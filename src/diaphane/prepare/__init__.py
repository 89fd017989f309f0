"""Prepare: an image on the grid and the scale that a model's recipe asks for."""

from diaphane.prepare.prepare import prepare
from diaphane.prepare.truth import labels_on_grid

__all__ = ["labels_on_grid", "prepare"]
