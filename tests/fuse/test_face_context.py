from __future__ import annotations

import numpy as np
import pytest
from tests.faces_made import disc_candidate, grid_chart, seen

from diaphane.core.image import Image
from diaphane.fuse import with_context
from diaphane.fuse.columns import OF_LANDMARKS, names, values
from diaphane.fuse.site import REGIONS, region_of
from diaphane.fuse.skin import Skin, lab_of
from diaphane.fuse.surface import Surface
from diaphane.ops.face_regions import REGIONS as OUTLINED

CHART = grid_chart()
SKIN = np.array([205, 160, 135], np.uint8)


def picture(*spots: tuple[int, int, int], colour: tuple[int, int, int] = (100, 60, 50)) -> Image:
    """Even skin with dark discs (x, y, radius)."""
    rgb = np.broadcast_to(SKIN, (260, 300, 3)).copy()
    rgb = (rgb.astype(int) + np.random.default_rng(1).integers(-3, 4, rgb.shape)).astype(np.uint8)
    rows, columns = np.mgrid[:260, :300]
    for x, y, radius in spots:
        rgb[(columns - x) ** 2 + (rows - y) ** 2 <= radius**2] = colour
    return Image(rgb[None], name="made", source_sha256="ab" * 32)


def features(x: int, y: int, image: Image, **how: object) -> dict[str, float]:
    (made,) = with_context([disc_candidate(1, x, y)], image, [seen(CHART, **how)], CHART)  # type: ignore[arg-type]
    return dict(made.features)


def test_place_on_the_average_face_is_where_it_was_put() -> None:
    found = features(50 + 70 + 21, 30 + 90 - 33, picture())
    assert (found["face_x_mm"], found["face_y_mm"]) == (pytest.approx(21, abs=0.6), pytest.approx(-33, abs=0.6))
    assert found["face_aside_mm"] == pytest.approx(21, abs=0.6)
    half = features(100, 87, picture(), scale=0.5)
    assert half["face_x_mm"] == pytest.approx((100 - 50) / 0.5 - 70, abs=1.1)


def test_distances_are_in_units_of_the_eyes_and_negative_inside() -> None:
    unit = Surface.of(seen(CHART), CHART).unit_px
    eye_left, eye_top = 50 + 12 * 7, 30 + 7 * 9
    inside = features(eye_left + 10, eye_top + 9, picture())
    assert inside["face_to_eyes"] < 0 < inside["face_to_lips"]
    beside = features(eye_left - 20, eye_top + 9, picture())
    # the other eye ends at column 8: 28 px from this one's left edge
    assert beside["face_to_eyes"] == pytest.approx(8 / unit, abs=0.05)


def test_mirrored_place_is_on_the_other_side() -> None:
    x, y = Surface.of(seen(CHART), CHART).opposite(50 + 70 + 40, 100)
    assert (x, y) == (pytest.approx(50 + 70 - 40, abs=0.5), pytest.approx(100, abs=0.5))


def test_a_spot_on_one_side_differs_from_the_other_a_pair_of_spots_does_not() -> None:
    one = features(160, 140, picture((160, 140, 6)))
    both = features(160, 140, picture((160, 140, 6), (80, 140, 6)))
    assert one["face_mirror_difference"] > 5 > 1 > both["face_mirror_difference"]
    assert one["face_mirror_contrast"] > 5 * abs(both["face_mirror_contrast"])


def test_likeness_to_skin_is_of_this_face() -> None:
    spot, plain = features(160, 140, picture((160, 140, 6))), features(160, 140, picture())
    assert spot["face_skin_distance"] > 5 > 1 > plain["face_skin_distance"]
    assert spot["face_skin_around"] == plain["face_skin_around"] == 1
    assert spot["face_contrast"] > 5 > 1 > abs(plain["face_contrast"])


def test_skin_is_robust_to_a_quarter_of_hair(rng: np.random.Generator) -> None:
    pixels = np.concatenate([SKIN + rng.integers(-5, 6, (300, 3)), rng.integers(0, 40, (100, 3))]).clip(0, 255).astype(np.uint8)
    pure, mixed = (Skin.of(lab_of(p[None])[0]) for p in (pixels[:300], pixels))
    assert np.abs(pure.median - mixed.median).max() < 2


def test_without_landmarks_the_models_columns_of_them_are_unknown_and_the_others_known() -> None:
    (made,) = with_context([disc_candidate(1, 160, 140)], picture((160, 140, 6)), [seen(CHART, landmarks=False)], None)
    row = dict(zip(names(), values([made], names())[0], strict=True))
    assert row["face_mesh"] == 0
    assert all(np.isnan(row[name]) for name in OF_LANDMARKS if name not in ("face_mesh", "face_facing"))
    assert all(np.isfinite(row[name]) for name in ("face_inside", "face_aside", "face_skin_distance", "face_contrast"))
    assert region_of(made) is None


def test_candidate_belongs_to_the_face_that_holds_it_else_to_the_nearest() -> None:
    faces = [seen(CHART, scale=0.5), seen(CHART, left=170, scale=0.5, identity=2)]
    first, second, outside = with_context([disc_candidate(1, 80, 70), disc_candidate(2, 200, 70), disc_candidate(3, 280, 20)], picture(), faces, CHART)
    assert [c.features["face_identity"] for c in (first, second, outside)] == [1, 2, 2]
    assert first.features["face_inside"] > 0 > outside.features["face_inside"]


def test_candidate_at_the_edge_of_the_picture_is_measured() -> None:
    found = features(293, 253, picture())
    assert np.isfinite(found["face_skin_distance"])
    assert found["face_to_edge"] > 0
    assert found["face_region"] == -1


def test_without_a_face_candidates_stay_as_they_are() -> None:
    candidate = disc_candidate(1, 160, 140)
    assert with_context([candidate], picture(), [], CHART) == (candidate,)


def test_regions_are_numbered_as_the_tracker_names_them() -> None:
    assert tuple(OUTLINED) == REGIONS
    (made,) = with_context([disc_candidate(1, 145, 100)], picture(), [seen(CHART)], CHART)
    assert region_of(made) == "left eye"


def test_grey_picture_has_a_context_too() -> None:
    grey = Image(np.asarray(picture((160, 140, 6)).array)[..., 0], name="made", source_sha256="ab" * 32)
    assert features(160, 140, grey)["face_contrast"] > 5
