"""A made source that behaves as a camera: no device was tried."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import cv2
import numpy as np
import pytest

from diaphane.acquire import Live, camera_number
from diaphane.cli.main import main
from diaphane.core.arrays import Array
from diaphane.errors import InputError
from diaphane.simulate.portrait import portrait

PHOTO = np.ascontiguousarray(portrait(np.random.default_rng(1))[0][10:266, :256])


class MadeCamera:
    """Gives ``frames`` pictures, one every ``every_s``, whose first pixel counts them; loses the ``lost`` ones; then it is unplugged."""

    rate_hz = 20.0

    def __init__(self, frames: int = 10**9, every_s: float = 0.01, lost: tuple[int, ...] = (), begins_s: float = 0.0) -> None:
        self.frames, self.every_s, self.lost, self.begins_s = frames, every_s, lost, begins_s
        self.given = 0
        self.closed = Event()

    def read(self) -> Array | None:
        time.sleep(self.begins_s or self.every_s)
        self.begins_s = 0.0
        self.given += 1
        if self.given > self.frames or self.given in self.lost:
            return None
        picture = PHOTO.copy()
        picture[0, 0] = self.given % 256
        return picture

    def close(self) -> None:
        self.closed.set()


def test_a_slow_reader_gets_the_newest_frame_and_the_time_it_came_at() -> None:
    camera = MadeCamera(every_s=0.01)
    seen, times, ages = [], [], []
    with Live("camera:0", camera) as live:
        for seconds, frame in live.frames():
            seen.append(int(frame[0, 0, 0]))
            times.append(seconds)
            ages.append(camera.given - seen[-1])
            if len(seen) == 5:
                live.stop()
            time.sleep(0.1)
    assert len(seen) == 5
    assert live.dropped >= seen[-1] - seen[0] - 4 >= 4
    assert np.median(ages) <= 3  # what is given is fresh
    assert times[0] == 0
    assert np.all(np.diff(times) > 0.02)
    assert not live.is_gone
    assert camera.closed.wait(1)


def test_a_quick_reader_gets_each_frame_once_and_lost_ones_are_no_end() -> None:
    with Live("camera:0", MadeCamera(8, 0.05, lost=(3, 4, 6), begins_s=0.2), silent_s=0.5) as live:
        seen = [int(frame[0, 0, 0]) for _, frame in live.frames()]
    assert [n for n in (1, 2, 5, 7, 8) if n in seen] == seen
    assert len(seen) + live.dropped == 5
    assert live.is_gone
    assert live.clip.size_px == (256, 256)


def test_a_camera_that_gives_nothing_is_refused_in_words() -> None:
    camera = MadeCamera(0)
    with pytest.raises(InputError, match="camera:7: gave no frame within 0 seconds; is it plugged in"):
        Live("camera:7", camera, opening_s=0.1, silent_s=0.1)
    assert camera.closed.wait(1)


def test_names() -> None:
    assert [camera_number(name) for name in ("camera:0", "camera:12", "camera:", "camera:x", "clip.mp4")] == [0, 12, None, None, None]


class EndsAfterFour(Live):
    """Does ``ending`` when four frames were taken."""

    def __init__(self, camera: MadeCamera, ending: Callable[[], None]) -> None:
        super().__init__("camera:0", camera, silent_s=0.3)
        self.ending = ending

    def frames(self) -> Iterator[tuple[float, Array]]:
        for n, taken in enumerate(super().frames()):
            yield taken
            if n == 3:
                self.ending()


def run(camera: MadeCamera, ending: Callable[[], None], folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, list[dict[str, object]]]:
    """``diaphane track camera:0`` with ``camera`` in its place."""
    monkeypatch.setattr("diaphane.acquire.open_camera", lambda number: EndsAfterFour(camera, ending))
    out, words = folder / "tracks.jsonl", ["--overlay", str(folder / "overlay.mp4"), "--timeline", str(folder / "timeline.png")]
    code = main(["track", "camera:0", "--tracker", "haar", "--out", str(out), *words])
    return code, [json.loads(line) for line in out.read_text().splitlines()]


def test_unplugging_ends_in_words_and_what_was_seen_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    camera = MadeCamera()
    code, lines = run(camera, lambda: setattr(camera, "frames", 0), tmp_path, monkeypatch)
    assert code == 1
    assert "camera:0: gives no frames any more: unplugged" in capfd.readouterr().err
    assert len(lines) >= 4
    assert {line["identity"] for line in lines} == {1}
    times = [float(str(line["time_s"])) for line in lines]
    assert times == sorted(times)
    capture = cv2.VideoCapture(str(tmp_path / "overlay.mp4"))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == round(times[-1] * MadeCamera.rate_hz) + 1  # as long as it took
    assert sorted(p.name for p in tmp_path.iterdir()) == ["overlay.mp4", "timeline.png", "tracks.jsonl"]


def test_ctrl_c_ends_the_clip_cleanly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGINT)
    code, lines = run(MadeCamera(), lambda: signal.raise_signal(signal.SIGINT), tmp_path, monkeypatch)
    assert (code, {line["identity"] for line in lines}) == (0, {1})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["overlay.mp4", "timeline.png", "tracks.jsonl"]
    assert signal.getsignal(signal.SIGINT) is before


def test_a_camera_is_watched_for_so_many_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    camera = MadeCamera()
    monkeypatch.setattr("diaphane.acquire.open_camera", lambda number: Live("camera:0", camera))
    out = tmp_path / "tracks.jsonl"
    assert main(["track", "camera:0", "--seconds", "0.5", "--tracker", "haar", "--out", str(out)]) == 0
    times = [json.loads(line)["time_s"] for line in out.read_text().splitlines()]
    assert 0.1 < max(times) < 0.5
    assert camera.closed.wait(2)


def test_no_camera_of_that_number_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["track", "camera:97", "--out", str(tmp_path / "t.jsonl")]) == 2
    assert "camera:97: cannot be opened" in capsys.readouterr().err
    assert main(["track", "camera:0", "camera:1", "--out", str(tmp_path / "t.jsonl")]) == 2
    assert "camera:0 is taken alone, got 2 inputs" in capsys.readouterr().err
    assert main(["track", "clip.mp4", "--seconds", "3", "--out", str(tmp_path / "t.jsonl")]) == 2
    assert "--seconds says how long a camera is watched" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
