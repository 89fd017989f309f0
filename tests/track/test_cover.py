"""No face escapes: made clips in which the detector misses the face, whose true place is known."""

from __future__ import annotations

import sys

import cv2
import numpy as np
import pytest

from diaphane.core.arrays import Array
from diaphane.simulate.portrait import portrait
from diaphane.track import Cover, Options, cover
from diaphane.track.detection import Box, Detection
from diaphane.track.haar import HaarDetector
from diaphane.track.single_stage import SingleStageDetector
from diaphane.view.tracked import without_faces

PHOTO = portrait(np.random.default_rng(1))[0]
FACE: Box = (122, 74, 82, 102)
"""Hairline to chin, ear to ear, by eye."""
RATE_HZ = 12


def spoilt(photo: Array, how: str) -> Array:
    """A picture in which a detector sees nobody, and a person does."""
    photo = photo.copy()
    if how == "eyes hidden":
        photo[85:125, 110:220] = 128
    if how == "mouth hidden":
        photo[112:180, 110:220] = 128
    if how == "half hidden":
        photo[40:190, 165:230] = (90, 60, 160)
    if how == "behind a grille":
        photo[:, [n for n in range(320) if n % 6 < 3]] = 0
    return (128 + (photo.astype(int) - 128) // 12).astype(np.uint8) if how == "in fog" else photo


def made(hows: list[str | None]) -> tuple[list[Array], list[Box | None]]:
    """Frames in which the camera swings sideways, and where the face is; None: an empty frame."""
    frames, truth = [], []
    for n, how in enumerate(hows):
        left = round(30 + 25 * np.sin(n / 6))
        whole = np.full_like(PHOTO, 128) if how is None else spoilt(PHOTO, how)
        frames.append(np.ascontiguousarray(whole[20:276, left : left + 256]))
        truth.append(None if how is None else (FACE[0] - left, FACE[1] - 20, FACE[2], FACE[3]))
    return frames, truth


def covered(frames: list[Array], options: Options) -> Cover:
    return cover(((n / RATE_HZ, frame) for n, frame in enumerate(frames)), options)


def detail_left(frame: Array, found: Array, box: Box) -> float:
    """The share of the face's detail that is still to be seen, inside its ellipse."""
    mask = np.zeros(frame.shape[:2], np.uint8)
    x, y, width, height = box
    cv2.ellipse(mask, (round(x + width / 2), round(y + height / 2)), (round(width / 2), round(height / 2)), 0, 0, 360, 1, -1)
    before, after = (cv2.Laplacian(cv2.cvtColor(f, cv2.COLOR_RGB2GRAY).astype(np.float32), cv2.CV_32F)[mask > 0] for f in (frame, found))
    return float((before * after).sum() / (before**2).sum())


CLEAR = ["clear"] * 6
CLIPS = {
    "haar": ["mouth hidden"] * 8 + CLEAR + ["half hidden"] * 5 + CLEAR + [None] * 3 + CLEAR + ["eyes hidden"] * 8,
    "framework": ["behind a grille"] * 8 + CLEAR + ["in fog"] * 5 + CLEAR + [None] * 3 + CLEAR + ["behind a grille"] * 8,
}


@pytest.mark.parametrize("tracker", ["haar", "framework"])
def test_no_frame_of_a_face_is_left_sharp_where_the_detector_misses_it(tracker: str, request: pytest.FixtureRequest) -> None:
    options = Options(tracker="haar")
    if tracker == "framework":
        request.getfixturevalue("weights")
        options = Options(tracker="framework")
    detector = HaarDetector(options) if tracker == "haar" else SingleStageDetector()
    frames, truth = made(CLIPS[tracker])
    missed = [n for n, how in enumerate(CLIPS[tracker]) if how not in ("clear", None)]
    assert not [n for n in missed[::4] if any(d.score > 0.3 for d in detector(frames[n]))]
    found = covered(frames, options)
    assert len(found.places) == len(frames)
    for n, (frame, box) in enumerate(zip(frames, truth, strict=True)):
        if box is not None:
            assert detail_left(frame, without_faces(frame, found.boxes(n)), box) < 0.06, n
    assert len(found.identities()) == 1


def test_what_was_not_seen_is_told_as_guessed_and_what_is_empty_as_empty() -> None:
    frames, _ = made([*CLEAR, None, None, None, *CLEAR, *[None] * 70, *CLEAR])
    found = covered(frames, Options(tracker="haar"))
    assert set(found.guessed()) >= {6, 7, 8}
    assert not set(found.guessed()) & {0, 3, 9, 12, 86, 89}
    assert len(found.empty()) > 20
    assert set(found.empty()) <= set(range(20, 84))
    assert covered(made([None] * 3)[0], Options(tracker="haar")).empty() == (0, 1, 2)


def test_a_face_that_comes_in_late_is_hidden_before_it_is_found() -> None:
    frames, _ = made(["mouth hidden"] * 4 + CLEAR)
    found = covered(frames, Options(tracker="haar"))
    boxes = np.array([next(p.box_px for p in places) for places in found.places[:4]])
    wanted = np.array([FACE[0] - round(30 + 25 * np.sin(n / 6)) for n in range(4)])
    assert boxes[:, 0] == pytest.approx(wanted, abs=8)
    assert found.guessed() == ()


def test_frames_of_another_size_do_not_end_it() -> None:
    frames, _ = made(CLEAR)
    large = [cv2.resize(frame, (700, 700)) for frame in frames]
    found = covered([*frames, *large, *frames], Options(tracker="haar"))
    assert found.empty() == ()
    assert max(p.box_px[2] for p in found.places[11]) > 2 * max(p.box_px[2] for p in found.places[2])


class _Sees:
    """A detector that sees someone in one frame, hardly."""

    def __init__(self, frame: int, score: float) -> None:
        self._frame, self._score, self._count = frame, score, -1

    def __call__(self, frame: object, near: object = ()) -> list[Detection]:
        self._count += 1
        return [Detection((10.0, 20.0, 30.0, 40.0), self._score)] if self._count == self._frame else []


def test_whom_the_tracker_does_not_follow_is_hidden_in_every_frame_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["diaphane.track.cover"]  # the verb has its name
    empty = np.full((120, 160, 3), 128, np.uint8)
    frames = [(0.1 * n, empty) for n in range(9)]
    monkeypatch.setattr(module, "_detector", lambda options: _Sees(4, 0.35))
    found = cover(frames, Options(tracker="haar"))
    assert [bool(found.boxes(n)) for n in range(9)] == [False, False, True, True, True, True, True, False, False]  # and two frames around it
    assert found.guessed() == (2, 3, 4, 5, 6)
    assert found.identities() == set()
    monkeypatch.setattr(module, "_detector", lambda options: _Sees(4, 0.2))
    assert not any(cover(frames, Options(tracker="haar")).boxes(n) for n in range(9))
