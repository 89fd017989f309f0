"""Prepare: an image on the grid and the scale that a model's recipe asks for."""

from diaphane.prepare.prepare import prepare
from diaphane.prepare.show import before_after
from diaphane.prepare.truth import labels_on_grid
from diaphane.prepare.words import steps

__all__ = ["before_after", "labels_on_grid", "prepare", "steps"]
