"""Who was seen when: a row a face over the frames of a clip, as a picture. However long the clip is, no more than its columns are kept.

Colours: Okabe, Ito, Color Universal Design, 2008; the states differ in height as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from diaphane.core.arrays import Array, FloatArray, IntArray
from diaphane.core.face import Face, State
from diaphane.core.track import Sighting

COLUMNS = 960
STATES: tuple[State, ...] = ("predicted", "tracked", "detected")
"""As they are counted, the less sure first."""
LOOKS: dict[str, tuple[tuple[int, int, int], float]] = {
    "detected": ((0, 114, 178), 1.0), "tracked": ((86, 180, 233), 0.75), "predicted": ((230, 159, 0), 0.4), "absent": ((190, 190, 190), 0.08),
}  # fmt: skip
"""Colour, and height as a share of the row's."""
NAMES, MARGIN, ROW, FONT = 76, 20, 26, 13
"""Pixels: the names' column, the right margin, a row's height, the letters'."""
MOST = 30
"""Rows; of more faces those seen longest are drawn."""
KEPT = 100
"""Faces that are kept at once; of more, whoever was seen least is left out."""
TICKS = 10


class Timeline:
    """The states of every face in every frame, gathered into at most ``COLUMNS`` columns."""

    def __init__(self) -> None:
        self._rows: dict[int, IntArray] = {}
        self._seconds: FloatArray = np.full(COLUMNS, np.nan)
        self._step, self._frames, self._left_out = 1, 0, 0

    def take(self, frame: int, time_s: float, faces: Sequence[Face]) -> None:
        """The faces of a frame; frames without any may be left out, but the last one tells how long the clip is."""
        self._frames = max(self._frames, frame + 1)
        while frame // self._step >= COLUMNS:
            self._gather()
        column = frame // self._step
        self._seconds[column] = np.fmin(self._seconds[column], time_s)
        for face in faces:
            if face.identity not in self._rows:
                self._rows[face.identity] = np.zeros((COLUMNS, len(STATES)), np.int32)
            self._rows[face.identity][column, STATES.index(face.state)] += 1
        if len(self._rows) > KEPT:
            self._leave_out({face.identity for face in faces})

    def states(self) -> dict[int, list[str]]:
        """Of each face, in the order of their numbers, its state in each column: what it was in most frames; one detection makes it detected."""
        count = -(-self._frames // self._step)
        in_column = np.minimum(self._step, self._frames - self._step * np.arange(count))
        told = {}
        for identity in sorted(self._rows):
            expected, tracked, detected = self._rows[identity][:count].T
            seen = tracked + detected
            most = np.argmax([in_column - expected - seen, expected, seen], axis=0)
            told[identity] = [("absent", "predicted", "detected" if sure else "tracked")[n] for n, sure in zip(most, detected > 0, strict=True)]
        return told

    def picture(self) -> Array:
        """RGB: a row a face, the time below, the colours named."""
        told = self.states()
        kept = sorted(sorted(told, key=lambda i: -int(self._rows[i].sum()))[:MOST])
        height = ROW * (max(1, len(kept)) + 3)
        page = Pillow.new("RGB", (NAMES + COLUMNS + MARGIN, height), "white")
        pen, font = ImageDraw.Draw(page), ImageFont.load_default(FONT)
        for n, identity in enumerate(kept):
            _row(pen, font, n * ROW + ROW // 4, f"face {identity}", told[identity])
        if not kept:
            pen.text((NAMES, ROW // 2), "no face", font=font, fill="black", anchor="lm")
        self._axis(pen, font, ROW * max(1, len(kept)) + ROW // 2)
        _legend(pen, font, height - ROW // 2, self._left_out + len(told) - len(kept))
        return np.asarray(page)

    def _leave_out(self, here: set[int]) -> None:
        del self._rows[min(self._rows, key=lambda i: (i in here, int(self._rows[i].sum())))]
        self._left_out += 1

    def _gather(self) -> None:
        """Two columns become one."""
        rest = np.zeros((COLUMNS // 2, len(STATES)), np.int32)
        self._rows = {identity: np.concatenate([row[::2] + row[1::2], rest]) for identity, row in self._rows.items()}
        self._seconds = np.concatenate([np.fmin(self._seconds[::2], self._seconds[1::2]), np.full(COLUMNS // 2, np.nan)])
        self._step *= 2

    def _axis(self, pen: ImageDraw.ImageDraw, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, y: int) -> None:
        pen.line([(NAMES, y), (NAMES + COLUMNS, y)], fill="black")
        (known,) = np.nonzero(np.isfinite(self._seconds))
        if known.size == 0:
            return
        seconds, count = self._seconds[known], -(-self._frames // self._step)
        step = _round_step(float(seconds[-1] - seconds[0]) / TICKS)
        for n in range(math.ceil(seconds[0] / step), math.floor(seconds[-1] / step) + 1):
            x = NAMES + float(np.interp(n * step, seconds, known)) * COLUMNS / count
            pen.line([(x, y), (x, y + 5)], fill="black")
            pen.text((x, y + 7), f"{n * step:g} s", font=font, fill="black", anchor="ma")


def timeline_of(sightings: Sequence[Sighting], frames: int, last_s: float) -> Timeline:
    """That of a clip of so many frames, the last of them at ``last_s``."""
    timeline = Timeline()
    timeline.take(0, 0.0, ())
    for sighting in sightings:
        timeline.take(sighting.frame, sighting.time_s, (sighting.face,))
    timeline.take(frames - 1, last_s, ())
    return timeline


def _row(pen: ImageDraw.ImageDraw, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, top: int, name: str, states: Sequence[str]) -> None:
    room = ROW - 6
    pen.text((8, top + room / 2), name, font=font, fill="black", anchor="lm")
    for n, state in enumerate(states):
        shade, share = LOOKS[state]
        left, right = NAMES + n * COLUMNS / len(states), NAMES + (n + 1) * COLUMNS / len(states) - 1
        half = max(1, room * share / 2)
        pen.rectangle([round(left), round(top + room / 2 - half), max(round(left), round(right)), round(top + room / 2 + half)], fill=shade)


def _legend(pen: ImageDraw.ImageDraw, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, y: int, left_out: int) -> None:
    x = float(NAMES)
    for name, (shade, _) in LOOKS.items():
        pen.rectangle([x, y - FONT // 2, x + FONT, y + FONT // 2], fill=shade)
        pen.text((x + FONT + 6, y), name, font=font, fill="black", anchor="lm")
        x += 2 * FONT + 20 + pen.textlength(name, font=font)
    if left_out:
        pen.text((x, y), f"and {left_out} more, seen for less long", font=font, fill="#555555", anchor="lm")


def _round_step(least: float) -> float:
    """1, 2 or 5 times a power of ten, not below ``least``."""
    if least <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= least * (1 - 1e-9))
