"""What a head's skin looks like: a map of colours over all directions from inside the head, drawn by seed.

Tone, blotches, pores, freckles, brows, eyes, lips, nostrils, hair: where they lie is known from the points of the face. It is no picture of anybody.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from diaphane.core.arrays import Array, FloatArray
from diaphane.ops.face_regions import REGIONS
from diaphane.simulate.head_shape import CENTRE, places
from diaphane.simulate.skin import clouds

ROWS, COLUMNS = 1024, 2048
FINE = 16
"""Places are drawn to this part of a pixel."""
BITS = 4
LIGHT, DARK = np.array([0.90, 0.72, 0.62]), np.array([0.47, 0.32, 0.24])
LEFT_EYE = (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249)
RIGHT_EYE = (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7)
"""From the outer corner over the upper lid to the inner one, and back."""
OUTER_LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
MOUTH_LINE = ((78, 78), (191, 95), (80, 88), (81, 178), (82, 87), (13, 14), (312, 317), (311, 402), (310, 318), (415, 324), (308, 308))
NOSTRILS = ((20, 79, 166, 60, 75), (250, 309, 392, 290, 305))
JAW = (132, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 361, 291, 0, 61)
CHEEKS, NOSE_TIP = (50, 280), 4
HAIRLINE = (127, 162, 21, 54, 103, 67, 109, 10, 338, 297, 332, 284, 251, 389, 356)
"""From the right ear over the forehead to the left one."""
ABOVE_MM = 9.0
"""Hair begins so far beyond the face's upper edge."""
EAR_MM, NAPE_MM = 54.0, 45.0
"""Bare skin behind the ear's front; how far below it hair begins at the back."""
IRIS_MM, PUPIL_MM, FRECKLE_MM = 5.9, 2.1, 0.7
WHITE = np.array([0.86, 0.83, 0.80])
MM = COLUMNS / (2 * np.pi * 95.0)
"""Pixels a millimetre, about, where the face is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """Drawn."""

    skin: FloatArray
    """RGB 0-1, like all colours."""
    hair: FloatArray
    iris: FloatArray
    lips: FloatArray
    """Times the skin."""
    hair_cover: float
    """0-1; heads are shaved for surgery."""
    brow: float
    pores: float
    freckles: int
    redness: float
    stubble: float
    cloth: FloatArray
    seed: int


def draw_looks(rng: np.random.Generator) -> Looks:
    """Somebody's."""
    tone = rng.uniform(0, 0.85)
    hairs = np.array([[0.06, 0.05, 0.04], [0.14, 0.09, 0.06], [0.24, 0.17, 0.10], [0.30, 0.28, 0.27]])
    irises = np.array([[0.20, 0.12, 0.07], [0.30, 0.22, 0.12], [0.32, 0.42, 0.48], [0.28, 0.36, 0.24]])
    return Looks(
        skin=LIGHT * (1 - tone) + DARK * tone + rng.uniform(-0.02, 0.02, 3),
        hair=hairs[rng.integers(len(hairs))], iris=irises[rng.integers(len(irises))],
        lips=np.array([rng.uniform(0.86, 0.95), rng.uniform(0.6, 0.72), rng.uniform(0.62, 0.75)]),
        hair_cover=float(rng.uniform(0.75, 0.97)), brow=float(rng.uniform(0.6, 0.9)), pores=float(rng.uniform(0.035, 0.055)),
        freckles=int(rng.integers(150, 700)), redness=float(rng.uniform(0.02, 0.1)), stubble=float(rng.choice([0, 0, 0.12, 0.2])),
        cloth=rng.uniform(0.2, 0.75, 3), seed=int(rng.integers(2**31)),
    )  # fmt: skip


def texture(looks: Looks, face: FloatArray) -> Array:
    """(row, column, 3) float32 0-1 over elevation and azimuth (``head_shape.places``); ``face`` (468, 3) on the average head's axes."""
    rng = np.random.default_rng(looks.seed)
    column, row = places(face - CENTRE, ROWS, COLUMNS)
    points = np.stack([column, row], axis=1).astype(np.float64)
    rgb = _skin(looks, points, rng)
    strands = np.clip(1 + 0.2 * clouds(rng, (ROWS, COLUMNS), 7), 0.5, 1.6)
    whole = Pen(rgb, 0, 0)
    whole.mix(_hair(points, rng) * looks.hair_cover, looks.hair * strands[..., None])
    for side in ("left brow", "right brow"):
        pen = Pen.around(rgb, points[list(REGIONS[side])], 6 * MM)
        cover = pen.area(points[list(REGIONS[side])], 1.2 * MM) * looks.brow
        pen.mix(cover * np.clip(0.75 + 0.35 * clouds(rng, cover.shape, 4), 0, 1), looks.hair * 0.9)
    _mouth(rgb, points, looks)
    for nostril in NOSTRILS:
        middle = points[list(nostril)].mean(axis=0)
        pen = Pen.around(rgb, middle[None], 8 * MM)
        pen.mix(pen.disc(middle, 3.2 * MM, 1.0 * MM) * 0.85, pen.rgb * 0.22)
    for eye in (LEFT_EYE, RIGHT_EYE):
        _eye(Pen.around(rgb, points[list(eye)], 9 * MM), points[list(eye)], looks)
    return np.clip(rgb, 0, 1).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Pen:
    """Draws on a part of the map; places are those of the whole map, in pixels."""

    rgb: Array
    """A view."""
    left: int
    top: int

    @classmethod
    def around(cls, rgb: Array, points: FloatArray, margin_px: float) -> Pen:
        """On the part that holds ``points`` (n, 2)."""
        low, high = np.floor(points.min(axis=0) - margin_px).astype(int), np.ceil(points.max(axis=0) + margin_px).astype(int)
        left, top = max(0, int(low[0])), max(0, int(low[1]))
        return cls(rgb[top : max(top, int(high[1])), left : max(left, int(high[0]))], left, top)

    def area(self, outline: FloatArray, soft_px: float) -> Array:
        """1 inside a polygon, with a soft edge."""
        out = self._empty()
        cv2.fillPoly(out, [self._fine(outline)], 255, cv2.LINE_AA, BITS)
        return _softened(out, soft_px)

    def line(self, points: FloatArray, width_px: float, soft_px: float) -> Array:
        """1 on a line."""
        out = self._empty()
        cv2.polylines(out, [self._fine(points)], False, 255, max(1, round(width_px)), cv2.LINE_AA, BITS)
        return _softened(out, soft_px)

    def disc(self, middle: FloatArray, radius_px: float, soft_px: float) -> Array:
        """1 inside a circle."""
        out = self._empty()
        x, y = self._fine(middle)
        cv2.circle(out, (int(x), int(y)), round(radius_px * FINE), 255, -1, cv2.LINE_AA, BITS)
        return _softened(out, soft_px)

    def mix(self, cover: FloatArray, colour: FloatArray) -> None:
        """``colour``, one or one a pixel, where ``cover`` is 1."""
        self.rgb[:] += cover[..., None] * (colour - self.rgb)

    def _empty(self) -> Array:
        return np.zeros(self.rgb.shape[:2], np.uint8)

    def _fine(self, points: FloatArray) -> Array:
        return np.asarray(np.round((points - np.array([self.left, self.top])) * FINE).astype(np.int32))


def _softened(drawn: Array, soft_px: float) -> Array:
    return np.asarray(cv2.GaussianBlur(drawn.astype(np.float32) / 255, (0, 0), soft_px))


def _skin(looks: Looks, points: FloatArray, rng: np.random.Generator) -> Array:
    """(row, column, 3) float32: tone, blotches, pores, red cheeks, stubble, freckles."""
    shape = (ROWS, COLUMNS)
    shade = 1 + 0.05 * clouds(rng, shape, 30 * MM) + 0.03 * clouds(rng, shape, 8 * MM)
    shade = shade + looks.pores * clouds(rng, shape, 2.6 * MM) + 0.6 * looks.pores * clouds(rng, shape, 1.2 * MM)
    rgb: Array = (looks.skin * shade[..., None]).astype(np.float32)
    for place in (*CHEEKS, NOSE_TIP):
        pen = Pen.around(rgb, points[[place]], 40 * MM)
        pen.mix(pen.disc(points[place], 6 * MM, 12 * MM) * looks.redness, pen.rgb * (1, 0, 0.1))
    jaw = Pen.around(rgb, points[list(JAW)], 20 * MM)
    hairs = np.clip(0.8 + 0.5 * clouds(rng, jaw.rgb.shape[:2], 3), 0, 2)
    jaw.mix(jaw.area(points[list(JAW)], 6 * MM) * hairs * looks.stubble, jaw.rgb * (0, 0.1, 0.25))
    spots = np.zeros(shape, np.float32)
    rows, columns = rng.integers(200, ROWS - 200, looks.freckles), rng.integers(0, COLUMNS, looks.freckles)
    spots[rows, columns] = rng.uniform(0.06, 0.45, looks.freckles)
    dark = cv2.GaussianBlur(spots, (0, 0), FRECKLE_MM * MM) * (2 * np.pi * (FRECKLE_MM * MM) ** 2)
    Pen(rgb, 0, 0).mix(np.clip(dark, 0, 0.6), rgb * (0.3, 0.1, 0))
    return rgb


def _hair(points: FloatArray, rng: np.random.Generator) -> FloatArray:
    """How far hair covers, 0-1: above the forehead, before and behind the ears, down to the nape."""
    line = points[list(HAIRLINE)] / MM
    (right, ear), (left, other) = line[0], line[-1]
    front = [(x, y + ABOVE_MM) for x, y in line[2:-2]]
    behind = right - EAR_MM
    before = [(0, ear - NAPE_MM), (behind, ear - NAPE_MM), (behind, ear + 32), (right + 2, ear + 32), (right + 5, ear + 6), (right + 9, ear + 6)]
    after = [(left - 9, other + 6), (left - 5, other + 6), (left - 2, other + 32), (left + EAR_MM, other + 32), (left + EAR_MM, other - NAPE_MM)]
    end = [(COLUMNS / MM, other - NAPE_MM), (COLUMNS / MM, ROWS / MM), (0, ROWS / MM)]
    canvas = Pen(np.empty((ROWS, COLUMNS, 0), np.float32), 0, 0)
    soft = canvas.area(np.array([*before, *front, *after, *end]) * MM, 3.0 * MM)
    return np.asarray(np.clip((soft - 0.5) * 3 + 0.5 + 0.35 * clouds(rng, (ROWS, COLUMNS), 5), 0, 1) * (soft > 0.02))


def _mouth(rgb: Array, points: FloatArray, looks: Looks) -> None:
    """Into ``rgb``: lips, and the line between them."""
    outline, line = points[list(OUTER_LIPS)], np.array([(points[a] + points[b]) / 2 for a, b in MOUTH_LINE])
    pen = Pen.around(rgb, outline, 6 * MM)
    pen.mix(pen.area(outline, 0.8 * MM) * 0.85, pen.rgb * looks.lips)
    pen.mix(pen.line(line, 1.3 * MM, 0.5 * MM) * 0.8, pen.rgb * (0.35, 0.22, 0.22))


def _eye(pen: Pen, opening: FloatArray, looks: Looks) -> None:
    """White, iris, pupil, a highlight, and the lids' edges."""
    lid = opening[:9]
    middle = (opening[0] + opening[8]) / 2 + np.array([0, 0.5 * MM])
    inside = pen.area(opening, 0.35 * MM)
    white = WHITE * (0.8 + 0.2 * looks.skin.mean())
    pen.mix(inside, white * (1 - 0.25 * pen.line(lid, 1.6 * MM, 1.2 * MM))[..., None])
    pen.mix(inside * pen.disc(middle, IRIS_MM * MM, 0.35 * MM), looks.iris)
    pen.mix(inside * pen.disc(middle, PUPIL_MM * MM, 0.3 * MM), np.full(3, 0.03))
    pen.mix(inside * pen.disc(middle + np.array([1.6, 1.8]) * MM, 0.7 * MM, 0.3 * MM), np.full(3, 0.95))
    pen.mix(pen.line(lid, 1.1 * MM, 0.4 * MM) * 0.8, pen.rgb * 0.25)
    pen.mix(pen.line(opening[[*range(8, 16), 0]], 0.7 * MM, 0.4 * MM) * 0.45, pen.rgb * 0.5)
    pen.mix(pen.line(lid + np.array([0, 4.0 * MM]), 1.0 * MM, 0.6 * MM) * 0.35, pen.rgb * 0.6)
