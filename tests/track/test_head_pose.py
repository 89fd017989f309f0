"""Landmarks, regions, head pose: what the mesh and the canonical face are used for. The networks and the canonical face must have been pulled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from diaphane.core.arrays import Array, FloatArray
from diaphane.core.camera import Camera
from diaphane.core.face import Face
from diaphane.errors import UsageError
from diaphane.track import Options, follow
from diaphane.track.landmarks import common_68
from diaphane.track.mesh import POINTS, SIDE, Square
from diaphane.track.options import TrackerName

CAMERA = Camera(width=640, height=480, fx=610, fy=600, cx=325, cy=236, distortion=(0.1, -0.05, 0.001, -0.002, 0.0))


def test_square_maps_its_middle_and_turns_with_the_face() -> None:
    square = Square(100.0, 50.0, 2.0 * SIDE, np.pi / 2)
    to = square.to_frame
    half = (SIDE - 1) / 2
    assert to[:, :2] @ (half, half) + to[:, 2] == pytest.approx((100, 50))
    assert to[:, :2] @ (half + 10, half) + to[:, 2] == pytest.approx((100, 70))


@pytest.mark.parametrize("side", [200.0, 511.0, 900.0, 1700.0])
def test_what_is_cut_lies_where_the_square_says_also_where_it_is_shrunk(side: float) -> None:
    square, spot = Square(850.0, 900.0, side, 0.4), (850.0 + 0.2 * side, 900.0 - 0.1 * side)
    y, x = np.mgrid[:1800, :1700]
    frame = np.exp(-((x - spot[0]) ** 2 + (y - spot[1]) ** 2) / (2 * (0.02 * side) ** 2))
    seen = square.cut(np.repeat((255 * frame).astype(np.uint8)[..., None], 3, axis=2))[..., 0].astype(float)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    found = np.array([(seen * columns).sum(), (seen * rows).sum()]) / seen.sum()
    assert square.to_frame[:, :2] @ found + square.to_frame[:, 2] == pytest.approx(spot, abs=0.0005 * side)


def test_square_about_points_is_upright_on_the_face() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, (POINTS, 2)) * (40, 60)
    points[33], points[263] = (-20, -10), (20, -10)
    turn = np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]])
    square = Square.about(points @ turn.T + (200, 100))
    assert square.roll_rad == pytest.approx(0.5)
    assert (square.x, square.y) == pytest.approx((200, 100), abs=2)
    assert square.side == pytest.approx(1.5 * 120, rel=0.02)


@pytest.fixture(scope="module")
def face_mm(weights: None) -> FloatArray:
    from diaphane.track.canonical import canonical_face

    return canonical_face().points_mm


def flat(points_mm: FloatArray) -> FloatArray:
    """As an upright picture of the face shows it, with ten points of the irises that the canonical face has not."""
    seen = points_mm[:, :2] * 2 + (200, 250)
    return np.concatenate([seen, np.tile(seen[168], (10, 1))])


def test_canonical_face_is_symmetric_and_of_a_persons_size(face_mm: FloatArray) -> None:
    assert face_mm.shape == (468, 3)
    assert np.ptp(face_mm[:, 0]) == pytest.approx(155, abs=10)
    assert face_mm[4, 2] < face_mm[234, 2]  # the nose is nearer to the camera than the ears
    assert face_mm[152, 1] > face_mm[10, 1]  # the chin is below the forehead
    mirrored = face_mm * (-1, 1, 1)
    nearest = np.linalg.norm(face_mm[:, None] - mirrored[None], axis=2).min(axis=1)
    assert nearest.max() < 1.0


def test_the_common_68_are_mirrored_halves_of_one_face(face_mm: FloatArray) -> None:
    placed = common_68(flat(face_mm))
    assert placed.shape == (68, 2)
    halves = ((0, 16), (3, 13), (7, 9), (17, 26), (19, 24), (21, 22), (31, 35), (36, 45), (37, 44), (39, 42), (41, 46), (48, 54), (50, 52), (60, 64), (67, 65))
    for right, left in halves:
        assert placed[right] * (-1, 1) + (400, 0) == pytest.approx(placed[left], abs=3), (right, left)
    assert placed[[8, 27, 30, 33, 51, 57, 62, 66], 0] == pytest.approx(np.full(8, 200), abs=1)
    assert np.all(np.diff(placed[[27, 28, 29, 30, 33, 51, 62, 66, 57, 8], 1]) > 0)


def test_brows_and_the_bridge_of_the_nose_are_spread_evenly(face_mm: FloatArray) -> None:
    placed = common_68(flat(face_mm))
    for part in (placed[17:22], placed[22:27], placed[27:31]):
        steps = np.linalg.norm(np.diff(part, axis=0), axis=1)
        assert steps == pytest.approx(np.full(len(steps), steps.mean()), rel=0.06)


@pytest.mark.parametrize("place", [(0, 0, 600), (190, -120, 700), (-160, 110, 500)])
@pytest.mark.parametrize("turn", [(0, 0, 0), (0.3, -0.5, 0.2), (-0.2, 0.7, -0.4)])
def test_head_pose_is_right_in_the_middle_and_at_the_edge_of_a_distorted_frame(
    face_mm: FloatArray, place: tuple[float, float, float], turn: tuple[float, float, float]
) -> None:
    from diaphane.track.pose import head_pose

    rotation, _ = cv2.Rodrigues(np.array(turn, float))
    seen, _ = cv2.projectPoints(face_mm, np.array(turn, float), np.array(place, float), CAMERA.matrix, CAMERA.coefficients)
    found = head_pose(np.concatenate([seen[:, 0], np.zeros((10, 2))]), CAMERA)
    assert found is not None
    assert found.rotation == pytest.approx(rotation, abs=1e-4)
    assert found.translation_mm == pytest.approx(place, abs=0.1)
    assert found.turn_sd_deg < 0.1


def test_an_outline_that_slides_along_the_skin_moves_no_pose(face_mm: FloatArray) -> None:
    from diaphane.track.pose import OUTLINE, head_pose

    seen, _ = cv2.projectPoints(face_mm, np.array([0.1, -0.4, 0.0]), np.array([0, 0, 600.0]), CAMERA.matrix, CAMERA.coefficients)
    points = np.concatenate([seen[:, 0], np.zeros((10, 2))])
    slid = points.copy()
    slid[list(OUTLINE)] += (9.0, -4.0)
    plain, other = head_pose(points, CAMERA), head_pose(slid, CAMERA)
    assert plain is not None
    assert other is not None
    assert other.translation_mm == pytest.approx(plain.translation_mm, abs=1e-6)
    assert other.rotation == pytest.approx(plain.rotation, abs=1e-9)


def test_pose_is_less_sure_of_landmarks_that_err(face_mm: FloatArray, rng: np.random.Generator) -> None:
    from diaphane.track.pose import head_pose

    seen, _ = cv2.projectPoints(face_mm, np.zeros(3), np.array([0, 0, 600.0]), CAMERA.matrix, CAMERA.coefficients)
    sure = [head_pose(np.concatenate([seen[:, 0] + rng.normal(0, noise, (468, 2)), np.zeros((10, 2))]), CAMERA) for noise in (0.3, 3.0)]
    assert sure[0] is not None
    assert sure[1] is not None
    assert sure[1].turn_sd_deg == pytest.approx(10 * sure[0].turn_sd_deg, rel=0.2)


def clip(data: Path, name: str, count: int) -> Iterator[tuple[float, Array]]:
    capture = cv2.VideoCapture(str(data / "faces/videos" / name))
    for n in range(count):
        read, frame = capture.read()
        if not read:
            return
        yield n / 30, np.ascontiguousarray(frame[..., ::-1])


@pytest.mark.data
@pytest.mark.parametrize("tracker", ["keypoints", "convnet", "framework"])
def test_each_family_follows_one_face_and_says_the_same_twice(data: Path, weights: None, tracker: TrackerName) -> None:
    first, second = (list(follow(clip(data, "single_face.mp4", 24), None, Options(tracker=tracker))) for _ in range(2))
    assert [[f.identity for f in faces] for faces in first] == [[1]] * 24
    assert [[(f.box_px, f.state, f.score) for f in faces] for faces in first] == [[(f.box_px, f.state, f.score) for f in faces] for faces in second]


@pytest.mark.data
def test_convnet_gives_landmarks_in_the_box_and_a_head_in_front_of_the_camera(data: Path, weights: None) -> None:
    faces: list[Face] = [face for found in follow(clip(data, "single_face.mp4", 6), None, Options(tracker="convnet")) for face in found]
    for face in faces:
        assert face.landmark_set == "mesh478"
        assert face.landmarks_px is not None
        assert face.pose is not None
        assert face.holds(*face.landmarks_px[4])
        assert 200 < face.pose.translation_mm[2] < 2000
        assert np.degrees(np.arccos(face.pose.rotation[2, 2])) < 30


@pytest.mark.data
def test_multi_stage_finds_the_faces_of_a_group(data: Path, weights: None) -> None:
    photo = np.ascontiguousarray(cv2.imread(str(data / "faces/group_photos/2007_007763.jpg"))[..., ::-1])
    for detector in ("single_stage", "multi_stage"):
        (found,) = follow([(0.0, photo)], None, Options(tracker="framework", detector=detector))  # type: ignore[arg-type]
        assert len(found) == 7


def test_camera_scales_with_its_frames_and_refuses_another_shape() -> None:
    half = CAMERA.of_size(320, 240)
    assert (half.fx, half.fy, half.cx) == (305, 300, 162.25)
    assert CAMERA.of_size(640, 480) is CAMERA
    with pytest.raises(UsageError, match="of frames of 640x480, these have 480x640: another shape"):
        CAMERA.of_size(480, 640)
    for wrong in ({"fx": 0.0}, {"width": 0}, {"height": 10**400}, {"fy": 1e200}, {"distortion": (1e200, 0, 0, 0, 0)}):
        with pytest.raises(UsageError, match="a camera needs"):
            Camera(**{"width": 640, "height": 480, "fx": 600.0, "fy": 600.0, "cx": 1.0, "cy": 1.0, **wrong})  # type: ignore[arg-type]
    guess = Camera.guessed(640, 480)
    assert guess.is_guess
    assert np.degrees(2 * np.arctan(320 / guess.fx)) == pytest.approx(65)
