"""What is laid on one canvas: drawn first (where, which, how large), rendered second."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from diaphane.core.arrays import BoolArray, FloatArray
from diaphane.simulate.distractors import OFF_FACE, ON_FACE, Distractor, draw_distractor, painted
from diaphane.simulate.faces import Canvas
from diaphane.simulate.lesions import LUMA, Patch, Placement, laid_on
from diaphane.simulate.splits import Box

PASTED = "lesion_off_face"
"""A real lesion where no face is: looks right, lies wrong."""
LESIONS = (0.2, 0.35, 0.25, 0.12, 0.08)
"""How probable 0, 1, 2 … lesions are."""
THINGS = (0.15, 0.25, 0.25, 0.2, 0.15)
"""How probable 0, 1, 2 … things on the face are; for every three there are at most two off it."""
SMALLEST_PX = 6.0
"""Of a lesion: below this it is a dot, on any face."""
PatchOf = Callable[[int], Patch]


@dataclass(frozen=True, slots=True)
class Lesion:
    """A lesion to be laid."""

    number: int
    """Which of the available ones."""
    place: Placement


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that is laid on a canvas."""

    lesions: tuple[Lesion, ...]
    pasted: tuple[Lesion, ...]
    """Off the face: distractors."""
    things: tuple[Distractor, ...]


@dataclass(frozen=True, slots=True)
class Rendered:
    """The picture and what is where on it."""

    rgb: FloatArray
    lesions: tuple[tuple[str, BoolArray], ...]
    """Source and mask of each."""
    distractors: tuple[tuple[str, bool, Box], ...]
    """Kind, whether on the face, box."""


class _Room:
    """Where there is still room: nothing made overlaps anything made, or what the person really has."""

    def __init__(self, canvas: Canvas, rng: np.random.Generator) -> None:
        self._canvas = canvas
        self._rng = rng
        self._taken: list[Box] = list(canvas.ignore)
        shape = canvas.rgb.shape[:2]
        self._skin_depth = cv2.distanceTransform(np.pad(canvas.skin, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
        lit = cv2.blur(canvas.rgb @ LUMA, (9, 9)) > 0.15
        x, y, width, height = canvas.face_box
        away = np.ones(shape, np.uint8)
        for left, top, w, h in ((x, y, width, height), *canvas.others):
            away[max(0, top) : max(0, top + h), max(0, left) : max(0, left + w)] = 0
        rows, columns = np.indices(shape)
        near = np.hypot(columns - x - width / 2, rows - y - height / 2) < 1.5 * max(width, height)
        self._off_depth = cv2.distanceTransform(np.pad(away, 1), cv2.DIST_C, 3)[1:-1, 1:-1] * (lit & near)

    def on_skin(self, depth_px: float, reach_px: float) -> tuple[float, float] | None:
        """A free place at least ``depth_px`` inside the skin; ``reach_px`` around it is then taken."""
        return self._place(self._skin_depth >= depth_px, reach_px)

    def off_face(self, reach_px: float) -> tuple[float, float] | None:
        """A free, lit place near the face whose surroundings touch no face's box."""
        return self._place(self._off_depth > reach_px + 1, reach_px)

    def _place(self, where: BoolArray, reach: float) -> tuple[float, float] | None:
        rows, columns = np.nonzero(where)
        for _ in range(20 if len(rows) else 0):
            n = int(self._rng.integers(len(rows)))
            x, y = float(columns[n]), float(rows[n])
            box = (int(x - reach), int(y - reach), int(2 * reach) + 1, int(2 * reach) + 1)
            if not any(_touch(box, other) for other in self._taken):
                self._taken.append(box)
                return x, y
        return None


def draw_scene(canvas: Canvas, lesions: int, rng: np.random.Generator) -> Scene:
    """What is laid on ``canvas``; ``lesions`` is how many there are to choose from. At least 60 % of the distractors lie on the face."""
    room = _Room(canvas, rng)
    own = [_draw_lesion(canvas, room, lesions, rng) for _ in range(rng.choice(len(LESIONS), p=LESIONS))]
    on = [_draw_on(canvas, room, rng) for _ in range(rng.choice(len(THINGS), p=THINGS))]
    here = [thing for thing in on if thing]
    off = [_draw_off(canvas, room, lesions, rng) for _ in range(rng.integers(2 * len(here) // 3 + 1))]
    pasted = tuple(x for x in off if isinstance(x, Lesion))
    return Scene(tuple(x for x in own if x), pasted, (*here, *(x for x in off if isinstance(x, Distractor))))


def _draw_lesion(canvas: Canvas, room: _Room, lesions: int, rng: np.random.Generator) -> Lesion | None:
    """4 to 20 mm, mostly 5 to 14; foreshortened as on a cylinder."""
    diameter = max(SMALLEST_PX, float(np.clip(np.exp(rng.normal(np.log(8.5), 0.38)), 4, 20)) * canvas.px_per_mm)
    for size in (diameter, max(SMALLEST_PX, 0.6 * diameter)):
        place = room.on_skin(0.4 * size, 0.75 * size + 2)
        if place is not None:
            x, _, width, _ = canvas.face_box
            aside = np.clip((place[0] - x - width / 2) / (width / 2) * 0.85, -0.85, 0.85)
            return Lesion(int(rng.integers(lesions)), _placement(place, size, float(np.sqrt(1 - aside**2)), rng))
    return None


def _placement(place: tuple[float, float], diameter: float, squeeze: float, rng: np.random.Generator) -> Placement:
    return Placement(
        x=place[0],
        y=place[1],
        diameter_px=diameter,
        angle_rad=float(rng.uniform(-np.pi, np.pi)),
        is_mirrored=bool(rng.random() < 0.5),
        squeeze=squeeze,
        strength=float(rng.uniform(0.75, 1.05)),
    )


def _draw_on(canvas: Canvas, room: _Room, rng: np.random.Generator) -> Distractor | None:
    kind = list(ON_FACE)[int(rng.integers(len(ON_FACE)))]
    thing = draw_distractor(kind, 0, 0, canvas.px_per_mm, rng, on_face=True)
    place = room.on_skin(0.2 * thing.size_px, 0.6 * thing.size_px + 2)
    return _moved(thing, place)


def _draw_off(canvas: Canvas, room: _Room, lesions: int, rng: np.random.Generator) -> Distractor | Lesion | None:
    kind = [PASTED, *OFF_FACE][int(rng.integers(1 + len(OFF_FACE)))]
    if kind == PASTED:
        diameter = max(SMALLEST_PX, rng.uniform(5, 18) * canvas.px_per_mm)
        spot = room.off_face(0.9 * diameter + 2)
        return None if spot is None else Lesion(int(rng.integers(lesions)), _placement(spot, diameter, float(rng.uniform(0.7, 1)), rng))
    thing = draw_distractor(kind, 0, 0, canvas.px_per_mm, rng, on_face=False)
    return _moved(thing, room.off_face(0.8 * thing.size_px + 2))


def _moved(thing: Distractor, place: tuple[float, float] | None) -> Distractor | None:
    return None if place is None else replace(thing, x=place[0], y=place[1])


def render_scene(canvas: Canvas, scene: Scene, patch_of: PatchOf) -> Rendered:
    """The canvas with everything on it; ``patch_of`` gives the lesion of a number."""
    rgb, lesions, distractors = canvas.rgb, [], []
    for lesion in scene.lesions:
        patch = patch_of(lesion.number)
        rgb, mask = laid_on(rgb, patch, lesion.place, canvas.blur_px, _colourful(canvas, lesion.place))
        lesions.append((patch.source, mask))
    for lesion in scene.pasted:
        rgb, mask = laid_on(rgb, patch_of(lesion.number), lesion.place, canvas.blur_px, 1.0)
        if mask.any():
            distractors.append((PASTED, False, box_of(mask)))
    for thing in scene.things:
        rgb, mask = painted(rgb, thing, canvas.blur_px)
        if mask.any():
            distractors.append((thing.kind, thing.on_face, box_of(mask)))
    if _is_grey(canvas):
        rgb = np.repeat((rgb @ LUMA)[..., None], 3, axis=2)
    kept = [(source, mask) for source, mask in lesions if mask.any()]
    return Rendered(np.clip(rgb, 0, 1), tuple(kept), tuple(distractors))


def box_of(mask: BoolArray) -> Box:
    """x, y, width, height of what is set."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1


def _colourful(canvas: Canvas, place: Placement) -> float:
    """1 where the skin has the colour that skin has, 0 where it is grey."""
    x, y, r = int(place.x), int(place.y), int(place.diameter_px)
    mean = canvas.rgb[max(0, y - r) : y + r + 1, max(0, x - r) : x + r + 1].mean(axis=(0, 1))
    return float(np.clip((mean.max() - mean.min()) / max(mean.max(), 1e-3) / 0.2, 0, 1))


def _is_grey(canvas: Canvas) -> bool:
    return float(np.ptp(canvas.rgb, axis=2).mean()) < 0.03


def _touch(a: Sequence[int], b: Sequence[int]) -> bool:
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]
