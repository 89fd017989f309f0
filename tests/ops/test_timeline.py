from __future__ import annotations

import numpy as np
import pytest

from diaphane.core.face import Face, State
from diaphane.ops.timeline import COLUMNS, KEPT, LOOKS, NAMES, ROW, Timeline


def face(identity: int, state: State) -> Face:
    return Face(identity=identity, box_px=(0, 0, 10, 10), score=0.5, state=state)


def test_each_frame_of_a_short_clip_is_a_column() -> None:
    timeline = Timeline()
    for n, faces in enumerate([[face(1, "detected")], [face(1, "tracked"), face(3, "detected")], [face(1, "predicted")], []]):
        timeline.take(n, n / 10, faces)
    assert timeline.states() == {1: ["detected", "tracked", "predicted", "absent"], 3: ["absent", "detected", "absent", "absent"]}


def test_frames_without_a_face_may_be_left_out() -> None:
    timeline = Timeline()
    timeline.take(0, 0.0, ())
    timeline.take(2, 0.2, [face(2, "tracked")])
    timeline.take(4, 0.4, ())
    assert timeline.states() == {2: ["absent", "absent", "tracked", "absent", "absent"]}


def test_a_long_clip_is_gathered_and_keeps_its_shares() -> None:
    timeline = Timeline()
    frames = 10_000
    for n in range(frames):
        timeline.take(n, n / 25, [face(1, "detected")] if n < frames // 4 else [face(1, "predicted")] if n < frames // 2 else [])
    (states,) = timeline.states().values()
    assert len(states) <= COLUMNS
    shares = [states.count(s) / len(states) for s in ("detected", "predicted", "absent")]
    assert shares == pytest.approx([0.25, 0.25, 0.5], abs=2 / len(states))


def test_a_face_that_is_detected_now_and_then_is_no_less_detected_in_a_long_clip() -> None:
    timeline = Timeline()
    for n in range(8 * COLUMNS):
        timeline.take(n, n / 25, [face(1, "tracked" if n % 3 else "detected"), face(2, "tracked")])
    assert {identity: set(states) for identity, states in timeline.states().items()} == {1: {"detected"}, 2: {"tracked"}}


def test_of_very_many_faces_those_seen_longest_are_kept() -> None:
    timeline = Timeline()
    for n in range(3 * KEPT):
        timeline.take(n, n / 10, [face(1, "detected"), face(2 + n, "detected")])
    assert len(timeline.states()) == KEPT
    assert timeline.states()[1] == ["detected"] * (3 * KEPT)
    assert timeline.picture().shape[0] < 34 * ROW


def test_picture_shows_the_states_in_their_colours_over_the_rows_width() -> None:
    timeline = Timeline()
    for n in range(4):
        timeline.take(n, n / 10, [face(1, "detected" if n < 2 else "predicted")])
    picture = timeline.picture()
    middle = ROW // 4 + (ROW - 6) // 2
    assert tuple(picture[middle, NAMES + 20]) == LOOKS["detected"][0]
    assert tuple(picture[middle, NAMES + COLUMNS - 20]) == LOOKS["predicted"][0]
    assert all(np.any(np.all(picture[-ROW:] == shade, axis=2)) for shade, _ in LOOKS.values())  # the legend


def test_states_can_be_told_apart_without_any_colour() -> None:
    assert len({share for _, share in LOOKS.values()}) == len(LOOKS)


def test_no_face_at_all_is_a_picture_too() -> None:
    timeline = Timeline()
    timeline.take(0, 0.0, ())
    assert timeline.picture().shape[1] > COLUMNS
    assert Timeline().picture().ndim == 3
