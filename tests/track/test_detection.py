from __future__ import annotations

import numpy as np
import pytest

from diaphane.track import blazeface, cascade, single_stage
from diaphane.track.detection import Detection, apart, overlap, overlaps, suppressed, within


def test_overlap_is_intersection_over_union() -> None:
    assert overlap((0, 0, 2, 2), (1, 0, 2, 2)) == pytest.approx(1 / 3)
    assert overlap((0, 0, 2, 2), (5, 5, 2, 2)) == 0
    assert overlap((0, 0, 2, 2), (0, 0, 2, 2)) == 1
    assert overlap((0, 0, 0, 0), (0, 0, 0, 0)) == 0
    assert overlaps([], [(0, 0, 1, 1)]).shape == (0, 1)


def slowly(boxes: np.ndarray, scores: np.ndarray, limit: float) -> list[int]:
    kept: list[int] = []
    for n in sorted(range(len(scores)), key=lambda n: -scores[n]):
        if all(overlap(tuple(boxes[n]), tuple(boxes[m])) <= limit for m in kept):
            kept.append(n)
    return kept


def test_suppression_keeps_what_the_slow_way_keeps(rng: np.random.Generator) -> None:
    boxes = np.concatenate([rng.uniform(0, 50, (60, 2)), rng.uniform(5, 30, (60, 2))], axis=1)
    scores = rng.random(60)
    for limit in (0.1, 0.3, 0.7):
        assert suppressed(boxes, scores, limit).tolist() == slowly(boxes, scores, limit)
    assert suppressed(np.empty((0, 4)), np.empty(0)).tolist() == []


def test_two_faces_do_not_lie_in_one_place() -> None:
    a, b, c = Detection((0, 0, 10, 10), 0.6), Detection((1, 0, 10, 10), 0.9), Detection((30, 0, 10, 10), 0.7)
    assert apart([a, b, c]) == [b, c]
    assert apart([]) == []


def test_shares_of_a_box() -> None:
    assert within(np.array([10, 20, 100, 50]), (0.1, -0.2, 0.5, 1.0)) == (20, 10, 50, 50)


def test_single_stage_rows_become_boxes_in_the_frames_pixels() -> None:
    found = np.array([[0.1, 0.9, 0.25, 0.5, 0.5, 1.0], [0.95, 0.05, 0, 0, 1, 1]])
    boxes, scores = single_stage.decoded(found, 0.5, (100, 10))
    assert boxes.tolist() == [[80 * 2 + 100, 120 * 2 + 10, 80 * 2, 120 * 2]]
    assert scores.tolist() == [0.9]


@pytest.mark.parametrize(("shape", "scale"), [((480, 640), 0.5), ((480, 320), 0.5), ((90, 1280), 0.25), ((60, 80), 4.0)])
def test_letterbox_keeps_the_shape_and_fills_with_grey(shape: tuple[int, int], scale: float) -> None:
    boxed, factor = single_stage.letterboxed(np.full((*shape, 3), 255, np.uint8), 240, 320)
    assert (boxed.shape, factor) == ((240, 320, 3), scale)
    rows, columns = round(shape[0] * scale), round(shape[1] * scale)
    assert (boxed[:rows, :columns] == 255).all()
    assert (boxed[rows:] == 127).all()
    assert (boxed[:, columns:] == 127).all()


def test_blazeface_anchors_lie_in_the_middle_of_their_cells() -> None:
    middles = blazeface.anchors()
    assert middles.shape == (896, 2)
    assert middles[:3].tolist() == [[4, 4], [4, 4], [12, 4]]
    assert middles[512:519].tolist() == [[8, 8]] * 6 + [[24, 8]]


def test_blazeface_averages_hits_on_one_face_and_tells_its_roll() -> None:
    middles = blazeface.anchors()
    said, places = np.full(896, -100.0), np.zeros((896, 16))
    for n, score in ((100, 2.0), (101, 1.0), (700, 3.0)):
        said[n] = score
        places[n, 2:4] = 40
        places[n, 4:8] = (-10, -10, 10, 10)  # the left eye lies lower: turned clockwise by 45 degrees
    places[101, 0] = 4
    first, second = blazeface.decoded(said, places, middles, 0.5)
    assert (first.score, second.score) == pytest.approx((1 / (1 + np.exp(-3)), 1 / (1 + np.exp(-2))))
    assert (first.roll_rad, second.roll_rad) == pytest.approx((np.pi / 4, np.pi / 4))
    weights = 1 / (1 + np.exp(-np.array([2.0, 1.0])))
    shift = 4 * weights[1] / weights.sum()
    box = within(np.array([middles[100, 0] + shift - 20, middles[100, 1] - 20, 40, 40]) * 2, blazeface.FACE)
    assert second.box_px == pytest.approx(box)
    assert blazeface.decoded(np.full(896, -1e9), places, middles, 1.0) == []


def test_cascade_squares_and_moves_boxes() -> None:
    assert cascade.squared(np.array([[10.0, 10, 20, 40]])).tolist() == [[0, 10, 40, 40]]
    assert cascade.moved(np.array([[10.0, 10, 20, 40]]), np.array([[0.5, 0, 0.5, -0.25]])).tolist() == [[20, 10, 20, 30]]


def test_cascade_cuts_black_beyond_the_frame() -> None:
    frame = np.full((40, 40, 3), 200, np.uint8)
    part = cascade.cut(frame, np.array([-20.0, 0, 40, 40]), 24)
    assert part.shape == (24, 24, 3)
    assert (part[:, :11] == 0).all()
    assert (part[:, 13:] == 200).all()
