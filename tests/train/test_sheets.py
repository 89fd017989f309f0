"""Pictures for eyes: what must be on them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image as Pillow

from diaphane.train.curves import learning_curve, smoothed
from diaphane.train.sheets import PREDICTED, REFERENCE, TILE_PX, Shown, fitted, sheet, tile


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Pillow.open(io.BytesIO(png)))


def count(rgb: np.ndarray, colour: tuple[int, int, int]) -> int:
    return int((rgb == colour).all(axis=-1).sum())


def shown(**more: object) -> Shown:
    mask = np.zeros((5, 40, 60), np.uint8)
    mask[3, 10:20, 10:20] = 1
    moved = np.roll(mask, (10, 20), axis=(1, 2))
    return Shown(**{"name": "x", "image": np.zeros(mask.shape, np.int16), "reference": mask, "predicted": moved, "score": 0.0} | more)  # type: ignore[arg-type]


def test_outlines_lie_where_the_masks_are_on_the_slice_with_most_of_the_reference() -> None:
    rgb = tile(shown(), 300)
    for colour, rows, columns in ((REFERENCE, (10, 20), (10, 20)), (PREDICTED, (20, 30), (30, 40))):
        found = np.argwhere((rgb == colour).all(axis=-1)) / (300 / 60)
        assert found.min(axis=0) == pytest.approx((rows[0], columns[0]), abs=0.8)
        assert found.max(axis=0) == pytest.approx((rows[1], columns[1]), abs=0.8)


def test_rows_and_columns_are_in_proportion_to_the_spacing() -> None:
    flat, tall = tile(shown(), 300), tile(shown(spacing=(1.0, 3.0, 1.0)), 300)
    assert flat.shape[:2] == (200 + 40, 300)
    assert tall.shape[:2] == (300 + 40, 300)
    assert count(tall[:300, :25], (255, 255, 255)) == 300 * 25


def test_sheet_holds_twelve_at_most_and_any_kind_of_image() -> None:
    rng = np.random.default_rng(0)
    kinds = [
        shown(image=rng.integers(0, 256, (5, 40, 60, 3), dtype=np.uint8)),
        shown(image=rng.normal(size=(5, 40, 60)).astype(np.float32)),
        shown(image=np.full((5, 40, 60), np.nan, np.float32)),
        shown(reference=np.zeros((5, 40, 60), np.uint8), predicted=np.zeros((5, 40, 60), np.uint8)),
        shown(image=np.full((5, 40, 60, 3), 4095, np.uint16)),
    ]
    few, many = pixels(sheet(kinds, "few")), pixels(sheet(kinds * 5, "many"))
    assert few.shape[1] < many.shape[1]
    assert pixels(sheet(kinds * 4, "many")).shape == many.shape
    assert count(many, REFERENCE) > 100
    assert pixels(sheet([], "none")).shape[1] > TILE_PX


def test_classes_are_in_words_without_outlines() -> None:
    said = sheet([shown(reference="melanoma", predicted="naevus 80%")], "classes")
    assert count(pixels(said), REFERENCE) == count(pixels(said), PREDICTED) == 0
    assert said != sheet([shown(reference="naevus", predicted="naevus 80%")], "classes")


def test_long_names_lose_their_middle() -> None:
    short = fitted("a" * 50 + "b" * 50, 200, 14)
    assert short.startswith("aaa")
    assert short.endswith("bbb")
    assert "…" in short
    assert fitted("abc", 200, 14) == "abc"


def test_smoothed_is_the_running_mean_of_what_is_known() -> None:
    values = np.arange(100.0)
    values[50] = np.nan
    assert smoothed(values)[10] == pytest.approx(10)
    assert smoothed(values)[50] == pytest.approx(50)
    assert smoothed(np.array([3.0])) == pytest.approx([3.0])
    assert np.isnan(smoothed(np.array([np.nan]))).all()


def test_learning_curve_is_drawn_from_any_length_of_history() -> None:
    rows = [
        {"step": n * 10, "minutes": n / 5 + 0.1, "loss": 1 / (n + 1), "learning_rate": 1e-3, "validation": n / 100 if n % 10 == 9 else None} for n in range(60)
    ]
    drawn = [pixels(learning_curve(rows[:n], "made")) for n in (60, 0)]
    assert all(picture.shape == drawn[0].shape for picture in drawn)
    orange = [((p[..., 0] > 180) & (p[..., 1] < 140) & (p[..., 2] < 60)).sum() for p in drawn]
    assert orange[0] > 3 * orange[1]
