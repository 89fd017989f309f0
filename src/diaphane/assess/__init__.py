"""Assess: a class with a calibrated probability and its explanation."""

from diaphane.assess.answer import Answer, answer
from diaphane.assess.model_json import table_model
from diaphane.assess.network import judged
from diaphane.assess.occlusion import explained, occlusion, occlusion_picture
from diaphane.assess.options import Options
from diaphane.assess.score import classifiers, no_verdict, score
from diaphane.assess.table import judged_table

__all__ = [
    "Answer", "Options", "answer", "classifiers", "explained", "judged", "judged_table", "no_verdict", "occlusion", "occlusion_picture", "score", "table_model",
]  # fmt: skip
