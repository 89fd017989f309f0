"""A made clip of three people who cross, one in front of the other: real heads (AFLW2000, cut out softly) on drawn bodies, on known paths over a frame in which
no face is.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from track_data import Box, aflw2000, frames

SIZE, COUNT, RATE_HZ = (640, 480), 240, 30.0
PEOPLE, FACE_PX, MOST_YAW = 3, (120.0, 105.0, 95.0), 0.35
"""How many; how high their faces are, the nearest first; turned from the camera by no more, radians."""
HIDDEN = 0.5
"""The share of a face that may be covered."""
ROOM = (0.5, 0.45, 0.5, 1.9)
"""What a person takes up beside the face's box: left, above, right, below, as shares of its sides."""
HEAD, WIDE = (0.75, 0.85), 0.95
"""Half axes of the ellipse about the face's middle that is cut out, and half of what the body below it is wide, as shares of the box's sides."""
Cut = tuple[np.ndarray, np.ndarray, Box]
"""Colours, how opaque, and the face's box in them."""


def crossing(faces: Path, first: int = 0) -> Iterator[tuple[np.ndarray, tuple[Box, ...]]]:
    """Frames and, of each person, where the face is, NaN while more than half of it is covered.

    They begin apart, the first passes before the others and all come back: six crossings. ``first`` chooses other people: what is tried is tried on those.
    """
    facing = [a for a in aflw2000(faces) if a.pose_rad and abs(a.pose_rad[1]) < MOST_YAW]
    rng = np.random.default_rng(first)
    cuts = [_cut(a.rgb(), a.boxes[0], high, rng) for a, high in zip(facing[first : first + PEOPLE], FACE_PX, strict=True)]
    behind = cv2.resize(next(frames(faces / "videos/no_face.mp4")), SIZE, interpolation=cv2.INTER_AREA).astype(np.float32)
    for n in range(COUNT):
        picture, boxes, covered = behind.copy(), [], np.zeros(SIZE[::-1], np.float32)
        places = list(zip(_places(n), cuts, strict=True))
        for place, cut in places:
            x, y, width, height = box = _box(cut, place)
            hidden = covered[max(0, round(y)) : round(y + height), max(0, round(x)) : round(x + width)].mean() > HIDDEN
            boxes.append((np.nan,) * 4 if hidden else box)
            _onto(covered[..., None], np.ones_like(cut[1]), cut, place)
        for place, cut in reversed(places):  # the nearest last
            _onto(picture, cut[0], cut, place)
        yield np.round(picture).astype(np.uint8), tuple(boxes)


def _places(n: int) -> tuple[tuple[float, float], ...]:
    """Middles of the three faces: from left to right and back, from right to left and back, and one that stays about the middle."""
    sway = 0.5 - 0.5 * np.cos(2 * np.pi * n / COUNT)
    return (130 + 380 * sway, 250 + 6 * np.sin(n / 7)), (510 - 380 * sway, 225 + 8 * np.sin(n / 9)), (320 + 20 * np.sin(n / 20), 205)


def _cut(rgb: np.ndarray, box: Box, high: float, rng: np.random.Generator) -> Cut:
    """A head, its face ``high`` pixels high, on a body in drawn clothes."""
    scale = high / box[3]
    small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    x, y, width, height = (v * scale for v in box)
    left, top, right, bottom = (round(share * side) for share, side in zip(ROOM, (width, height, width, height), strict=True))
    room = cv2.copyMakeBorder(small, top, bottom, left, right, cv2.BORDER_REPLICATE)  # the box's corner is now at (x + left, y + top)
    part = room[round(y) : round(y + top + height + bottom), round(x) : round(x + left + width + right)].astype(np.float32)
    rows, columns = np.indices(part.shape[:2], np.float32)
    across, down = (columns - left - width / 2) / width, (rows - top - height / 2) / height
    head = np.clip((1 - np.hypot(across / HEAD[0], down / HEAD[1])) / 0.06, 0, 1)[..., None]
    body = np.clip((WIDE - np.abs(across)) / 0.05, 0, 1)[..., None] * (down[..., None] > 0.45 + 0.3 * across[..., None] ** 2)
    clothes = rng.uniform(20, 230, (2, 3))[(rows // rng.integers(6, 14) % 2).astype(int)] + rng.normal(0, 8, (*rows.shape, 1))
    return (head * part + (1 - head) * clothes).astype(np.float32), np.maximum(head, body).astype(np.float32), (left, top, width, height)


def _corner(cut: Cut, place: tuple[float, float]) -> tuple[int, int]:
    _, _, width, height = cut[2]
    return round(place[0] - ROOM[0] * width - width / 2), round(place[1] - ROOM[1] * height - height / 2)


def _box(cut: Cut, place: tuple[float, float]) -> Box:
    """Of the face of a head with its middle at ``place``."""
    (left, top), (x, y, width, height) = _corner(cut, place), cut[2]
    return left + x, top + y, width, height


def _onto(picture: np.ndarray, colours: np.ndarray, cut: Cut, place: tuple[float, float]) -> None:
    left, top = _corner(cut, place)
    to = picture[top : top + colours.shape[0], left : left + colours.shape[1]]
    to += cut[1][: to.shape[0]] * (colours[: to.shape[0]] - to)
