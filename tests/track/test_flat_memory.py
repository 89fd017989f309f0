"""What tracking keeps does not grow with the length of the clip."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from diaphane.core.arrays import Array
from diaphane.simulate.portrait import portrait
from diaphane.track import Options, follow
from diaphane.track.options import TrackerName

SIDE, STAY, AWAY, VISITS = 96, 6, 4, 14
WARM = 4
"""Visits after which everything is there that is kept."""
GROWTH = 60_000
"""Bytes over ten visits: one frame kept a visit is five times as much, the looks and the carrier of one person a visit fifteen times."""


def coming_and_going(visits: int) -> Iterator[tuple[float, Array]]:
    """Someone for some frames, then nobody, again and again."""
    person = cv2.resize(portrait(np.random.default_rng(0))[0][20:266, 30:276], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    nobody = np.full((SIDE, SIDE, 3), 128, np.uint8)
    for n in range(visits * (STAY + AWAY)):
        at = n % (STAY + AWAY)
        yield n / 5, np.roll(person, at, axis=1) if at < STAY else nobody.copy()


@pytest.mark.parametrize("name", ["haar", "framework", "keypoints", "convnet"])
def test_memory_is_flat_where_everyone_is_new(name: TrackerName, request: pytest.FixtureRequest) -> None:
    if name != "haar":
        request.getfixturevalue("weights")
    held, seen, last = [], 0, 0
    options = Options(tracker=name, confirm_frames=1, gap_s=0.3, carry_s=0.3, remember_s=0)
    tracemalloc.start()
    try:
        for n, faces in enumerate(follow(coming_and_going(VISITS), None, options)):
            seen += bool(faces)
            last = max([last, *(face.identity for face in faces)])
            if n in (WARM * (STAY + AWAY), (VISITS - 1) * (STAY + AWAY)):
                held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert seen > 0.3 * VISITS * (STAY + AWAY)
    assert last >= VISITS
    assert held[1] - held[0] < GROWTH
