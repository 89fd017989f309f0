"""Assess: a class with a calibrated probability and its explanation."""

from diaphane.assess.answer import Answer, answer
from diaphane.assess.network import judged
from diaphane.assess.options import Options
from diaphane.assess.score import classifiers, lacking, score
from diaphane.assess.table import judged_table

__all__ = ["Answer", "Options", "answer", "classifiers", "judged", "judged_table", "lacking", "score"]
