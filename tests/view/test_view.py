from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from tests.view.test_scene import volume_part

from diaphane.core.outcome import Outcome
from diaphane.ops.picture import read_png
from diaphane.view import Options as ViewOptions
from diaphane.view import export, label_overlay


def names(paths: tuple[Path, ...], folder: Path) -> list[str]:
    assert all(p.exists() for p in paths)
    return sorted(p.relative_to(folder).as_posix() for p in paths)


def test_overlay_has_the_pictures_size_or_a_legend(outcome: Outcome, tmp_path: Path) -> None:
    assert names(export(outcome, tmp_path, ViewOptions()), tmp_path) == ["overlay.png", "segmentation/phantom_overlay.png"]
    part = outcome.parts[0]
    assert part.labels is not None
    plain = label_overlay(part.image, part.labels, ViewOptions(), legend=False)
    named = label_overlay(part.image, part.labels, ViewOptions(), legend=True)
    assert plain.shape == (128, 128, 3)
    assert named.shape[1] == 1024
    assert named.shape[0] > 1024
    assert not np.array_equal(plain, label_overlay(part.image, part.labels, ViewOptions(colormap="jet"), legend=False))


def test_volume_has_a_sheet_and_a_scene_and_a_key_frame_an_overlay_of_its_own(outcome: Outcome, tmp_path: Path) -> None:
    frame = replace(outcome.parts[0], frame=12)
    both = replace(outcome, parts=(volume_part(), frame))
    page = [f"view/{name}" for name in ("data.js", "index.html", "licences.txt", "page.css", "page.js")]
    plain = ["overlay.png", "scene.glb", "segmentation/phantom_overlay.png"]
    assert names(export(both, tmp_path / "with", ViewOptions(sheet_width_px=800)), tmp_path / "with") == [*plain, *page]
    assert names(export(both, tmp_path, ViewOptions(sheet_width_px=800, scene_page=False)), tmp_path) == plain
    assert read_png(tmp_path / "overlay.png").shape[1] == 800


def test_nothing_is_written_of_what_was_not_segmented(outcome: Outcome, tmp_path: Path) -> None:
    parts = (replace(volume_part(), labels=None), replace(outcome.parts[0], labels=None, regions=()))
    assert export(replace(outcome, parts=parts), tmp_path, ViewOptions()) == ()
    assert list(tmp_path.iterdir()) == []
