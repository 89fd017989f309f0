from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from diaphane.core.arrays import Array
from diaphane.core.face import Face, HeadPose, Quality
from diaphane.core.track import Sighting
from diaphane.simulate.portrait import portrait
from diaphane.track import Options, key_frames
from diaphane.track.quality import with_quality

PHOTO = portrait(np.random.default_rng(1))[0]
FACE = Face(identity=1, box_px=(120.0, 60.0, 90.0, 110.0), score=0.9, state="detected")


def quality(frame: Array, face: Face = FACE) -> Quality:
    found = with_quality(frame, face).quality
    assert found is not None
    return found


def test_a_blurred_face_is_less_sharp_the_more_it_is_blurred() -> None:
    sharp = [quality(PHOTO if s == 0 else cv2.GaussianBlur(PHOTO, None, s)).sharp for s in (0, 1, 2, 4)]
    assert np.all(np.diff(sharp) < -0.05)
    smeared = cv2.blur(PHOTO, (15, 1))  # in one direction only, as by motion
    assert quality(smeared).sharp < 0.5 * sharp[0]


def test_blur_is_told_apart_from_contrast_and_light() -> None:
    faint = (PHOTO * 0.5 + 60).astype(np.uint8)
    assert quality(faint).sharp == pytest.approx(quality(PHOTO).sharp, abs=0.05)


def test_a_face_in_the_dark_or_burnt_out_is_badly_lit() -> None:
    assert quality(PHOTO).light > 0.9
    assert quality((PHOTO * 0.05).astype(np.uint8)).light < 0.05
    assert quality(np.full_like(PHOTO, 255)).light == 0
    half = PHOTO.copy()
    half[:, :165] = 0
    assert quality(half).light == pytest.approx(0.5 * quality(PHOTO).light, abs=0.05)


def test_size_is_that_of_the_box_and_no_more_than_enough() -> None:
    assert quality(PHOTO).size == pytest.approx(90 / 128, abs=0.001)
    assert quality(PHOTO, replace(FACE, box_px=(10.0, 10.0, 200.0, 220.0))).size == 1


@pytest.mark.parametrize(("turn_deg", "x_mm", "expected"), [(0, 0, 1), (60, 0, 0.5), (-60, 0, 0.5), (120, 0, 0), (45, 600, 1)])
def test_facing_is_the_cosine_past_the_camera(turn_deg: float, x_mm: float, expected: float) -> None:
    rotation, _ = cv2.Rodrigues(np.array([0, np.radians(turn_deg), 0]))
    pose = HeadPose(rotation, np.array([x_mm, 0, 600.0]), 1.0, 1.0, True)
    assert quality(PHOTO, replace(FACE, pose=pose)).facing == pytest.approx(expected, abs=0.002)


def test_who_is_only_expected_or_out_of_the_frame_has_none() -> None:
    assert with_quality(PHOTO, replace(FACE, state="predicted")).quality is None
    assert with_quality(PHOTO, replace(FACE, box_px=(-100.0, 5.0, 90.0, 90.0))).quality is None
    assert with_quality(PHOTO, replace(FACE, box_px=(1e4, 5.0, 90.0, 90.0))).quality is None
    assert with_quality(np.zeros((3, 3, 3), np.uint8), FACE).quality is None


def test_key_frames_are_not_the_blurred_ones() -> None:
    frames = [PHOTO if n == 2 else cv2.GaussianBlur(PHOTO, None, 3) for n in range(5)]
    sightings = [Sighting(source_sha256="0" * 64, size_px=(20, 20), frame=n, time_s=n / 10, face=with_quality(frame, FACE)) for n, frame in enumerate(frames)]
    assert key_frames(sightings, Options(key_frames=1)) == (2,)
