"""What carries boxes through time: filter, flow, correlation, looks, association; all on made pictures."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from diaphane.core.arrays import Array
from diaphane.track import Options
from diaphane.track.appearance import blended, difference, looks_of
from diaphane.track.association import Association
from diaphane.track.carrier import Known, PointsCarrier, Step, WholeCarrier
from diaphane.track.correlation import Correlation
from diaphane.track.detecting import DetectingTracker, Family
from diaphane.track.detection import Box, Detection, overlap
from diaphane.track.flow import motion
from diaphane.track.kalman import BoxFilter
from diaphane.track.one_euro import OneEuro

SIDE = 240
BOX: Box = (90, 80, 60, 80)


def texture(seed: int, blur: float = 3.0) -> Array:
    """Blobs in colour."""
    noise = np.random.default_rng(seed).random((SIDE, SIDE, 3)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), blur)
    low, high = soft.min(), soft.max()
    return ((soft - low) / (high - low) * 255).astype(np.uint8)


FACE, ROOM = texture(1), texture(2)


def scene(x: float, y: float, scale: float = 1.0, *, face: Array = FACE, room: Array = ROOM, box: Box = BOX) -> Array:
    """``face``'s part ``box`` moved and scaled about its corner, over the room."""
    to = np.array([[scale, 0, x + box[0] * (1 - scale)], [0, scale, y + box[1] * (1 - scale)]], float)
    mask = np.zeros(face.shape[:2], np.uint8)
    cv2.rectangle(mask, (int(box[0]), int(box[1])), (int(box[0] + box[2]), int(box[1] + box[3])), 255, -1)
    size = face.shape[1], face.shape[0]
    moved, where = cv2.warpAffine(face, to, size), cv2.warpAffine(mask, to, size)
    return np.where(where[..., None] > 127, moved, room)


def grey(frame: Array) -> Array:
    return cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)


def moved(box: Box, x: float, y: float, scale: float = 1.0) -> Box:
    return box[0] + x, box[1] + y, box[2] * scale, box[3] * scale


def test_filter_learns_a_constant_velocity_and_foresees_it() -> None:
    box = BoxFilter((0, 0, 20, 30))
    for n in range(1, 40):
        box.predict(0.1)
        box.update((4.0 * n, -2.0 * n, 20, 30))
    assert box.predict(0.1) == pytest.approx((160, -80, 20, 30), abs=0.5)


def test_filter_doubts_more_the_longer_nothing_is_seen_and_comes_to_rest() -> None:
    box = BoxFilter((0, 0, 20, 30))
    for n in range(1, 20):
        box.predict(0.1)
        box.update((5.0 * n, 0, 20, 30))
    spreads, places = [], []
    for _ in range(30):
        box.predict(0.1, seen=False)
        spreads.append(box.spread)
        places.append(box.box[0])
    assert np.all(np.diff(spreads) > 0)
    assert np.diff(places)[-1] < 0.2 * np.diff(places)[0]


@pytest.mark.parametrize(("x", "y", "scale"), [(0, 0, 1), (7, -5, 1), (-3.5, 2.25, 1.08), (2, 3, 0.93)])
def test_flow_gives_the_motion_that_was_made(x: float, y: float, scale: float) -> None:
    found = motion(grey(scene(0, 0)), grey(scene(x, y, scale)), BOX)
    assert found is not None
    assert found.scale == pytest.approx(scale, abs=0.01)
    assert found.box(BOX) == pytest.approx(moved(BOX, x, y, scale), abs=0.5)
    assert found.agreed > 0.6


def test_flow_says_nothing_where_there_is_nothing_to_follow() -> None:
    flat = np.full((SIDE, SIDE), 128, np.uint8)
    assert motion(flat, flat, BOX) is None
    assert motion(grey(scene(0, 0)), grey(texture(9)), BOX) is None
    assert motion(flat, flat, (500, 500, 10, 10)) is None
    assert motion(flat, flat[:100], BOX) is None


def test_flow_is_the_same_for_a_near_face_and_a_far_one() -> None:
    big = [cv2.resize(grey(scene(x, 0)), None, fx=4, fy=4) for x in (0, 5)]
    found = motion(big[0], big[1], tuple(4 * v for v in BOX))  # type: ignore[arg-type]
    assert found is not None
    assert found.box((360, 320, 240, 320)) == pytest.approx((380, 320, 240, 320), abs=1.5)


def test_correlation_finds_a_thing_again_that_moved_grew_and_turned_a_little() -> None:
    box, whole = BOX, Correlation(scene(0, 0), BOX)
    for n in range(1, 16):
        frame = scene(2 * n, -n, 1 + 0.01 * n)
        turned = cv2.warpAffine(frame, cv2.getRotationMatrix2D((box[0] + 30, box[1] + 40), n, 1), (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)
        box, sureness = whole.locate(turned, box)
        whole.learn(turned, box)
        assert sureness > 8
    assert overlap(box, moved(BOX, 30, -15, 1.15)) > 0.7


def test_correlation_is_less_sure_of_something_else() -> None:
    whole = Correlation(scene(0, 0), BOX)
    same, other = whole.locate(scene(4, 4), BOX)[1], whole.locate(texture(7), BOX)[1]
    assert same > 2 * other


def known(last: Box, *, missed: bool = False, lost: bool = False) -> Known:
    return Known(last, last, missed, lost)


def step(before: Array | None, now: Array) -> Step:
    return Step(None if before is None else grey(before), grey(now), now)


def test_points_are_followed_over_many_frames_without_drift() -> None:
    frames = [scene(2.5 * np.sin(n / 5) * 8, 12 * np.sin(n / 8)) for n in range(60)]
    carrier, box = PointsCarrier(step(None, frames[0]), BOX), BOX
    for before, now in zip(frames, frames[1:], strict=False):
        found = carrier.carry(step(before, now), known(box))
        assert found is not None
        box = found
    assert box == pytest.approx(moved(BOX, 20 * np.sin(59 / 5), 12 * np.sin(59 / 8)), abs=2)


def test_points_that_were_lost_are_found_again_by_their_descriptors() -> None:
    sharp = texture(3, 1.2)
    start = scene(0, 0, face=sharp)
    carrier = PointsCarrier(step(None, start), BOX)
    assert carrier.carry(step(start, texture(5)), known(BOX)) is None
    again, found = scene(25, 15, face=sharp), None
    for _ in range(4):
        found = found or carrier.carry(step(texture(5), again), known(BOX, lost=True))
    assert found is not None
    assert overlap(found, moved(BOX, 25, 15)) > 0.85


def test_whole_is_asked_where_the_detector_missed() -> None:
    carrier = WholeCarrier(step(None, scene(0, 0)), BOX)
    found = carrier.carry(step(scene(0, 0), scene(6, 3)), known(BOX, missed=True))
    assert found is not None
    assert overlap(found, moved(BOX, 6, 3)) > 0.85
    assert carrier.carry(step(None, np.full_like(ROOM, 90)), known(BOX, lost=True)) is None


def test_looks_tell_clothes_apart_and_forgive_light() -> None:
    red, blue = (np.full((SIDE, SIDE, 3), 90, np.uint8) for _ in range(2))
    red[165:], blue[165:] = (190, 40, 40), (40, 40, 190)
    a, b = looks_of(red, BOX), looks_of(blue, BOX)
    brighter = looks_of(np.clip(red * 1.08, 0, 255).astype(np.uint8), BOX)
    assert difference(a, a) == pytest.approx(0, abs=1e-3)
    assert difference(a, brighter) < 0.5 * difference(a, b)
    assert difference(blended(a, b, 1.0), b) == pytest.approx(0, abs=1e-3)
    outside = looks_of(red, (500, 500, 10, 10))
    assert difference(a, outside) == 1


PEOPLE = (texture(11), texture(12), texture(13))


def crowd(places: dict[int, Box | None]) -> tuple[Array, list[Detection]]:
    """People of their own clothes standing at ``places``, later ones in front; and what a perfect detector says of whom it sees."""
    frame = np.full((SIDE, 2 * SIDE, 3), 60, np.uint8)
    shades = ((200, 60, 60), (60, 200, 60), (70, 70, 210))
    for who, box in places.items():
        if box is None:
            continue
        x, y, width, height = (round(v) for v in box)
        cv2.rectangle(frame, (x - width // 2, y + height), (x + 3 * width // 2, SIDE), shades[who], -1)
        part = cv2.resize(PEOPLE[who][40:120, 40:100], (width, height))
        left = max(0, -x)
        frame[y : y + height, max(0, x) : x + width] = part[:, left : left + frame.shape[1] - max(0, x)]
    boxes = [b for b in places.values() if b is not None]
    seen = [Detection(b, 0.9) for n, b in enumerate(boxes) if all(overlap(b, other) < 0.3 for other in boxes[n + 1 :])]
    return frame, seen


def run(frames: list[dict[int, Box | None]], options: Options | None = None) -> list[dict[int, int]]:
    """Who (by the truth) got which identity, a frame."""
    people = Association(options or Options(), 0.5, WholeCarrier)
    before, out = None, []
    for n, places in enumerate(frames):
        frame, detections = crowd(places)
        now = Step(before, grey(frame), frame)
        people.predict(n / 25)
        people.meet(detections, now)
        people.carry(now)
        before = now.now
        found = {}
        for face in people.faces():
            best = max((who for who, b in places.items() if b is not None), key=lambda who: overlap(places[who] or (0, 0, 0, 0), face.box_px), default=None)
            if best is not None and face.state == "detected":
                found[best] = face.identity
        out.append(found)
    return out


def test_three_people_who_cross_keep_their_identities() -> None:
    paths = [{0: (20 + 6 * n, 60, 50, 60), 1: (380 - 6 * n, 70, 50, 60), 2: (200, 50 + n, 50, 60)} for n in range(60)]
    found = run(paths)  # type: ignore[arg-type]
    ever = {who: {f[who] for f in found if who in f} for who in range(3)}
    assert all(len(ids) == 1 for ids in ever.values()), ever
    assert len(set.union(*ever.values())) == 3


def test_who_comes_back_by_their_looks_is_the_same_and_a_stranger_is_not() -> None:
    here: dict[int, Box | None] = {0: (100, 60, 50, 60)}
    nobody: dict[int, Box | None] = {}
    back: dict[int, Box | None] = {0: (300, 80, 50, 60)}
    stranger: dict[int, Box | None] = {1: (300, 80, 50, 60)}
    assert run([here] * 10 + [nobody] * 50 + [back] * 5)[-1] == {0: 1}
    assert run([here] * 10 + [nobody] * 50 + [stranger] * 5)[-1] == {1: 2}
    assert run([here] * 10 + [nobody] * 50 + [back] * 5, Options(remember_s=0))[-1] == {0: 2}


def test_a_weak_detection_goes_on_with_a_face_and_begins_none() -> None:
    people = Association(Options(), 0.6, WholeCarrier)
    frame, _ = crowd({0: (100, 60, 50, 60)})
    for n, score in enumerate((0.9, 0.4, 0.2)):
        people.predict(n / 25)
        people.meet([Detection((100, 60, 50, 60), score), Detection((300, 60, 50, 60), 0.5)], step(None, frame))
    assert [(f.identity, f.state, f.score) for f in people.faces()] == [(1, "predicted", 0.4)]


def test_a_face_that_is_nowhere_is_expected_for_a_while_then_gone() -> None:
    people = Association(Options(gap_s=0.5), 0.6, WholeCarrier)
    frame, seen = crowd({0: (100, 60, 50, 60)})
    empty = np.full_like(frame, 60)
    states = []
    for n in range(10):
        people.predict(n / 10)
        people.meet(seen if n < 3 else [], step(None, frame if n < 3 else empty))
        people.carry(step(None, frame if n < 3 else empty))
        states.append([f.state for f in people.faces()])
    assert states == [["detected"]] * 3 + [["predicted"]] * 5 + [[]] * 2


def test_what_is_remembered_does_not_grow_with_the_clip() -> None:
    people = Association(Options(gap_s=0.01, confirm_frames=1), 0.6, WholeCarrier)
    for n in range(200):
        shade = np.full((80, 80, 3), n, np.uint8)
        people.predict(float(n))
        people.meet([Detection((20 + n % 7, 20, 20, 25), 0.9)] * (n % 2), step(None, shade))
        people.carry(step(None, shade))
    assert len(people.here) <= 1
    assert len(people.lost) <= 64


def test_resting_points_tremble_less_and_moving_ones_hardly_lag(rng: np.random.Generator) -> None:
    base = rng.uniform(0, 100, (50, 2))
    noisy = [base + rng.normal(0, 0.4, base.shape) for _ in range(90)]
    smooth = OneEuro(noisy[0], 0.0)
    rested = np.array([smooth(points, n / 30, 100) for n, points in enumerate(noisy) if n])
    assert np.std(rested[30:], axis=0).mean() < 0.5 * np.std(noisy, axis=0).mean()
    moving = OneEuro(base, 0.0)
    lag = [np.linalg.norm(moving(base + np.array([4.0 * n, 0]), n / 30, 100) - base - np.array([4.0 * n, 0]), axis=1).max() for n in range(1, 60)]
    assert max(lag[10:]) < 4.0
    assert np.array_equal(moving(base, 59 / 30, 100), moving(base * 2, 59 / 30, 100))


@pytest.mark.parametrize(("apart", "looks"), [(70, 4), (50, 12)])
def test_who_comes_close_to_another_is_looked_for_in_every_frame(apart: int, looks: int) -> None:
    asked: list[int] = []

    def detector(frame: Array, near: Sequence[Box] = ()) -> list[Detection]:
        asked.append(1)
        return [Detection(BOX, 0.9), Detection(moved(BOX, apart, 0), 0.9)]

    tracker = DetectingTracker(Family(detector, 0.6, WholeCarrier, every=4), Options(confirm_frames=1))
    for n in range(12):
        assert len(tracker.update(FACE, n / 25)) == 2
    assert len(asked) == looks
