from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from tests.faces_made import disc_candidate, grid_chart, seen

from diaphane.core.change import Lesion, Trace, View, Visit
from diaphane.core.face import Face
from diaphane.fuse import CompareOptions, compare, looks_mirrored, unmirrored
from diaphane.fuse.width import width
from diaphane.ops.face_places import place_seen, size_on_face

CHART = grid_chart()
OPTIONS = CompareOptions()
SKIN = np.array([200.0, 155.0, 130.0])
CHEEK, JAW, CHIN = (90, 160), (170, 170), (120, 190)
"""Pixels of a face from the front at one pixel a millimetre."""


def picture(spots: list[tuple[tuple[int, int], int, float]]) -> np.ndarray:
    """Skin with discs (middle, radius, share of the skin's light), seen by a camera with a little noise."""
    rgb = SKIN + np.random.default_rng(3).normal(0, 2, (260, 300, 3))
    rows, columns = np.mgrid[:260, :300]
    for (x, y), radius, light in spots:
        rgb[(columns - x) ** 2 + (rows - y) ** 2 <= radius**2] *= light
    return rgb.clip(0, 255).astype(np.uint8)


def lesion(number: int, at: tuple[int, int], *, radius: int = 6, looks: tuple[float, float, float] = (-8.0, 1.0, 1.0), face: Face | None = None) -> Lesion:
    """Of a face from the front, found where it is."""
    x, y = float(at[0] - 50 - 70), float(at[1] - 30 - 90)
    z = float(CHART.points_mm[((CHART.points_mm[:, :2] - (x, y)) ** 2).sum(axis=1).argmin(), 2])
    best = disc_candidate(number, *at, radius=radius, face_x_mm=x, face_y_mm=y, face_z_mm=z, face_contrast=8.0)
    size = size_on_face(best, face or seen(CHART), CHART)
    return Lesion(id=number, place_mm=(x, y, z), looks=looks, diameter_mm=size, site="left cheek", best=best)


def visit(
    lesions: list[Lesion], *, spots: list[tuple[tuple[int, int], int, float]] | None = None, traces: tuple[Trace, ...] = (), face: Face | None = None
) -> Visit:
    """With a dark disc where each lesion is, or with ``spots``."""
    shown = [((one.best.box_px[0] + one.best.box_px[2] // 2, one.best.box_px[1] + one.best.box_px[3] // 2), one.best.box_px[2] // 2, 0.5) for one in lesions]
    view = View(image="made", frame=0, face=face or seen(CHART), rgb=picture(shown if spots is None else spots))
    return Visit(lesions=tuple(lesions), traces=traces, views=(view,), chart=CHART)


def states(before: Visit, after: Visit) -> list[str]:
    return [change.state for change in compare(before, after, OPTIONS)]


def test_place_is_where_its_landmark_is_at_the_scale_and_tilt_of_the_face() -> None:
    face = seen(CHART, scale=1.3)
    point = 10 * 15 + 7
    place = place_seen(CHART, np.asarray(face.landmarks_px), CHART.points_mm[point])
    assert (place.x, place.y) == pytest.approx(np.asarray(face.landmarks_px)[point], abs=1e-6)
    assert place.tilt_rad == pytest.approx(0, abs=1e-9)
    assert place.facing > 0.8
    turn = np.array([[math.cos(0.3), -math.sin(0.3)], [math.sin(0.3), math.cos(0.3)]])
    tilted = place_seen(CHART, np.asarray(face.landmarks_px) @ turn.T, CHART.points_mm[point])
    assert (tilted.tilt_rad, tilted.px_per_mm) == (pytest.approx(0.3), pytest.approx(place.px_per_mm))


def test_place_on_a_face_seen_from_behind_faces_away() -> None:
    points = np.asarray(seen(CHART).landmarks_px) * (-1, 1)
    place = place_seen(CHART, points, CHART.points_mm[157])
    assert place.facing < 0
    assert math.isnan(place.px_per_mm)


def test_visit_compared_with_itself_is_all_the_same_with_ratio_one() -> None:
    one = visit([lesion(1, CHEEK), lesion(2, JAW)])
    changes = compare(one, one, OPTIONS)
    assert [(c.state, c.ratio, c.apart_mm, c.before, c.after) for c in changes] == [("same", 1.0, 0.0, 1, 1), ("same", 1.0, 0.0, 2, 2)]


def test_size_is_that_of_the_disc_whatever_the_outline_says() -> None:
    rough = lesion(1, CHEEK, radius=6)
    there = visit([rough], spots=[(CHEEK, 8, 0.5)])
    expected = size_on_face(disc_candidate(1, *CHEEK, radius=8, **rough.best.features), seen(CHART), CHART)
    assert width(rough, there, rough.diameter_mm) == pytest.approx(expected, rel=0.12)


def test_larger_disc_is_grown_and_smaller_one_shrunk_and_the_interval_is_told() -> None:
    small, large = visit([lesion(1, CHEEK, radius=6)]), visit([lesion(4, CHEEK, radius=9)])
    (grown,), (shrunk,) = compare(small, large, OPTIONS), compare(large, small, OPTIONS)
    assert (grown.state, shrunk.state) == ("grown", "shrunk")
    assert grown.ratio == pytest.approx(1.5, rel=0.1)
    assert grown.ratio95 == pytest.approx((grown.ratio * math.exp(-0.18), grown.ratio * math.exp(0.18)))
    assert states(small, visit([lesion(1, CHEEK, radius=6)], spots=[(CHEEK, 6, 0.6)])) == ["same"]


def test_head_turned_otherwise_is_said() -> None:
    narrow = replace(seen(CHART), landmarks_px=np.asarray(seen(CHART).landmarks_px) * (0.8, 1) + (18, 0))
    (change,) = compare(visit([lesion(1, CHEEK)]), visit([lesion(1, CHEEK, radius=7, face=narrow)], face=narrow), OPTIONS)
    assert "the head is turned otherwise" in change.reason


def test_neighbours_do_not_swap_and_a_newcomer_does_not_push_them() -> None:
    first = visit([lesion(1, CHEEK), lesion(2, (95, 160))])
    moved = visit([lesion(7, (97, 160)), lesion(8, (92, 160))])
    assert [(c.before, c.after) for c in compare(first, moved, OPTIONS)] == [(1, 8), (2, 7)]
    chain = visit([lesion(5, (95, 160)), lesion(6, (100, 160))])
    pairs = {(c.before, c.after) for c in compare(first, chain, OPTIONS)}
    assert pairs == {(1, None), (2, 5), (None, 6)}


def test_gone_and_new_only_where_the_other_visit_saw_bare_skin() -> None:
    bare = visit([lesion(2, JAW)])
    assert [c.state for c in compare(visit([lesion(1, CHEEK), lesion(2, JAW)]), bare, OPTIONS)] == ["gone", "same"]
    assert states(bare, visit([lesion(1, CHEEK), lesion(2, JAW)])) == ["same", "new"]


def test_lesion_that_the_other_visit_missed_is_unsure() -> None:
    (change,) = compare(visit([lesion(1, CHEEK)]), visit([], spots=[(CHEEK, 6, 0.6)]), OPTIONS)
    assert (change.state, change.before, change.after) == ("unsure", 1, None)
    assert "the skin is darker than around" in change.reason


def test_place_under_a_plaster_is_unsure() -> None:
    (change,) = compare(visit([lesion(1, CHEEK)]), visit([], spots=[(CHEEK, 20, 1.25)]), OPTIONS)
    assert (change.state, "it may be covered" in change.reason) == ("unsure", True)


def test_suppressed_candidate_at_the_place_makes_it_unsure_with_its_probability() -> None:
    own = lesion(1, CHEEK)
    x, y, z = own.place_mm
    (change,) = compare(visit([own]), visit([], traces=(Trace(place_mm=(x + 3, y, z), probability=0.21),)), OPTIONS)
    assert (change.state, "probability 0.21" in change.reason) == ("unsure", True)


@pytest.mark.parametrize(
    ("face", "says"),
    [
        (seen(CHART, left=-60), "not seen: the place is outside the picture"),
        (seen(CHART, scale=0.2), "not seen: the place is too small in the picture"),
        (replace(seen(CHART), landmarks_px=np.asarray(seen(CHART).landmarks_px) * (-1, 1) + (240, 0)), "not seen: the place is turned away"),
    ],
)
def test_place_that_was_not_seen_is_unsure_and_says_why(face: Face, says: str) -> None:
    (change,) = compare(visit([lesion(1, CHEEK)]), visit([], face=face), OPTIONS)
    assert change.state == "unsure"
    assert says in change.reason


def test_two_without_a_match_that_lie_near_one_another_may_be_one() -> None:
    changes = compare(visit([lesion(1, CHEEK)]), visit([lesion(3, (90, 170))]), OPTIONS)
    assert [(c.state, c.before, c.after) for c in changes] == [("unsure", 1, None), ("unsure", None, 3)]
    assert "finding 3 lies 10.5 mm away and may be it" in changes[0].reason


def test_other_colour_at_the_same_place_is_unsure() -> None:
    (change,) = compare(visit([lesion(1, CHEEK)]), visit([lesion(1, CHEEK, looks=(2.0, 9.0, 1.0))], spots=[(CHEEK, 6, 0.6)]), OPTIONS)
    assert (change.state, "of another colour" in change.reason) == ("unsure", True)


def test_mirrored_visit_is_noticed_and_turned_back() -> None:
    first = visit([lesion(1, CHEEK), lesion(2, (160, 190))])
    mirror = unmirrored(first)
    assert looks_mirrored(first, mirror, OPTIONS)
    assert not looks_mirrored(first, first, OPTIONS)
    assert {c.state for c in compare(first, mirror, OPTIONS)} == {"unsure"}
    back = unmirrored(mirror)
    assert [c.state for c in compare(first, back, OPTIONS)] == ["same", "same"]
    assert mirror.lesions[0].site == "right cheek"


def test_no_lesions_give_no_changes() -> None:
    assert compare(visit([]), visit([]), OPTIONS) == ()


def test_options_out_of_range_are_told() -> None:
    with pytest.raises(ValueError, match="reach_mm must lie above 0"):
        CompareOptions(reach_mm=0)


def test_sizes_are_judged_in_the_picture_in_which_they_were_measured() -> None:
    """Another picture that shows the place from the front says nothing of a size that was taken from the side."""
    narrow = replace(seen(CHART), landmarks_px=np.asarray(seen(CHART).landmarks_px) * (0.2, 1) + (70, 0))
    before, after = visit([lesion(1, CHEEK)]), visit([lesion(1, CHEEK, radius=7, face=narrow)], face=narrow)
    frontal = replace(visit([lesion(1, CHEEK)]).views[0], image="frontal", frame=1)
    assert states(before, after) == ["unsure"]
    assert states(before, replace(after, views=(*after.views, frontal))) == ["unsure"]


def test_what_is_lighter_than_skin_is_never_called_gone() -> None:
    pale = lesion(1, CHEEK)
    pale = replace(pale, best=replace(pale.best, features={**pale.best.features, "face_contrast": -6.0}))
    (change,) = compare(visit([pale]), visit([], spots=[]), OPTIONS)
    assert (change.state, "not darker than the skin around" in change.reason) == ("unsure", True)
