from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from diaphane.cli.main import main
from diaphane.core.arrays import Array
from diaphane.simulate.portrait import portrait
from diaphane.view.film import film

PHOTO = np.ascontiguousarray(portrait(np.random.default_rng(1))[0][10:266, 20:276])
EYES = np.s_[70:120, 110:170]


def deidentify(*words: object) -> int:
    return main(["deidentify", *map(str, words), "--tracker", "haar"])


def detail(frame: Array) -> float:
    return float(cv2.Laplacian(cv2.cvtColor(np.asarray(frame[EYES]), cv2.COLOR_RGB2GRAY).astype(np.float32), cv2.CV_32F).std())


def clip_of(path: Path, frames: list[Array]) -> Path:
    with film(path, 10.0) as write:
        for frame in frames:
            write(frame)
    return path


def frames_of(path: Path) -> list[Array]:
    capture, found = cv2.VideoCapture(str(path)), []
    while True:
        there, frame = capture.read()
        if not there:
            return found
        found.append(np.asarray(frame[..., ::-1]))


def test_a_clip_keeps_its_frames_and_rate_and_loses_its_face(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = clip_of(tmp_path / "clip.mp4", [np.roll(PHOTO, n, axis=1) for n in range(8)])
    assert deidentify(clip, tmp_path / "nobody.mp4") == 0
    given, made = frames_of(clip), frames_of(tmp_path / "nobody.mp4")
    assert len(made) == len(given) == 8
    assert cv2.VideoCapture(str(tmp_path / "nobody.mp4")).get(cv2.CAP_PROP_FPS) == 10
    assert max(detail(frame) for frame in made) < 0.2 * min(detail(frame) for frame in given)
    assert np.abs(made[0][:, :40].astype(int) - given[0][:, :40]).mean() < 6  # the room is as it was
    said = capsys.readouterr()
    assert said.out == ""
    assert "1 face, made unrecognisable in 8 of 8 frames (haar)" in said.err
    assert "written without sound and metadata" in said.err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["clip.mp4", "nobody.mp4"]


def test_what_is_not_sure_is_told_and_doubted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = np.full_like(PHOTO, 128)
    clip = clip_of(tmp_path / "clip.mp4", [empty] * 12 + [PHOTO] * 6 + [empty] * 3 + [PHOTO] * 4)
    assert deidentify(clip, tmp_path / "nobody.mp4", "--json") == 4
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert (told["tracker"], told["frames"], told["faces"], told["is_sure"], told["left_out"]) == ("haar", 25, 1, False, ["sound", "metadata"])
    (nothing,) = told["nothing_found"]
    assert (nothing["first"], nothing["from_s"]) == (0, 0)
    assert 3 <= nothing["last"] < 12
    guessed = [n for stretch in told["guessed"] for n in range(stretch["first"], stretch["last"] + 1)]
    assert set(guessed) == {*range(nothing["last"] + 1, 12), 18, 19, 20}
    assert told["blurred"] == 25 - nothing["last"] - 1
    assert "nothing was found, look at: 0.00-" in said.err
    assert "1.80-2.00 s (frames 18-20)" in said.err


def test_a_clip_in_which_no_face_is_found_is_doubted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = clip_of(tmp_path / "clip.mp4", [np.full_like(PHOTO, 128)] * 3)
    assert deidentify(clip, tmp_path / "nobody.mp4") == 4
    assert "no face was found: nothing was made unrecognisable" in capsys.readouterr().err


def test_a_photo_loses_its_face_and_what_was_written_about_it(tmp_path: Path) -> None:
    exif = Pillow.Exif()
    exif[0x013B] = "a name"
    Pillow.fromarray(PHOTO).save(tmp_path / "photo.jpg", exif=exif, comment=b"a name", quality=95)
    assert deidentify(tmp_path / "photo.jpg", tmp_path / "nobody.png") == 0
    with Pillow.open(tmp_path / "nobody.png") as found:
        assert (found.size, dict(found.getexif()), found.info) == ((256, 256), {}, {})
        assert detail(np.asarray(found)) < 0.1 * detail(PHOTO)
    assert b"a name" not in (tmp_path / "nobody.png").read_bytes()


def test_what_cannot_be_is_said_and_nothing_is_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = clip_of(tmp_path / "clip.mp4", [PHOTO] * 2)
    before = clip.read_bytes()
    for words, message in (
        ((clip, clip), "is the input"),
        ((clip, tmp_path / "nobody.avi"), "ends in .mp4"),
        ((tmp_path / "absent.mp4", tmp_path / "nobody.mp4"), "absent.mp4"),
    ):
        assert deidentify(*words) == 2
        assert message in capsys.readouterr().err
    assert clip.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["clip.mp4"]
