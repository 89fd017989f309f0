from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from diaphane.acquire import Options, about, frames, photo_as_video, read
from diaphane.acquire.picture import read_picture
from diaphane.core.video import Video
from diaphane.errors import InputError


def made_clip(path: Path, count: int = 10, code: str = "mp4v", rate: float = 20.0) -> Path:
    """64x48, the upper left quarter light, ever lighter."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), rate, (64, 48))
    for n in range(count):
        frame = np.zeros((48, 64, 3), np.uint8)
        frame[:24, :32] = (0, 0, 100 + 5 * n)  # blue, green, red
        writer.write(frame)
    writer.release()
    return path


def turned(path: Path, target: Path) -> Path:
    """The MP4 with the matrix of a quarter turn in its track header, as a telephone held upright writes it."""
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40
    data[matrix : matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    target.write_bytes(data)
    return target


def clip_of(path: Path) -> Video:
    video = read(path, Options()).video
    assert video is not None
    return video


@pytest.mark.parametrize(("suffix", "code"), [("mp4", "mp4v"), ("avi", "MJPG"), ("mkv", "mp4v"), ("webm", "VP80"), ("mov", "mp4v")])
def test_clips_of_each_container_have_their_frames_and_times(tmp_path: Path, suffix: str, code: str) -> None:
    path = made_clip(tmp_path / f"a.{suffix}", code=code)
    video = clip_of(path)
    got = list(frames(video, Options()))
    assert (video.size_px, video.frame_count, video.rate_hz, video.name) == ((64, 48), 10, 20.0, "a")
    assert [round(t, 3) for t, _ in got] == [round(n / 20, 3) for n in range(10)]
    for n, (_, frame) in enumerate(got):
        assert abs(int(frame[10, 10, 0]) - (100 + 5 * n)) < 12
        assert frame[40, 50].max() < 12
    assert about(path)["frames"] == 10


def test_clip_is_upright_by_its_rotation(tmp_path: Path) -> None:
    video = clip_of(turned(made_clip(tmp_path / "a.mp4"), tmp_path / "b.mp4"))
    assert video.size_px == (48, 64)
    known = about(tmp_path / "b.mp4")
    assert (known["width"], known["height"]) == (48, 64)
    (_, first), *_ = frames(video, Options())
    assert first.shape == (64, 48, 3)
    assert first[10, 40, 0] > 80  # what lay in the upper left corner is in the upper right one
    assert first[10, 10, 0] < 12


def test_content_counts_and_not_the_suffix(tmp_path: Path) -> None:
    made_clip(tmp_path / "a.mp4").rename(tmp_path / "a.dat")
    assert clip_of(tmp_path / "a.dat").frame_count == 10


def test_clip_that_breaks_off_just_ends(tmp_path: Path) -> None:
    path = made_clip(tmp_path / "a.avi", 30, "MJPG")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.6)])
    video = clip_of(path)
    count = sum(1 for _ in frames(video, Options()))
    assert 5 < count < 30
    assert video.frame_count == 30


def test_clip_without_a_frame_that_decodes_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = made_clip(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(InputError, match="cannot be opened: damaged, truncated"):
        read(path, Options())
    whole = made_clip(tmp_path / "b.avi", code="MJPG").read_bytes()
    start = whole.index(b"movi") + 4
    (tmp_path / "c.avi").write_bytes(whole[:start] + bytes(len(whole) - start))
    with pytest.raises(InputError, match="no frame of the clip can be decoded"):
        read(tmp_path / "c.avi", Options())
    assert capfd.readouterr().err == ""


def test_limits_are_checked_before_frames_are_decoded(tmp_path: Path) -> None:
    path = made_clip(tmp_path / "a.mp4")
    with pytest.raises(InputError, match="10 frames are more than acquire.max_frames = 9"):
        read(path, Options(max_frames=9))
    with pytest.raises(InputError, match="64x48 pixels are more than acquire.max_pixels = 3000"):
        read(path, Options(max_pixels=3000))
    with pytest.raises(InputError, match="more frames than acquire.max_frames = 4"):
        list(frames(clip_of(path), Options(max_frames=4)))


def test_photo_is_a_clip_of_one_frame(tmp_path: Path, rng: np.random.Generator) -> None:
    grey = rng.integers(0, 256, (6, 9), dtype=np.uint8)
    Pillow.fromarray(grey).save(tmp_path / "p.png")
    video = photo_as_video(tmp_path / "p.png", read_picture(tmp_path / "p.png"))
    assert (video.is_photo, video.size_px, video.rate_hz) == (True, (9, 6), None)
    ((seconds, frame),) = frames(video, Options())
    assert seconds == 0
    assert np.array_equal(frame, np.repeat(grey[..., None], 3, axis=2))
