from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.conftest import CommandLine

from diaphane.cli.main import main
from diaphane.core.track import Sighting
from diaphane.ops.picture import write_png
from diaphane.simulate.portrait import portrait
from diaphane.view.film import film

PHOTO = portrait(np.random.default_rng(1))[0]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The portrait, moving to the left."""
    path = tmp_path_factory.mktemp("track") / "clip.mp4"
    with film(path, 10.0) as write:
        for n in range(8):
            write(np.ascontiguousarray(PHOTO[10:266, 4 * n : 4 * n + 256]))
    return path


def test_track_writes_a_line_a_face_a_frame_and_draws_them(cli: CommandLine, clip: Path, tmp_path: Path) -> None:
    out, overlay, blur, when = (tmp_path / name for name in ("tracks.jsonl", "overlay.mp4", "blur.mp4", "when.png"))
    done = cli("track", clip, "--tracker", "haar", "--out", out, "--overlay", overlay, "--blur", blur, "--timeline", when)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "1 face, seen in 8 of 8 frames" in done.stderr
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["frame"] for line in lines] == list(range(8))
    assert [line["time_s"] for line in lines] == pytest.approx([n / 10 for n in range(8)])
    assert {(line["identity"], tuple(line["size_px"])) for line in lines} == {(1, (256, 256))}
    assert np.all(np.diff([Sighting.from_json(line).face.box_px[0] for line in lines]) < -2)
    drawn, blurred, given = (cv2.VideoCapture(str(p)) for p in (overlay, blur, clip))
    x, y, width, height = (round(v) for v in lines[0]["box_px"])
    frames = [capture.read()[1].astype(float) for capture in (drawn, blurred, given)]
    face = np.s_[y + height // 4 : y + 3 * height // 4, x + width // 4 : x + 3 * width // 4]
    sharp, soft = (cv2.Laplacian(f[face], cv2.CV_64F).std() for f in (frames[2], frames[1]))
    assert soft < 0.5 * sharp
    assert np.abs(frames[0] - frames[2]).max() > 100
    assert sorted(p.name for p in tmp_path.iterdir()) == ["blur.mp4", "overlay.mp4", "tracks.jsonl", "when.png"]


def test_photo_without_a_face_gives_no_line_and_is_no_error(cli: CommandLine, tmp_path: Path) -> None:
    write_png(tmp_path / "grey.png", np.full((100, 120, 3), 128, np.uint8))
    done = cli("track", tmp_path / "grey.png", "--tracker", "haar", "--out", tmp_path / "tracks.jsonl", "--overlay", tmp_path / "seen.png")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "tracks.jsonl").read_text() == ""
    assert (tmp_path / "seen.png").is_file()


def test_what_cannot_be_is_said(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def said(*words: object) -> tuple[int, str]:
        code = main(["track", *map(str, words)])
        return code, capsys.readouterr().err

    out = tmp_path / "t.jsonl"
    assert said(clip, "--tracker", "haar", "--out", clip)[0] == 2
    code, message = said(clip, "--tracker", "haar", "--out", out, "--overlay", tmp_path / "o.avi")
    assert (code, "ends in .mp4" in message) == (2, True)
    code, message = said(clip, "--tracker", "haar", "--out", out, "--timeline", tmp_path / "o.jpg")
    assert (code, "ends in .png" in message) == (2, True)
    (tmp_path / "camera.toml").write_text("width = 256\nheight = 256\nfx = 100\nfy = 100\ncx = 1\n")
    code, message = said(clip, "--tracker", "haar", "--out", out, "--camera", tmp_path / "camera.toml")
    assert (code, "the key 'cy' is missing" in message) == (2, True)
    code, message = said(tmp_path / "absent.mp4", "--out", out)
    assert code == 2
    assert not out.exists()


def test_a_clip_of_another_shape_than_the_camera_does_not_end_the_others(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_png(tmp_path / "wide.png", np.full((100, 300, 3), 128, np.uint8))
    (tmp_path / "camera.toml").write_text("width = 256\nheight = 256\nfx = 300\nfy = 300\ncx = 128\ncy = 128\ndistortion = [0, 0, 0, 0, 0]\n")
    out = tmp_path / "t.jsonl"
    assert main(["track", *map(str, (tmp_path / "wide.png", clip, "--tracker", "haar", "--out", out, "--camera", tmp_path / "camera.toml"))]) == 1
    assert "these have 300x100: another shape" in capsys.readouterr().err
    assert len(out.read_text().splitlines()) == 8


def test_a_tracker_without_its_weights_says_how_to_get_them(cli: CommandLine, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    done = cli("track", clip, "--tracker", "convnet", "--out", tmp_path / "t.jsonl")
    assert done.returncode == 1
    assert "run diaphane models pull faces" in done.stderr
    default = cli("track", clip, "--out", tmp_path / "t.jsonl")
    assert (default.returncode, "1 face" in default.stderr) == (0, True)
