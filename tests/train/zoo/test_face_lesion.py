from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra 'train'")

from diaphane.core.recipe import InputRecipe, LabelRecipe, Recipe  # noqa: E402
from diaphane.errors import InputError  # noqa: E402
from diaphane.simulate.dataset import write_pictures  # noqa: E402
from diaphane.train.froc import Picture, froc, matched, sensitivities  # noqa: E402
from diaphane.train.losses import IGNORE  # noqa: E402
from diaphane.train.zoo.simulated import JITTER, jittered, read_shots, stacked_shots  # noqa: E402

NEVER = -np.inf
RECIPE = Recipe(
    name="made", task="segment", modality="face photo", network="unet", licence="Apache-2.0", labels=(LabelRecipe(value=1, name="lesion"),),
    field_of_view="face", input=InputRecipe(channels=3, size=(64, 64), fit="pad", normalisation="z-score"),
)  # fmt: skip


def disc(x: int, y: int, radius: int) -> np.ndarray:
    return np.asarray(np.hypot(*np.ogrid[-y : 60 - y, -x : 60 - x]) < radius)


def test_candidate_is_the_lesion_from_an_overlap_of_a_fifth_and_counts_neither_way_where_ignored() -> None:
    lesions = [disc(15, 15, 8), disc(45, 45, 8)]
    ignore = disc(15, 45, 9)
    candidates = [(disc(15, 16, 7), 0.6), (disc(16, 15, 8), 0.4), (disc(45, 15, 5), 0.7), (disc(15, 46, 4), 0.9), (disc(57, 45, 8), 0.8)]
    found = matched("a", candidates, lesions, ignore)
    assert found.found == (0.6, NEVER)
    assert sorted(found.false) == [0.7, 0.8]
    assert len(found.dice) == 1
    assert 0.8 < found.dice[0] < 1


def test_froc_equals_what_one_counts_by_hand() -> None:
    # 4 pictures; true at 0.9, 0.8, 0.5, 0.3, one never; false at 0.85, 0.6, 0.4, 0.2, 0.1
    pictures = [
        Picture("a", (0.9, 0.5), (0.85,), ()), Picture("a", (0.8,), (0.6, 0.4), ()),
        Picture("b", (0.3, NEVER), (0.2,), ()), Picture("b", (), (0.1,), ()),
    ]  # fmt: skip
    # 1/8 a picture: none of 4 may be false, so above 0.85; 1/4: one, above 0.6; 1/2: two, above 0.4; 1: four, above 0.1
    assert sensitivities(pictures) == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8, 0.8])
    found = froc(pictures)
    assert found["cpm"]["mean"] == pytest.approx(0.6)
    assert found["false_per_picture"]["mean"] == 1.25
    assert found["sensitivity"]["mean"] == 0.8
    assert found["cpm"]["ci95"][0] <= 0.6 <= found["cpm"]["ci95"][1]


def test_perfect_finder_has_one_and_a_blind_one_nothing() -> None:
    assert sensitivities([Picture("a", (0.5, 0.6), (), ())]) == [1.0] * 6
    assert sensitivities([Picture("a", (NEVER,), (0.9,) * 9, ())]) == [0.0] * 6
    assert np.isnan(sensitivities([Picture("a", (), (0.9,), ())])).all()


def test_false_candidate_with_the_score_of_a_true_one_is_not_looked_away_from() -> None:
    assert sensitivities([Picture("a", (0.5,), (0.5,), ())], [0.5, 1.0]) == [0.0, 1.0]


def test_simulated_faces_become_samples_with_lesions_and_ignored_places(tmp_path: Path) -> None:
    list(write_pictures(tmp_path / "made", None, 4, 4))
    shots = read_shots(tmp_path / "made")
    x, y, width, height = 100, 90, 40, 30
    shots[0].entry["ignore"].append({"box_px": [x, y, width, height]})
    arrays, labels = stacked_shots(shots, RECIPE, 0)
    assert arrays.shape == (4, 3, 64, 64)
    assert labels.shape == (4, 64, 64)
    assert set(np.unique(labels)) == {0, 1, IGNORE}
    assert not (labels[1:] == IGNORE).any()
    side = 64 / max(shots[0].pixels.shape[:2])
    assert (labels[0] == IGNORE).sum() == pytest.approx(width * height * side**2, rel=0.5)
    for shot, label in zip(shots[1:], labels[1:], strict=True):
        assert (label == 1).any() == bool(shot.lesions)


def test_jittered_box_stays_near(rng: np.random.Generator) -> None:
    for _ in range(50):
        x, y, width, height = jittered((100, 200, 50, 60), rng)
        assert abs(x + width / 2 - 125) <= JITTER * 50
        assert abs(y + height / 2 - 230) <= JITTER * 60
        assert width / 50 == pytest.approx(height / 60)
        assert abs(width / 50 - 1) <= JITTER


def test_folder_without_truth_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file; make it with diaphane simulate skin"):
        read_shots(tmp_path)
    (tmp_path / "truth.json").write_text('{"images": [{"image": "a.jpg"}]}')
    with pytest.raises(InputError, match="without face_box_px"):
        read_shots(tmp_path)
