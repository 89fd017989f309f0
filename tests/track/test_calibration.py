"""Boards rendered through a camera that is known: nine rays a pixel, their places on the board, black or white."""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from diaphane.acquire import Live, read_camera
from diaphane.cli.main import main
from diaphane.core.arrays import Array
from diaphane.core.camera import Camera
from diaphane.core.video import Video
from diaphane.errors import InputError
from diaphane.ops.picture import write_png
from diaphane.pipeline import calibrating
from diaphane.track.calibration import Board, calibrate
from diaphane.view.film import film

CAMERA = Camera(width=480, height=360, fx=420.0, fy=425.0, cx=244.0, cy=175.0, distortion=(-0.12, 0.05, 0.001, -0.001, 0.0))
BOARD = Board(columns=7, rows=5, square_mm=20.0)
TILTS = [(0, 0), (0.5, 0), (-0.5, 0.1), (0, 0.5), (0.1, -0.5), (0.35, 0.35), (-0.3, -0.4), (0.4, -0.3)]
PLACES = [(0, 0), (-50, -30), (50, 30), (-45, 25), (45, -30), (0, 25), (-20, -20), (20, 0)]
FINE = 3


def rays() -> Array:
    """(row, column, 2): through each sub-pixel, at distance 1."""
    rows, columns = ((np.arange(n * FINE) + 0.5) / FINE - 0.5 for n in (CAMERA.height, CAMERA.width))
    across, down = np.meshgrid(columns, rows)
    points = np.stack([across.ravel(), down.ravel()], axis=1)[:, None]
    criteria = (cv2.TERM_CRITERIA_COUNT, 20, 0.0)
    straight = cv2.undistortPointsIter(points, CAMERA.matrix, CAMERA.coefficients, np.eye(3), np.eye(3), criteria)
    return np.asarray(straight.reshape(*across.shape, 2))


RAYS = rays()


def view(tilt: tuple[float, float], place: tuple[float, float], away_mm: float = 330.0) -> Array:
    rotation, _ = cv2.Rodrigues(np.array([*tilt, 0.1]))
    middle = np.array([place[0], place[1], away_mm])
    normal = rotation[:, 2]
    points = np.concatenate([RAYS, np.ones((*RAYS.shape[:2], 1))], axis=2)
    on_plane = points * ((normal @ middle) / (points @ normal))[..., None]
    x, y = np.moveaxis((on_plane - middle) @ rotation[:, :2] / BOARD.square_mm, 2, 0)
    column, row = x + (BOARD.columns + 1) / 2, y + (BOARD.rows + 1) / 2
    on = (column >= 0) & (column < BOARD.columns + 1) & (row >= 0) & (row < BOARD.rows + 1)
    dark = on & ((np.floor(column) + np.floor(row)) % 2 == 0)
    fine = np.where(dark, 30.0, 225.0).reshape(CAMERA.height, FINE, CAMERA.width, FINE).mean(axis=(1, 3))
    return np.repeat(np.round(fine).astype(np.uint8)[..., None], 3, axis=2)


@pytest.fixture(scope="module")
def views() -> list[Array]:
    return [view(tilt, place) for tilt, place in zip(TILTS, PLACES, strict=True)]


def test_a_known_camera_comes_back(views: list[Array]) -> None:
    found = calibrate([*views, np.full_like(views[0], 90)], BOARD)
    camera = found.camera
    assert (found.views, found.frames) == (len(views), len(views) + 1)
    assert (camera.fx, camera.fy) == (pytest.approx(CAMERA.fx, rel=0.005), pytest.approx(CAMERA.fy, rel=0.005))
    assert (camera.cx, camera.cy) == (pytest.approx(CAMERA.cx, abs=1.5), pytest.approx(CAMERA.cy, abs=1.5))
    assert found.error_px < 0.15
    assert found.distance_mm[0] == pytest.approx(330, abs=60)
    assert not camera.is_guess
    corners = np.array([[x, y, 330.0] for x in (-150, 0, 150) for y in (-100, 0, 100)])
    seen, truth = (cv2.projectPoints(corners, np.zeros(3), np.zeros(3), c.matrix, c.coefficients)[0] for c in (camera, CAMERA))
    off = seen - truth
    assert np.abs(off - off.mean(axis=0)).max() < 2  # distortion and all, out to where no board was


def test_too_few_views_are_refused_and_the_same_one_counts_once(views: list[Array]) -> None:
    with pytest.raises(InputError, match=r"4 different views of a board with 7 x 5 inner corners in 10 pictures, 5 are needed; count the corners"):
        calibrate([views[0]] * 7 + views[1:4], BOARD)
    with pytest.raises(InputError, match="0 different views"):
        calibrate(views, Board(columns=11, rows=8))
    with pytest.raises(InputError, match="0 different views"):
        calibrate([], BOARD)


def test_boards_that_all_face_the_camera_do_not_tell_the_focal_length() -> None:
    flat = [view((0, 0), place, away) for place, away in zip(PLACES[:6], (300, 350, 400, 450, 330, 380), strict=True)]
    with pytest.raises(InputError, match=r"do not tell the focal length .* tilted by 30 degrees"):
        calibrate(flat, BOARD)


def test_pictures_of_several_sizes_are_refused(views: list[Array]) -> None:
    with pytest.raises(InputError, match="one size, got 480x360 and 240x180"):
        calibrate([views[0], np.ascontiguousarray(views[1][::2, ::2])], BOARD)


@pytest.mark.parametrize(("columns", "rows", "square"), [(2, 5, 1.0), (7, 101, 1.0), (7, 5, 0.0), (7, 5, float("nan"))])
def test_no_such_board(columns: int, rows: int, square: float) -> None:
    with pytest.raises(InputError, match="a board"):
        Board(columns=columns, rows=rows, square_mm=square)


def test_the_command_writes_a_camera_that_track_reads(views: list[Array], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for n, picture in enumerate(views):
        write_png(tmp_path / f"boards/{n}.png", picture)
    out = tmp_path / "camera.toml"
    words = ["--board", "7x5", "--square-mm", "20", "--out", str(out)]
    assert main(["calibrate", str(tmp_path / "boards"), *words]) == 0
    said = capsys.readouterr().err
    assert "8 views of the board in 8 pictures: error 0." in said
    assert "mm away: compare" in said
    assert read_camera(out).fx == pytest.approx(CAMERA.fx, rel=0.005)
    clip = tmp_path / "clip.mp4"
    with film(clip, 10.0) as write:
        for picture in views:
            write(picture)
    assert main(["calibrate", str(clip), *words]) == 0
    assert read_camera(out).fx == pytest.approx(CAMERA.fx, rel=0.01)


class MadeCamera:
    """Shows one view after the other, each long enough to be seen by whoever looks twice a second, over and over."""

    rate_hz = 20.0

    def __init__(self, pictures: list[Array]) -> None:
        self.pictures, self.given = pictures, 0

    def read(self) -> Array:
        time.sleep(0.02)
        self.given += 1
        return self.pictures[self.given // 10 % len(self.pictures)]

    def close(self) -> None:
        pass


def test_a_camera_is_calibrated_while_the_board_moves(views: list[Array], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diaphane.acquire.open_camera", lambda number: Live("camera:0", MadeCamera(views)))
    out = tmp_path / "camera.toml"
    assert main(["calibrate", "camera:0", "--seconds", "2.5", "--board", "7x5", "--out", str(out)]) == 0
    assert read_camera(out).fx == pytest.approx(CAMERA.fx, rel=0.02)


@pytest.mark.parametrize(("claimed", "looks"), [(0, 338), (600, 150), (10**6, 60)])
def test_frames_are_spread_over_a_clip_whatever_length_it_claims(claimed: int, looks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = Video(path=Path("clip.mp4"), name="clip", source_sha256="", size_px=(4, 4), frame_count=claimed, rate_hz=10.0)
    monkeypatch.setattr(calibrating, "clip_of", lambda file: clip)
    monkeypatch.setattr(calibrating, "frames_of", lambda clip: ((n / 10, n) for n in range(600)))
    seen: list[int] = []
    monkeypatch.setattr(calibrating, "calibrate", lambda frames, board: seen.extend(frames))
    calibrating.camera_from([Path("clip.mp4")], BOARD)
    assert len(seen) == looks
    assert seen[-1] > 580


def test_a_refusal_leaves_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_png(tmp_path / "a.png", np.zeros((90, 120, 3), np.uint8))
    assert main(["calibrate", str(tmp_path / "a.png"), "--board", "7x5", "--out", str(tmp_path / "c.toml")]) == 2
    assert "5 are needed" in capsys.readouterr().err
    assert main(["calibrate", str(tmp_path / "a.png"), "--board", "7x5", "--out", str(tmp_path / "c.txt")]) == 2
    capsys.readouterr()
    assert main(["calibrate", str(tmp_path / "a.png"), "--board", "7 by 5", "--out", str(tmp_path / "c.toml")]) == 2
    assert "must be the inner corners along both sides, such as 9x6" in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png"]
