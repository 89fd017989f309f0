from __future__ import annotations

import csv
import json
from argparse import Namespace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from diaphane.cli import simulate_command
from diaphane.errors import InputError, UsageError
from diaphane.simulate.camera import draw_exposure, exposed
from diaphane.simulate.dataset import Sources, simulated, write_pictures
from diaphane.simulate.distractors import KINDS, OFF_FACE, ON_FACE, draw_distractor, painted
from diaphane.simulate.faces import Canvas
from diaphane.simulate.lesions import LUMA, Patch, Placement, cut_out, laid_on
from diaphane.simulate.scene import Scene, box_of, draw_scene, render_scene
from diaphane.simulate.skin import draw_lesion, render_lesion
from diaphane.simulate.splits import PARTS, split


def canvas(rng: np.random.Generator, *, grey: bool = False) -> Canvas:
    """A skin-coloured face of 160x200 px in the middle of a grey wall of 400x440."""
    rgb = np.full((440, 400, 3), 0.5, np.float32)
    rgb[120:320, 120:280] = 0.7 if grey else (0.8, 0.62, 0.52)
    rgb += rng.normal(0, 0.01, (440, 400, 1)).astype(np.float32)
    skin = np.zeros((440, 400), bool)
    skin[128:312, 128:272] = True
    return Canvas("made", rgb, (120, 120, 160, 200), skin, ((150, 150, 30, 30),), ((0, 0, 60, 80),), 1.05, 0.6)


def patch_of(number: int) -> Patch:
    return cut_out(*render_lesion(draw_lesion(np.random.default_rng(number), 72, 96)), f"made-{number}")


def scenes(count: int) -> list[tuple[Canvas, Scene]]:
    out = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        place = canvas(rng)
        out.append((place, draw_scene(place, 4, rng)))
    return out


def touching(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]


def test_no_face_no_picture_and_no_lesion_is_in_two_parts() -> None:
    parts = [split(part) for part in PARTS]
    people = [set(part.faces) for part in parts]
    files = [{p.file for pictures in part.faces.values() for p in pictures} for part in parts]
    for sets in (people, files, [set(part.lesions) for part in parts]):
        assert all(sets)
        assert sum(len(s) for s in sets) == len(set[str]().union(*sets))


def test_parts_have_the_shares_that_the_docs_say_and_faces_are_large_enough() -> None:
    people = {part: len(split(part).faces) for part in PARTS}
    assert people == {"train": 29, "tune": 7, "test": 13}
    assert {part: len(split(part).lesions) for part in PARTS} == {"train": 594, "tune": 148, "test": 248}
    assert min(p.box_px[2] for part in PARTS for pictures in split(part).faces.values() for p in pictures) >= 88


def test_picture_with_lesions_differs_from_the_one_without_only_around_their_masks() -> None:
    checked = 0
    for place, scene in scenes(6):
        with_them = render_scene(place, scene, patch_of)
        without = render_scene(place, Scene((), scene.pasted, scene.things), patch_of)
        union = np.any([np.zeros(place.skin.shape, bool), *(mask for _, mask in with_them.lesions)], axis=0)
        change = np.abs(with_them.rgb - without.rgb).max(axis=2)
        near = cv2.dilate(union.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
        assert change[~near].max() < 0.05
        for _, mask in with_them.lesions:
            assert np.median(change[mask]) > 0.05
            checked += 1
    assert checked >= 6


def test_flag_says_where_the_box_is_and_most_distractors_lie_on_the_face() -> None:
    kinds = set()
    for place, scene in scenes(25):
        found = render_scene(place, scene, patch_of).distractors
        kinds |= {kind for kind, _, _ in found}
        for kind, on_face, box in found:
            middle = (box[0] + box[2] / 2, box[1] + box[3] / 2)
            assert on_face == (kind in ON_FACE)
            assert on_face == (120 <= middle[0] < 280 and 120 <= middle[1] < 320)
            assert on_face or not touching(box, place.face_box)
            assert on_face or not touching(box, place.others[0])
        assert sum(on_face for _, on_face, _ in found) >= 0.6 * len(found)
    assert len(kinds) > 12


def test_nothing_made_lies_on_what_the_person_really_has() -> None:
    for place, scene in scenes(12):
        rendered = render_scene(place, scene, patch_of)
        assert not any(touching(box_of(mask), place.ignore[0]) for _, mask in rendered.lesions)
        middles = [(box[0] + box[2] / 2, box[1] + box[3] / 2) for _, _, box in rendered.distractors]
        assert not any(touching((int(x), int(y), 1, 1), place.ignore[0]) for x, y in middles)


@pytest.mark.parametrize("kind", KINDS)
def test_distractor_changes_the_picture_inside_its_box(kind: str) -> None:
    for seed in range(3):
        rng = np.random.default_rng(seed)
        place = canvas(rng)
        thing = draw_distractor(kind, 200, 220, 1.05, rng, on_face=kind not in OFF_FACE)
        picture, where = painted(place.rgb, thing, place.blur_px)
        x, y, width, height = box_of(where)
        change = np.abs(picture - place.rgb).max(axis=2)
        assert change[where].max() > 0.03
        change[max(0, y - 4) : y + height + 4, max(0, x - 4) : x + width + 4] = 0
        assert change.max() < 0.15
        assert np.array_equal(picture, painted(place.rgb, thing, place.blur_px)[0])


def test_lesion_is_its_own_darkness_on_other_skin_at_the_asked_size() -> None:
    source = np.full((120, 160, 3), 200, np.uint8)
    inside = np.hypot(*np.ogrid[-60:60, -80:80]) < 25
    source[inside] = 100
    patch = cut_out(source, inside, "disc")
    assert np.exp(np.median(patch.log_ratio[inside])) == pytest.approx(102 / 202, abs=0.01)
    assert np.abs(patch.log_ratio[~inside]).max() < 0.02
    skin = np.full((100, 100, 3), 0.4, np.float32)
    place = Placement(x=50, y=40, diameter_px=20, angle_rad=1.0, is_mirrored=True, squeeze=0.8, strength=1)
    picture, mask = laid_on(skin, patch, place, 0.5, 1.0)
    assert picture[40, 50] == pytest.approx(0.4 * 102 / 202, abs=0.01)
    assert mask.sum() == pytest.approx(np.pi * 100, rel=0.06)
    x, y, width, height = box_of(mask)
    assert (x + width / 2, y + height / 2) == pytest.approx((50, 40), abs=1)
    assert width / height == pytest.approx(0.8, abs=0.1)


def test_grey_photo_stays_grey(rng: np.random.Generator) -> None:
    place = canvas(rng, grey=True)
    rendered = render_scene(place, draw_scene(place, 4, rng), patch_of)
    assert rendered.lesions
    assert np.ptp(rendered.rgb, axis=2).max() == 0


def test_procedural_pictures_need_no_data_and_truth_agrees_with_their_pixels(tmp_path: Path) -> None:
    assert list(write_pictures(tmp_path / "made", None, 3, 6)) == list(range(6))
    truth = json.loads((tmp_path / "made/truth.json").read_text())["images"]
    assert len(truth) == 6
    lesions = 0
    for entry in truth:
        assert entry.keys() == {"image", "face_identity", "face_box_px", "lesions", "distractors", "ignore"}
        grey = np.asarray(Pillow.open(tmp_path / "made" / entry["image"]).convert("RGB"), np.float32) @ LUMA
        for lesion in entry["lesions"]:
            mask = np.asarray(Pillow.open(tmp_path / "made" / lesion["mask"])) > 127
            assert list(box_of(mask)) == lesion["box_px"]
            around = cv2.dilate(mask.astype(np.uint8), np.ones((25, 25), np.uint8)).astype(bool) & ~mask
            assert grey[mask].mean() < np.median(grey[around]) - 10
            lesions += 1
    assert lesions >= 5


def test_same_seed_and_number_give_the_same_bytes() -> None:
    a, b, c, d = (simulated(None, seed, number).jpeg for seed, number in ((5, 1), (5, 1), (5, 2), (6, 1)))
    assert a == b
    assert len({a, c, d}) == 3


def test_camera_keeps_a_grey_photo_grey_and_draws_what_it_applies(rng: np.random.Generator) -> None:
    grey = np.repeat(rng.uniform(0.2, 0.8, (40, 40, 1)), 3, axis=2)
    first, again = (draw_exposure(np.random.default_rng(1)) for _ in range(2))
    assert first == again
    assert exposed(grey, first) == exposed(grey, again)


def test_wrong_use_is_refused(tmp_path: Path) -> None:
    given = {"what": "skin", "out": tmp_path / "out", "seed": 1, "count": 1, "lesions": None, "faces": None, "part": None}
    for change, message in (
        ({"count": 0}, "--count must be at least 1"),
        ({"lesions": tmp_path}, "--lesions and --faces belong together"),
        ({"part": "test"}, "--part chooses among real faces"),
    ):
        with pytest.raises(UsageError, match=message):
            simulate_command.execute(Namespace(**{**given, **change}))
    with pytest.raises(InputError, match="no such folder"):
        simulate_command.execute(Namespace(**{**given, "lesions": tmp_path / "none", "faces": tmp_path}))
    (tmp_path / "out").mkdir()
    (tmp_path / "out/x").write_text("")
    with pytest.raises(InputError, match="is not empty"):
        simulate_command.execute(Namespace(**given))
    assert simulate_command.execute(Namespace(**{**given, "out": tmp_path / "new"})) == 0
    assert (tmp_path / "new/truth.json").is_file()


@pytest.mark.data
def test_real_pictures_come_from_their_part_and_from_the_seed(data: Path) -> None:
    sources = Sources(data / "isic2017", data / "faces", "tune")
    part = split("tune")
    for number in range(3):
        made = simulated(sources, 11, number)
        assert made.identity in part.faces
        assert {source for source, _ in made.lesions} <= set(part.lesions)
        assert all(mask.shape == made.pixels.shape[:2] for _, mask in made.lesions)
        x, _, width, height = made.face_box
        assert 0 <= x < x + width <= made.pixels.shape[1]
        assert min(width, height) >= 85
    assert simulated(sources, 11, 2).jpeg == made.jpeg


@pytest.mark.data
def test_lesions_are_training_pictures_without_near_duplicates_and_every_face_is_there(data: Path) -> None:
    with (data / "isic2017/index.csv").open() as file:
        train = {row["isic_id"] for row in csv.DictReader(file) if row["split"] == "train"}
    with (data / "isic2017/near_duplicates.csv").open() as file:
        listed = {row[key] for row in csv.DictReader(file) for key in ("id_a", "id_b")}
    for part in PARTS:
        assert set(split(part).lesions) <= train - listed
        assert all((data / "faces" / p.file).is_file() for pictures in split(part).faces.values() for p in pictures)
