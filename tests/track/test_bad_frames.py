"""Frames that are no good, to every tracker: a state or a message, and on it goes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from diaphane.cli.main import main
from diaphane.core.arrays import Array
from diaphane.core.camera import Camera
from diaphane.core.face import Face
from diaphane.simulate.portrait import portrait
from diaphane.track import Options, follow
from diaphane.view.film import film

PHOTO = np.ascontiguousarray(portrait(np.random.default_rng(1))[0][10:266, :256])
NOISE = np.random.default_rng(0).integers(0, 256, (5, 240, 320, 3), dtype=np.uint8)


def plain(height: int, width: int, value: int) -> Array:
    return np.full((height, width, 3), value, np.uint8)


@pytest.fixture(params=["keypoints", "convnet", "haar", "framework", "multi_stage"])
def options(request: pytest.FixtureRequest) -> Options:
    if request.param != "haar":
        request.getfixturevalue("weights")
    return Options(tracker="framework", detector="multi_stage") if request.param == "multi_stage" else Options(tracker=request.param)


def seen(frames: Sequence[Array], options: Options, camera: Camera | None = None) -> list[tuple[Face, ...]]:
    return list(follow(((n / 25, frame) for n, frame in enumerate(frames)), camera, options))


@pytest.mark.parametrize(
    "frames",
    [
        [plain(240, 320, 0)] * 5, [plain(240, 320, 255)] * 5, list(NOISE), [plain(12, 12, 100)] * 3 + [NOISE[0, :12, :12].copy()] * 3,
        [plain(1, 1, 9)] * 4, [plain(2, 600, 9)] * 3 + [plain(600, 2, 9)] * 3,
    ],
    ids=["black", "white", "noise", "12 pixels", "1 pixel", "slivers"],
)  # fmt: skip
def test_where_no_face_is_none_is_seen(frames: list[Array], options: Options) -> None:
    assert seen(frames, options) == [()] * len(frames)


def test_a_face_lives_through_frames_of_other_sizes_and_black_ones(options: Options) -> None:
    half = np.ascontiguousarray(PHOTO[::2, ::2])
    frames = [PHOTO] * 4 + [half] * 4 + [np.ascontiguousarray(PHOTO[:200])] * 4 + [plain(12, 12, 0)] * 2 + [plain(256, 256, 0)] * 2 + [PHOTO] * 6
    found = seen(frames, options)
    assert [len(faces) for faces in (*found[:12], *found[-3:])] == [1] * 15
    assert {face.identity for faces in found for face in faces} == {1}
    assert not any(face.state == "detected" for faces in found[12:16] for face in faces)
    large, small = (np.array(found[n][0].box_px) for n in (3, 7))
    assert small * 2 == pytest.approx(large, abs=20)


def test_grey_pictures_show_faces_too(options: Options) -> None:
    grey = np.repeat(cv2.cvtColor(PHOTO, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    ((face,),) = seen([grey], options)
    assert face.holds(155, 105)


def test_4k_is_seen_where_the_small_frame_is(options: Options) -> None:
    small = plain(270, 480, 90)
    small[7:263, 112:368] = PHOTO
    ((face,),) = seen([small], options)
    ((large,),) = seen([cv2.resize(small, (3840, 2160), interpolation=cv2.INTER_LINEAR)], options)
    assert np.array(large.box_px) / 8 == pytest.approx(np.array(face.box_px), abs=25)


def test_twenty_faces_are_twenty_identities(weights: None) -> None:
    faces = [cv2.resize(portrait(np.random.default_rng(n))[0][10:266, 20:276], (160, 160), interpolation=cv2.INTER_AREA) for n in range(20)]
    crowd = np.concatenate([np.concatenate(faces[row : row + 5], axis=1) for row in range(0, 20, 5)])
    found = seen([crowd] * 4, Options(tracker="framework"))
    assert [len({face.identity for face in faces}) for faces in found] == [20] * 4


def test_a_clip_that_turns_on_its_side_loses_no_pose_where_the_camera_fits(weights: None) -> None:
    wide = np.ascontiguousarray(PHOTO[:192])
    camera = Camera(width=512, height=384, fx=400, fy=400, cx=255, cy=191)
    found = seen([wide] * 3 + [PHOTO] * 3, Options(tracker="convnet"), camera)
    assert [[face.pose is not None for face in faces] for faces in found] == [[True]] * 3 + [[False]] * 3
    assert found[0][0].pose is not None
    assert not found[0][0].pose.focal_is_guess


def lines_of(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (256, 256))
    for n in range(12):
        writer.write(np.ascontiguousarray(np.roll(PHOTO, n, axis=1)[..., ::-1]))
    writer.release()
    return path


def track(*words: object) -> int:
    return main(["track", *map(str, words), "--tracker", "haar"])


def test_a_clip_that_breaks_off_is_tracked_until_there(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.avi").write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    assert track(tmp_path / "cut.avi", "--out", tmp_path / "t.jsonl", "--timeline", tmp_path / "t.png") == 0
    assert 3 <= len(lines_of(tmp_path / "t.jsonl")) < 12


def test_a_broken_frame_in_the_middle_does_not_end_the_clip(clip: Path, tmp_path: Path) -> None:
    data = bytearray(clip.read_bytes())
    begins = [n for n in range(len(data) - 1) if data[n : n + 2] == b"\xff\xd8"]
    data[begins[5] : begins[5] + 1000] = bytes(1000)
    (tmp_path / "hurt.avi").write_bytes(data)
    assert track(tmp_path / "hurt.avi", "--out", tmp_path / "t.jsonl") == 0
    lines = lines_of(tmp_path / "t.jsonl")
    assert len(lines) >= 9
    assert {line["identity"] for line in lines} == {1}


@pytest.mark.parametrize("content", [b"", b"no clip at all", b"RIFF\x00\x00\x00\x00AVI LIST"])
def test_a_file_that_is_no_clip_is_said(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "clip.avi").write_bytes(content)
    assert track(tmp_path / "clip.avi", "--out", tmp_path / "t.jsonl") == 2
    assert f"{tmp_path / 'clip.avi'}: " in capsys.readouterr().err
    assert not (tmp_path / "t.jsonl").exists()


def test_16_bit_and_grey_photos_are_tracked(tmp_path: Path) -> None:
    grey = cv2.cvtColor(PHOTO, cv2.COLOR_RGB2GRAY)
    Pillow.fromarray(grey).save(tmp_path / "grey.png")
    Pillow.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    assert track(tmp_path / "grey.png", tmp_path / "deep.png", "--out", tmp_path / "t.jsonl") == 0
    first, second = lines_of(tmp_path / "t.jsonl")
    assert first["box_px"] == second["box_px"]


def test_a_turned_photo_is_tracked_upright(tmp_path: Path) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6  # to be turned right by a quarter
    Pillow.fromarray(np.ascontiguousarray(np.rot90(PHOTO))).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    Pillow.fromarray(PHOTO).save(tmp_path / "upright.jpg", quality=95)
    assert track(tmp_path / "turned.jpg", tmp_path / "upright.jpg", "--out", tmp_path / "t.jsonl") == 0
    turned, upright = (np.array(line["box_px"]) for line in lines_of(tmp_path / "t.jsonl"))
    assert turned == pytest.approx(upright, abs=4)


def test_a_clip_of_12_pixels_can_be_drawn(tmp_path: Path) -> None:
    with film(tmp_path / "small.mp4", 10.0) as write:
        write(plain(12, 12, 0))
        write(plain(12, 12, 255))
    assert track(tmp_path / "small.mp4", "--out", tmp_path / "t.jsonl", "--overlay", tmp_path / "o.mp4", "--blur", tmp_path / "b.mp4") == 0
    assert lines_of(tmp_path / "t.jsonl") == []
    assert cv2.VideoCapture(str(tmp_path / "o.mp4")).get(cv2.CAP_PROP_FRAME_COUNT) == 2


def test_a_camera_file_of_another_size_is_scaled_and_of_another_shape_refused(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    camera = tmp_path / "camera.toml"
    camera.write_text("width = 512\nheight = 512\nfx = 400.0\nfy = 400.0\ncx = 255.5\ncy = 255.5\n")
    assert track(clip, "--camera", camera, "--out", tmp_path / "t.jsonl") == 0
    camera.write_text("width = 640\nheight = 480\nfx = 400.0\nfy = 400.0\ncx = 319.5\ncy = 239.5\n")
    assert track(clip, "--camera", camera, "--out", tmp_path / "u.jsonl") == 2
    assert "frames of 640x480, these have 256x256" in capsys.readouterr().err
    assert not (tmp_path / "u.jsonl").exists()
