"""Things on and around a face that are no lesion: drawn as parameters, then painted.

Every painter takes the picture inside a window, the window's own coordinates, and gives the picture back with the share of
each pixel that it covers. Lengths are in units of half the thing's size, so that 1 is its border.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from diaphane.core.arrays import BoolArray, FloatArray
from diaphane.simulate.skin import clouds

Colour = tuple[float, float, float]
BROWN, BLACK, WHITE = (0.25, 0.14, 0.08), (0.07, 0.06, 0.07), (0.95, 0.94, 0.92)
INKS: tuple[Colour, ...] = (BLACK, (0.10, 0.15, 0.55), (0.65, 0.08, 0.10), (0.08, 0.40, 0.18), (0.40, 0.10, 0.45))
HAIRS: tuple[Colour, ...] = (BLACK, (0.16, 0.10, 0.07), BROWN, (0.45, 0.30, 0.16), (0.55, 0.54, 0.52))
FOODS: tuple[Colour, ...] = (BROWN, (0.33, 0.17, 0.08), (0.62, 0.12, 0.08), (0.75, 0.42, 0.10), (0.93, 0.88, 0.78))
STICKERS: tuple[Colour, ...] = ((0.85, 0.15, 0.15), (0.95, 0.80, 0.15), (0.20, 0.45, 0.85), (0.25, 0.65, 0.30), (0.90, 0.45, 0.70), WHITE)
PLASTERS: tuple[Colour, ...] = ((0.82, 0.64, 0.50), (0.70, 0.50, 0.37), (0.90, 0.78, 0.66), WHITE, (0.35, 0.55, 0.80))
METALS: tuple[Colour, ...] = ((0.72, 0.72, 0.75), (0.80, 0.65, 0.30), (0.15, 0.15, 0.17))
NOTHING: tuple[Colour, ...] = (BLACK,)
CRUMBS: tuple[Colour, ...] = (BROWN, BLACK, (0.40, 0.24, 0.12))


@dataclass(frozen=True, slots=True, kw_only=True)
class Distractor:
    """The drawn parameters of one thing."""

    kind: str
    x: float
    y: float
    size_px: float
    """Its longest extent, about."""
    angle_rad: float
    colour: Colour
    strength: float
    """0-1: how opaque, dark or bright, within what its kind can be."""
    texture_seed: int
    on_face: bool


@dataclass(frozen=True, slots=True)
class Window:
    """The part of the picture in which a thing lies."""

    rgb: FloatArray
    """(row, column, 3)."""
    u: FloatArray
    """(row, column): along the thing, 1 at its border."""
    v: FloatArray
    """Across it."""
    px: float
    """One pixel in these units."""
    blur_px: float
    rng: np.random.Generator
    """From the thing's own texture seed."""

    @property
    def radius(self) -> FloatArray:
        """Distance from the middle."""
        return np.asarray(np.hypot(self.u, self.v))

    @property
    def light(self) -> float:
        """How bright the place is, 0-1: a thing in the dark is dark."""
        return float(np.clip(np.percentile(self.rgb.max(axis=2), 75) / 0.85, 0.15, 1.1))


Painted = tuple[FloatArray, FloatArray]
"""The window's picture, and the share of each pixel that the thing covers."""


def _edge(inside: FloatArray, window: Window, softness: float = 1.0) -> FloatArray:
    """0-1 from a signed distance to the border (positive inside), as soft as the picture."""
    return np.asarray(np.clip(0.5 + inside / (window.px * softness * (1 + 2 * window.blur_px)), 0, 1))


def _over(window: Window, colour: FloatArray | Colour, cover: FloatArray) -> Painted:
    return np.asarray(window.rgb * (1 - cover[..., None]) + np.asarray(colour) * cover[..., None]), cover


def _times(window: Window, factor: FloatArray | Colour, cover: FloatArray) -> Painted:
    return np.asarray(window.rgb * np.asarray(factor) ** cover[..., None]), cover


def _plaster(window: Window, thing: Distractor) -> Painted:
    ratio = window.rng.uniform(0.3, 0.5)
    strip = ratio - np.hypot(np.maximum(np.abs(window.u) - 1 + ratio, 0), window.v)
    cover = _edge(strip, window)
    pad = _edge(0.3 - np.maximum(np.abs(window.u), np.abs(window.v) / (0.8 * ratio / 0.3)), window)
    round_off = 1 - 0.25 * np.clip(1 - strip / 0.15, 0, 1)
    shade = (window.light * round_off * (1 + 0.06 * pad))[..., None]
    return _over(window, np.asarray(thing.colour) * shade, cover * 0.95)


def _sticker(window: Window, thing: Distractor) -> Painted:
    points = int(window.rng.integers(0, 7))
    theta = np.arctan2(window.v, window.u)
    border = 0.95 if points < 3 else 0.75 + 0.22 * np.cos(points * theta)
    cover = _edge(border - window.radius, window)
    rim = _edge(0.12 - np.abs(border - 0.15 - window.radius), window) * (points % 2)
    colour = np.asarray(thing.colour) * (1 - rim[..., None]) + 0.9 * rim[..., None]
    return _over(window, colour * window.light, cover * 0.95)


def _ink_stroke(window: Window, thing: Distractor) -> Painted:
    corners = np.cumsum(window.rng.normal(0, 1, (4, 2)), axis=0)
    corners = (corners - corners.mean(axis=0)) / np.abs(corners - corners.mean(axis=0)).max() * 0.9
    width = max(window.rng.uniform(0.05, 0.13), 0.7 * window.px)
    return _over(window, np.asarray(thing.colour) * window.light, _edge(width - _to_curve(window, corners), window) * (0.5 + 0.45 * thing.strength))


def _ink_dot(window: Window, thing: Distractor) -> Painted:
    wobble = 0.85 + 0.06 * np.cos(3 * np.arctan2(window.v, window.u) + window.rng.uniform(0, 6))
    cover = _edge(wobble - window.radius, window) * (0.6 + 0.35 * thing.strength)
    return _over(window, np.asarray(thing.colour) * window.light, cover)


def _hair(window: Window, thing: Distractor) -> Painted:
    rgb, cover = window.rgb, np.zeros(window.u.shape)
    for _ in range(int(window.rng.integers(1, 7))):
        start, end = window.rng.normal((-0.9, 0), 0.25), window.rng.normal((0.9, 0), 0.25)
        bend = (start + end) / 2 + window.rng.normal(0, 0.6, 2)
        width = max(window.rng.uniform(0.01, 0.025), 0.3 * window.px)
        strand = _edge(width - _to_curve(window, np.array([start, bend, end])), window) * window.rng.uniform(0.5, 0.95)
        rgb = rgb * (1 - strand[..., None]) + np.asarray(thing.colour) * window.light * strand[..., None]
        cover = np.maximum(cover, strand)
    return rgb, cover


def _shadow(window: Window, thing: Distractor) -> Painted:
    soft = window.rng.uniform(0.35, 0.9)
    cover = np.clip((1 - window.radius + 0.15 * _texture(window, 0.8)) / soft, 0, 1)
    return _times(window, (0.75 - 0.3 * thing.strength,) * 3, cover * cover * (3 - 2 * cover))


def _highlight(window: Window, thing: Distractor) -> Painted:
    cover = np.exp(-2.5 * window.radius**2) * (0.35 + 0.6 * thing.strength)
    return _over(window, np.array([1.0, 0.99, 0.96]) * min(1.0, window.light * 1.15), cover)


def _stud(window: Window, thing: Distractor) -> Painted:
    """A ball of metal or stone with a window's reflection and a shadow below."""
    rgb, shadow = _times(window, (0.6,) * 3, np.exp(-3 * ((window.u - 0.15) ** 2 + (window.v - 0.5) ** 2)))
    facing = np.sqrt(np.clip(1 - (window.radius / 0.8) ** 2, 0, 1))
    ball = np.asarray(thing.colour) * (0.35 + 0.75 * facing - 0.25 * window.v)[..., None]
    ball = ball + np.exp(-30 * ((window.u + 0.25) ** 2 + (window.v + 0.3) ** 2))[..., None]
    cover = _edge(0.8 - window.radius, window)
    return np.asarray(rgb * (1 - cover[..., None]) + np.clip(ball, 0, 1) * window.light * cover[..., None]), np.maximum(cover, 0.4 * shadow)


def _smear(window: Window, thing: Distractor) -> Painted:
    inside = 0.75 - np.hypot(window.u, 1.7 * window.v) + 0.28 * _texture(window, 0.45)
    thick = np.clip(inside * 2.5, 0, 1)
    cover = _edge(inside, window, 1.3) * (0.45 + 0.5 * thing.strength) * (0.55 + 0.45 * thick)
    gloss = 0.25 * np.clip(_texture(window, 0.2) - 1.2, 0, 1)
    return _over(window, (np.asarray(thing.colour) * (1.15 - 0.3 * thick[..., None]) + gloss[..., None]) * window.light, cover)


def _redness(window: Window, thing: Distractor) -> Painted:
    cover = np.clip(1.05 - window.radius + 0.3 * _texture(window, 0.5), 0, 1)
    pink = 0.35 * thing.strength
    return _times(window, (0.97, 0.86 - pink, 0.88 - pink), cover * cover * (3 - 2 * cover))


def _drop(window: Window, thing: Distractor) -> Painted:
    """Water: dark where light enters, bright where it leaves, a small reflection."""
    cover = _edge(0.9 - np.hypot(window.u, 0.85 * window.v), window)
    lens = 1 + (0.1 + 0.25 * thing.strength) * np.clip(window.v - 0.2 * window.u, -1, 1)
    spark = np.exp(-45 * ((window.u + 0.3) ** 2 + (window.v + 0.4) ** 2))
    rim = 1 - 0.3 * np.exp(-((window.radius - 0.85) ** 2) / 0.01)
    return _over(window, np.clip(window.rgb * (lens * rim)[..., None] + spark[..., None], 0, 1), cover)


def _freckles(window: Window, thing: Distractor) -> Painted:
    cover = np.zeros(window.u.shape)
    for _ in range(int(window.rng.integers(8, 30))):
        x, y = window.rng.normal(0, 0.4, 2)
        size = max(window.rng.uniform(0.03, 0.08), 0.6 * window.px)
        cover = np.maximum(cover, np.exp(-(((window.u - x) ** 2 + (window.v - y) ** 2) / size**2)) * window.rng.uniform(0.4, 1))
    return _times(window, (0.85 - 0.15 * thing.strength, 0.72 - 0.2 * thing.strength, 0.65 - 0.2 * thing.strength), cover)


def _crumb(window: Window, thing: Distractor) -> Painted:
    """A small rough thing that lies on the skin: lit from above, with a hard shadow."""
    rough = _texture(window, 0.35)
    inside = 0.72 - window.radius + 0.13 * rough
    shadow = _edge(0.72 - np.hypot(window.u - 0.2, window.v - 0.25) + 0.13 * rough, window, 2)
    rgb, _ = _times(window, (0.62,) * 3, shadow)
    cover = _edge(inside, window)
    grain = 1 + 0.25 * _texture(window, 0.15) - 0.35 * window.v
    body = np.clip(np.asarray(thing.colour) * grain[..., None], 0, 1) * window.light
    return np.asarray(rgb * (1 - cover[..., None]) + body * cover[..., None]), np.maximum(cover, 0.4 * shadow)


def _pigment(window: Window, thing: Distractor) -> Painted:
    """Stained like a lesion, where no face is."""
    inside = 0.8 - np.hypot(window.u, window.rng.uniform(1, 1.4) * window.v) + 0.12 * _texture(window, 0.5)
    stain = np.asarray([0.55, 0.42, 0.36]) * (1 - 0.2 * _texture(window, 0.3))[..., None]
    return _times(window, np.clip(stain, 0.15, 0.95), np.clip(inside / 0.25, 0, 1) * (0.6 + 0.6 * thing.strength))


def _dark_round(window: Window, thing: Distractor) -> Painted:
    """A button, a knob, a bead."""
    cover = _edge(0.9 - window.radius, window)
    body = np.asarray(thing.colour) * (1 - 0.35 * window.v - 0.2 * (window.radius > 0.6))[..., None]
    return _over(window, np.clip(body, 0, 1) * window.light, cover * 0.97)


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind of thing is drawn and painted."""

    paint: Callable[[Window, Distractor], Painted]
    size_mm: tuple[float, float]
    colours: tuple[Colour, ...]


ON_FACE: dict[str, Kind] = {
    "plaster": Kind(_plaster, (14, 40), PLASTERS),
    "sticker": Kind(_sticker, (5, 14), STICKERS),
    "ink_stroke": Kind(_ink_stroke, (8, 25), INKS),
    "ink_dot": Kind(_ink_dot, (3, 9), INKS),
    "hair": Kind(_hair, (20, 50), HAIRS),
    "shadow": Kind(_shadow, (8, 30), NOTHING),
    "highlight": Kind(_highlight, (4, 16), NOTHING),
    "stud": Kind(_stud, (3, 6), METALS),
    "smear": Kind(_smear, (6, 24), FOODS),
    "redness": Kind(_redness, (8, 26), NOTHING),
    "drop": Kind(_drop, (3, 9), NOTHING),
    "freckles": Kind(_freckles, (14, 40), NOTHING),
    "crumb": Kind(_crumb, (3, 9), CRUMBS),
}
OFF_FACE: dict[str, Kind] = {
    "pigment_off_face": Kind(_pigment, (5, 18), NOTHING),
    "dark_round_off_face": Kind(_dark_round, (5, 16), (*INKS, *METALS, *CRUMBS)),
}
KINDS = ON_FACE | OFF_FACE


def draw_distractor(kind: str, x: float, y: float, px_per_mm: float, rng: np.random.Generator, *, on_face: bool) -> Distractor:
    """The parameters of a thing of ``kind`` at a place; nothing is smaller than 4 px."""
    low, high = KINDS[kind].size_mm
    colour = KINDS[kind].colours[int(rng.integers(len(KINDS[kind].colours)))]
    return Distractor(
        kind=kind,
        x=x,
        y=y,
        size_px=max(4.0, float(np.exp(rng.uniform(np.log(low), np.log(high)))) * px_per_mm),
        angle_rad=float(rng.uniform(-np.pi, np.pi)) if kind not in {"stud", "drop", "crumb"} else float(rng.normal(0, 0.2)),
        colour=(float(colour[0]), float(colour[1]), float(colour[2])),
        strength=float(rng.uniform(0, 1)),
        texture_seed=int(rng.integers(2**31)),
        on_face=on_face,
    )


def painted(rgb: FloatArray, thing: Distractor, blur_px: float) -> tuple[FloatArray, BoolArray]:
    """The picture (row, column, 3; 0-1) with the thing, and where it changed what is seen."""
    reach = int(np.ceil(thing.size_px + 3 * blur_px + 3))
    x0, y0 = max(0, int(thing.x) - reach), max(0, int(thing.y) - reach)
    part = rgb[y0 : int(thing.y) + reach + 1, x0 : int(thing.x) + reach + 1]
    y, x = np.indices(part.shape[:2]).astype(np.float64)
    x, y = (x + x0 - thing.x) * 2 / thing.size_px, (y + y0 - thing.y) * 2 / thing.size_px
    c, s = np.cos(thing.angle_rad), np.sin(thing.angle_rad)
    window = Window(part, c * x + s * y, c * y - s * x, 2 / thing.size_px, blur_px, np.random.default_rng(thing.texture_seed))
    after, cover = KINDS[thing.kind].paint(window, thing)
    out, where = rgb.copy(), np.zeros(rgb.shape[:2], bool)
    there = np.s_[y0 : y0 + part.shape[0], x0 : x0 + part.shape[1]]
    out[there] = np.clip(after, 0, 1)
    where[there] = cover > 0.2
    return out, where


def _to_curve(window: Window, corners: FloatArray) -> FloatArray:
    """Distance to a Bézier curve through its control points' pull, sampled."""
    t = np.linspace(0, 1, 24)[:, None]
    points = np.asarray(corners, np.float64)
    stack = [np.repeat(p[None], len(t), axis=0) for p in points]
    while len(stack) > 1:  # de Casteljau
        stack = [(1 - t) * a + t * b for a, b in zip(stack, stack[1:], strict=False)]
    path = stack[0]
    best = np.full(window.u.shape, np.inf)
    for a, b in zip(path, path[1:], strict=False):
        along = b - a
        share = np.clip(((window.u - a[0]) * along[0] + (window.v - a[1]) * along[1]) / max(float(along @ along), 1e-12), 0, 1)
        best = np.minimum(best, np.hypot(window.u - a[0] - share * along[0], window.v - a[1] - share * along[1]))
    return best


def _texture(window: Window, scale: float) -> FloatArray:
    """Smooth noise of unit deviation with structures of ``scale``."""
    rows, columns = window.u.shape
    return clouds(window.rng, (rows, columns), max(2.0, scale / window.px))
