from __future__ import annotations

import numpy as np
import pytest

from diaphane.core.case import PatientContext
from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.core.outcome import Part
from diaphane.core.recipe import LabelRecipe
from diaphane.pipeline.faces import Faces
from diaphane.pipeline.omissions import GIVEN, not_assessed


@pytest.mark.parametrize(
    ("role", "source", "is_said"),
    [("anatomy", "liver", True), ("lesion", "tumour", False), ("anatomy", GIVEN, False)],
    ids=["a bundle of organs", "a bundle of lesions", "given by a person"],
)
def test_lesions_of_a_scan_are_missed_only_where_nothing_looked_for_them(role, source: str, is_said: bool) -> None:
    image = Image(np.zeros((4, 5, 6), np.int16), Geometry(np.eye(4), calibrated=True), "scan")
    labels = Labels(np.ones((4, 5, 6), np.uint8), (LabelRecipe(value=1, name="made", role=role),), source=source)
    told = not_assessed([Part(image=image, modality="CT", labels=labels)], Faces(), [], [], PatientContext())
    assert ("lesions in the scan" in {n.what for n in told}) == is_said
