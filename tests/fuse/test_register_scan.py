"""What the pipeline gives to registration: skin out of a scan, landmarks out of a picture."""

from __future__ import annotations

import numpy as np
import pytest

from diaphane.core.image import Image
from diaphane.errors import RefusedError
from diaphane.pipeline.registering import landmarks_of, skin_of
from diaphane.simulate.head import CAVITY_MM, SCALP_MM, SKULL_MM, head_phantom


def test_skin_lies_where_the_scan_is_half_way_between_air_and_tissue(rng: np.random.Generator) -> None:
    skin = skin_of(head_phantom(rng, 2.0).image)
    axes = np.array(CAVITY_MM) + SKULL_MM + SCALP_MM
    vault = np.asarray(skin.vertices_mm, float)[skin.vertices_mm[:, 2] > 40]
    away = (np.linalg.norm(vault / axes, axis=1) - 1) * np.linalg.norm(vault, axis=1)
    assert abs(np.median(away)) < 0.25
    assert np.percentile(np.abs(away), 95) < 1.2
    assert skin.volume_mm3 > 0


def test_a_scan_that_is_no_head_is_refused() -> None:
    with pytest.raises(RefusedError, match="heads only"):
        skin_of(Image(np.zeros((4, 4, 4), np.int16)))


def test_there_are_no_landmarks_in_a_picture_of_nothing(weights: None) -> None:
    assert landmarks_of(np.full((120, 160, 3), 90, np.uint8)) is None
