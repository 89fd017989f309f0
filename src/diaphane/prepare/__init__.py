"""Prepare: an image on the grid and the scale that a model's recipe asks for."""

from diaphane.prepare.prepare import prepare

__all__ = ["prepare"]
