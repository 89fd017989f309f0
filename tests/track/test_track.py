from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from diaphane.core.arrays import Array
from diaphane.core.face import Face
from diaphane.core.track import Sighting
from diaphane.simulate.portrait import portrait
from diaphane.track import Options, follow, key_frames, weights_of
from diaphane.track.options import TrackerName

PHOTO = portrait(np.random.default_rng(1))[0]
EMPTY = np.full((256, 256, 3), 128, np.uint8)


def shown(shifts: list[int | None], rate: float = 10.0) -> Iterator[tuple[float, Array]]:
    """Frames of the face moved right by so many pixels; None: an empty frame."""
    photo = PHOTO[10:266]
    for n, shift in enumerate(shifts):
        yield n / rate, EMPTY if shift is None else np.ascontiguousarray(photo[:, shift : shift + 256])


def test_photo_of_a_face_gives_one_box_around_it_at_once() -> None:
    ((face,),) = follow([(0.0, PHOTO)], None, Options(tracker="haar"))
    width, height = face.box_px[2:]
    assert face.holds(165, 115)  # between the eyes and the mouth, seen by eye
    assert 60 < width < 110
    assert 80 < height < 130
    assert (face.identity, face.state, face.landmarks_px, face.pose) == (1, "detected", None, None)
    assert 0.5 < face.score < 1


def test_box_is_in_the_frames_own_pixels_whatever_the_search_size() -> None:
    large = cv2.resize(PHOTO, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    ((small,),), ((big,),) = (tuple(follow([(0.0, f)], None, Options(tracker="haar", long_side_px=320))) for f in (PHOTO, large))
    assert np.array(big.box_px) / 3 == pytest.approx(np.array(small.box_px), abs=6)


def test_moving_face_keeps_its_identity_and_every_frame_comes_back_in_order() -> None:
    frames = list(follow(shown([0, 8, 16, 24, 32, 40]), None, Options(tracker="haar")))
    assert [[f.identity for f in faces] for faces in frames] == [[1]] * 6
    assert np.all(np.diff([faces[0].box_px[0] for faces in frames]) < 0)


def test_face_back_within_the_gap_is_the_same_and_later_another() -> None:
    kept = list(follow(shown([0, 0, 0, None, None, 0, 0, 0]), None, Options(tracker="haar", gap_s=0.5)))
    lost = list(follow(shown([0, 0, 0, None, None, 0, 0, 0, 0, 0, 0]), None, Options(tracker="haar", gap_s=0.05, remember_s=0)))
    assert [[(f.identity, f.state != "predicted") for f in faces] for faces in kept] == [[(1, True)]] * 3 + [[(1, False)]] * 2 + [[(1, True)]] * 3
    assert [[f.identity for f in faces] for faces in lost[:5]] == [[1], [1], [1], [], []]
    assert [[f.identity for f in faces] for faces in lost[-3:]] == [[2], [2], [2]]


def test_flicker_is_no_face_but_counts_in_a_short_clip() -> None:
    flicker = list(follow(shown([None, 0, None, None, None, None, None]), None, Options(tracker="haar")))
    assert flicker == [()] * 7
    short = list(follow(shown([0, 0]), None, Options(tracker="haar")))
    assert [len(faces) for faces in short] == [1, 1]


def test_nothing_gives_no_face() -> None:
    assert list(follow([], None, Options(tracker="haar"))) == []
    assert list(follow([(0.0, EMPTY)], None, Options(tracker="haar"))) == [()]


def sighting(frame: int, identity: int, score: float) -> Sighting:
    face = Face(identity=identity, box_px=(0, 0, 10, 10), score=score, state="detected")
    return Sighting(source_sha256="0" * 64, size_px=(20, 20), frame=frame, time_s=frame / 10, face=face)


def test_key_frames_are_spread_and_the_best_of_their_run() -> None:
    sightings = [sighting(n, 1, 0.9 if n in (1, 5) else 0.5) for n in range(8)] + [sighting(20, 2, 0.4)]
    assert key_frames(sightings, Options(tracker="haar", key_frames=2)) == (1, 5, 20)
    assert key_frames([], Options(tracker="haar")) == ()


@pytest.mark.parametrize(
    ("field", "value"), [("long_side_px", 1), ("smallest_face", 0), ("min_score", 1), ("confirm_frames", 0), ("gap_s", -1), ("key_frames", 0)]
)
def test_options_out_of_range_are_named(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{field} must lie"):
        Options(**{field: value})


def test_weights_are_those_that_the_tracker_and_the_landmarks_of_key_frames_read(weights: None) -> None:
    def names(tracker: TrackerName, **more: Any) -> list[str]:
        return [w.name for w in weights_of(Options(tracker=tracker, **more))]

    mesh = ["face_landmarker"]
    assert names("haar") == mesh
    assert names("auto") == names("framework") == names("keypoints") == ["face_single_stage", *mesh]
    assert names("framework", detector="multi_stage") == ["face_cascade_proposal", "face_cascade_refinement", "face_cascade_output", *mesh]
    assert names("convnet") == ["face_landmarker", "face_single_stage"]


def test_without_weights_none_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert weights_of(Options()) == weights_of(Options(tracker="keypoints")) == ()


def test_landmarks_may_be_the_common_68(weights: None) -> None:
    ((dense,),), ((common,),) = (tuple(follow([(0.0, PHOTO)], None, Options(tracker="convnet", landmarks=which))) for which in ("mesh478", "common68"))
    assert (dense.landmark_set, common.landmark_set) == ("mesh478", "common68")
    assert (dense.landmarks_px.shape, common.landmarks_px.shape) == ((478, 2), (68, 2))  # type: ignore[union-attr]
    assert common.landmarks_px[36] == pytest.approx(dense.landmarks_px[33])  # type: ignore[index]
    assert common.pose is not None


@pytest.mark.data
@pytest.mark.parametrize(("clip", "at_least", "identities"), [("single_face.mp4", 70, 1), ("no_face.mp4", 0, 0)])
def test_real_clips(data: Path, clip: str, at_least: int, identities: int) -> None:
    capture = cv2.VideoCapture(str(data / "faces/videos" / clip))

    def frames() -> Iterator[tuple[float, Array]]:
        for n in range(1000):
            read, frame = capture.read()
            if not read:
                return
            yield n / 30, np.ascontiguousarray(frame[..., ::-1])

    found = list(follow(frames(), None, Options(tracker="haar")))
    assert sum(bool(faces) for faces in found) >= at_least
    assert len({f.identity for faces in found for f in faces}) == identities
