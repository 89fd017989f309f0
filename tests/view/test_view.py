from __future__ import annotations

from pathlib import Path

import numpy as np

from diaphane.core.outcome import Outcome
from diaphane.view import Options as ViewOptions
from diaphane.view import export, label_overlay


def test_overlay_has_the_pictures_size_or_a_legend(outcome: Outcome, tmp_path: Path) -> None:
    paths = export(outcome, tmp_path, ViewOptions())
    assert {p.relative_to(tmp_path).as_posix() for p in paths} == {"overlay.png", "segmentation/phantom_overlay.png"}
    assert outcome.labels is not None
    plain = label_overlay(outcome.image, outcome.labels, ViewOptions(), legend=False)
    named = label_overlay(outcome.image, outcome.labels, ViewOptions(), legend=True)
    assert plain.shape == (128, 128, 3)
    assert named.shape[1] == 1024
    assert named.shape[0] > 1024
    assert not np.array_equal(plain, label_overlay(outcome.image, outcome.labels, ViewOptions(colormap="jet"), legend=False))
