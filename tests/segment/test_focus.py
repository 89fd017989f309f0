"""Where a classifier looks: the box around what another bundle segments."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.networks import spots_bundle

from diaphane import zoo
from diaphane.acquire.picture import read_picture
from diaphane.core.arrays import BoolArray
from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.core.recipe import InputRecipe, LabelRecipe, Recipe
from diaphane.engine.bundle import open_bundle
from diaphane.errors import BundleError
from diaphane.ops.crop import box_of, cropped_picture, widened
from diaphane.ops.picture import read_png
from diaphane.prepare import prepare
from diaphane.segment import admitted, finder_of, focus, focused

SHAPE = (60, 90)
LOOKS = Recipe(
    name="looks", task="classify", modality="made", network="mean", licence="none", labels=(LabelRecipe(value=1, name="a"), LabelRecipe(value=2, name="b")),
    input=InputRecipe(channels=1, size=(32, 32), fit="pad", normalisation="z-score", around="spots"),
)  # fmt: skip


@pytest.fixture
def spots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A zoo of one bundle, which segments what is brighter than the middle, on the grid of the pictures here."""
    monkeypatch.setattr(zoo, "HERE", tmp_path / "zoo")
    return spots_bundle(tmp_path / "zoo/spots", SHAPE)


def picture(box: tuple[int, int, int, int] | None, geometry: Geometry | None = None) -> Image:
    """Dark noise, and a bright box (x, y, width, height)."""
    pixels = np.random.default_rng(4).integers(0, 100, SHAPE, dtype=np.uint8)
    if box:
        x, y, width, height = box
        pixels[y : y + height, x : x + width] += 150
    return Image(pixels[None], geometry or Geometry.of_picture(0.2), "made", "0" * 64)


def test_the_network_sees_the_box_and_a_tenth_of_its_longer_side_around_it(spots: Path) -> None:
    whole = picture((30, 20, 40, 21))
    part, reason = focused(whole, LOOKS, prepare)
    assert reason == ""
    assert np.array_equal(part.array, whole.array[:, 16:45, 26:74])
    assert (part.name, part.source_sha256) == (whole.name, whole.source_sha256)


def test_the_margin_ends_where_the_picture_ends(spots: Path) -> None:
    part, _ = focused(picture((1, 30, 60, 30)), LOOKS, prepare)
    assert np.array_equal(part.array, picture((1, 30, 60, 30)).array[:, 24:, :67])


def test_pixels_of_the_part_stay_where_they_lie_in_the_world(spots: Path) -> None:
    oblique = Geometry(np.array([[0.1, 0.2, 0.9, 5], [0, 0.8, -0.3, -7], [1, 0.1, 0.2, 11], [0, 0, 0, 1]]), calibrated=True, frame_of_reference_uid="1.2")
    whole = picture((30, 20, 40, 21), oblique)
    part, _ = focused(whole, LOOKS, prepare)
    assert part.geometry.to_world(np.array([0, 3, 5])) == pytest.approx(oblique.to_world(np.array([0, 19, 31])))
    assert (part.geometry.calibrated, part.geometry.frame_of_reference_uid) == (True, "1.2")


@pytest.mark.parametrize(("box", "says"), [(None, "'spots' found no spot"), ((40, 30, 12, 12), "takes 2.7% of it, expected 5% or more")])
def test_where_nothing_or_too_little_is_found_the_whole_is_seen_and_the_reason_told(box: tuple[int, int, int, int] | None, says: str, spots: Path) -> None:
    whole = picture(box)
    part, reason = focused(whole, LOOKS, prepare)
    assert part is whole
    assert says in reason
    given, verdicts = admitted(whole, replace(open_bundle(spots), recipe=LOOKS), prepare)
    assert given is not None
    assert np.array_equal(given.array, prepare(whole, LOOKS).array)
    assert [(v.gate, v.verdict, v.subject) for v in verdicts] == [("input", "passed", "looks"), ("input", "doubted", "looks")]
    assert verdicts[1].reason == reason


def test_every_structure_must_be_found(spots: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoo, "HERE", tmp_path / "two")
    spots_bundle(tmp_path / "two/spots", SHAPE, ("spot", "flash"))  # the second never wins
    assert "'spots' found no flash" in focused(picture((30, 20, 40, 21)), LOOKS, prepare)[1]


def test_without_around_nothing_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(focus, "predict", None)
    assert LOOKS.input is not None
    whole = picture((30, 20, 40, 21))
    assert focused(whole, replace(LOOKS, input=replace(LOOKS.input, around="")), prepare) == (whole, "")
    assert focused(whole, open_bundle("melanoma").recipe, prepare) == (whole, "")


def test_the_gate_is_asked_about_the_whole_picture(spots: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    gate = focus.input_verdict
    monkeypatch.setattr(focus, "input_verdict", lambda image, bundle: asked.append(image.shape) or gate(image, bundle))
    given, verdicts = admitted(picture((30, 20, 40, 21)), replace(open_bundle(spots), recipe=LOOKS), prepare)
    assert asked == [(1, *SHAPE)]
    assert [v.verdict for v in verdicts] == ["passed"]
    assert given is not None
    assert given.image.shape == (1, 29, 48)


def test_bundle_is_read_once_for_many_pictures(spots: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    monkeypatch.setattr(focus, "open_bundle", lambda path: opened.append(path) or open_bundle(path))
    for _ in range(3):
        focused(picture((30, 20, 40, 21)), LOOKS, prepare)
    assert opened == [spots]


def test_a_recipe_opens_no_path_and_no_bundle_that_does_not_segment_whole_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert LOOKS.input is not None
    made = spots_bundle(tmp_path / "mine", SHAPE)
    monkeypatch.chdir(tmp_path)
    for name, says in [
        ("mine", "must name a shipped bundle, one of face_lesion,"),
        (str(made), "must name a shipped bundle"),
        ("../zoo/lungs", "must name a shipped bundle"),
        ("melanoma", "segments whole pictures, such as 'lungs'; 'melanoma' does not"),
        ("face_lesion", "'face_lesion' does not"),
    ]:
        with pytest.raises(BundleError, match=says):
            finder_of(replace(LOOKS, input=replace(LOOKS.input, around=name)))


def test_a_folder_of_the_shipped_name_in_the_working_directory_is_not_taken_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert LOOKS.input is not None
    spots_bundle(tmp_path / "lungs", SHAPE)
    monkeypatch.chdir(tmp_path)
    finder = finder_of(replace(LOOKS, input=replace(LOOKS.input, around="lungs")))
    assert finder is not None
    assert finder.path == zoo.path("lungs")


def test_only_classifiers_of_pictures_look_at_a_part() -> None:
    assert LOOKS.input is not None
    with pytest.raises(ValueError, match="around is for classes of pictures"):
        replace(LOOKS, task="segment")
    volume = InputRecipe(channels=1, size=(8, 8, 8), fit="windows", normalisation="z-score", spacing_mm=(1, 1, 1), around="lungs")
    with pytest.raises(ValueError, match="around is for classes of pictures"):
        replace(LOOKS, input=volume)


def test_boxes_against_a_slow_count(rng: np.random.Generator) -> None:
    for _ in range(20):
        mask: BoolArray = rng.random((7, 9)) < 0.1
        mask[rng.integers(7), rng.integers(9)] = True
        rows, columns = zip(*((r, c) for r in range(7) for c in range(9) if mask[r, c]), strict=True)
        box = box_of(mask)
        assert box == (min(columns), min(rows), max(columns) - min(columns) + 1, max(rows) - min(rows) + 1)
        more = round(0.3 * max(box[2:]))
        inside = {(c, r) for r in range(7) for c in range(9) if box[0] - more <= c < box[0] + box[2] + more and box[1] - more <= r < box[1] + box[3] + more}
        x, y, width, height = widened(box, 0.3, (9, 7))
        assert inside == {(c, r) for r in range(y, y + height) for c in range(x, x + width)}
    rgb = Image(rng.integers(0, 255, (1, 7, 9, 3), dtype=np.uint8))
    assert np.array_equal(cropped_picture(rgb, (2, 1, 5, 4)).array, rgb.array[:, 1:5, 2:7])


@pytest.mark.data
def test_lungs_of_real_pictures_lie_within_the_part(data: Path) -> None:
    assert LOOKS.input is not None
    recipe = replace(LOOKS, input=replace(LOOKS.input, around="lungs"))
    with (data / "cxr_lungs/index.csv").open() as file:
        rows = list(csv.DictReader(file))[::25]
    shares = []
    for row in rows:
        image, mask = read_picture(data / "cxr_lungs" / row["image"]), read_png(data / "cxr_lungs" / row["mask"]) > 0
        part, reason = focused(image, recipe, prepare)
        assert reason == ""
        shares.append(part.array.size / image.array.size)
        x, y = part.geometry.origin[:2]
        rows_in, columns_in = slice(round(y), round(y) + part.shape[1]), slice(round(x), round(x) + part.shape[2])
        assert mask[rows_in, columns_in].sum() > 0.99 * mask.sum()
    assert min(shares) < 0.9


def test_fingerprint_that_nothing_is_like_lets_nothing_in(spots: Path) -> None:
    narrow = json.dumps({"mean": [1e3] * 45, "precision": np.eye(45).tolist(), "limit": 1e-3, "basis": "none"}).encode()
    bundle = open_bundle(spots)
    strict = replace(bundle, recipe=LOOKS, files={**bundle.files, "fingerprint.json": narrow})
    given, (verdict,) = admitted(picture((30, 20, 40, 21)), strict, prepare)
    assert given is None
    assert verdict.verdict == "refused"
