"""Assess: a class with a calibrated probability and its explanation."""

from diaphane.assess.options import Options
from diaphane.assess.score import classifiers, lacking, score

__all__ = ["Options", "classifiers", "lacking", "score"]
