"""Faces made unrecognisable, and films that are whole or not there."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from diaphane.errors import StorageError
from diaphane.view.film import film
from diaphane.view.tracked import without_faces


@pytest.mark.parametrize(("x", "y"), [(-40, 60), (160, 60), (60, -50), (60, 140), (-40, -50), (60, 60)])
def test_nothing_of_a_face_stays_sharp_where_the_frame_cuts_it(x: int, y: int, rng: np.random.Generator) -> None:
    noise = rng.integers(0, 256, (200, 200, 3), np.uint8)
    width, height = 80, 100
    blurred = without_faces(noise, [(x, y, width, height)])
    rows, columns = np.mgrid[:200, :200]
    face = ((columns - x - width / 2) / (width / 2)) ** 2 + ((rows - y - height / 2) / (height / 2)) ** 2 < 1
    assert (blurred == noise).all(axis=2)[face].mean() < 0.01


def test_a_film_that_could_not_be_written_whole_is_not_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        """A writer on a disk that is full after three frames, of which it says nothing."""

        def __init__(self, *given: object) -> None:
            self._writer, self._left = writer(*given), 3

        def __getattr__(self, name: str) -> object:
            return getattr(self._writer, name)

        def write(self, frame: np.ndarray) -> None:
            if self._left:
                self._left -= 1
                self._writer.write(frame)

    writer = cv2.VideoWriter
    Full.fourcc = staticmethod(writer.fourcc)  # type: ignore[attr-defined]
    monkeypatch.setattr(cv2, "VideoWriter", Full)
    with pytest.raises(StorageError, match="could not be written whole; is there room on the disk"), film(tmp_path / "a.mp4", 10.0) as write:
        for _ in range(9):
            write(np.zeros((64, 64, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("rate_hz", [239.9766, 119.9766, 0.0004, 29.97])
def test_films_of_odd_rates_can_be_written(rate_hz: float, tmp_path: Path) -> None:
    with film(tmp_path / "a.mp4", rate_hz) as write:
        for _ in range(4):
            write(np.zeros((64, 64, 3), np.uint8))
    assert cv2.VideoCapture(str(tmp_path / "a.mp4")).get(cv2.CAP_PROP_FPS) == pytest.approx(max(rate_hz, 0.01), rel=1e-3)
