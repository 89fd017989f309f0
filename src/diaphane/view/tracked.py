"""Tracked faces drawn on their frames, and faces made unrecognisable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from diaphane.core.arrays import Array
from diaphane.core.camera import Camera
from diaphane.core.face import Face, State
from diaphane.ops.paint import Colour, colours

IDENTITIES = 12
"""Colours; later identities take them again."""
DASHES = 12
"""Along each side of a box that is only expected."""
MARGIN = 0.15
"""What is blurred beside a face's box, as a share of its sides: hair, ears, and what the box is wrong by."""
BLOCKS = 3
"""A blurred face keeps so many blocks along its shorter side before it is smoothed: too few to know anyone by, by eye or by a network."""
AXIS_MM = 60.0


def with_faces(frame: Array, faces: Sequence[Face], camera: Camera | None = None) -> Array:
    """A copy of ``frame`` (row, column, 3; RGB) with each face's box, identity, state and score, its landmarks, and by ``camera`` the axes of its head."""
    out = np.array(frame)
    line = max(1, round(max(frame.shape[:2]) / 500))
    shades = colours(IDENTITIES, "viridis")
    for face in faces:
        shade = shades[(face.identity - 1) % IDENTITIES]
        if face.landmarks_px is not None:
            for x, y in face.landmarks_px:
                cv2.circle(out, (round(float(x)), round(float(y))), max(1, line // 2), shade, -1, cv2.LINE_AA)
        _box(out, face, shade, line)
        if face.pose is not None and camera is not None:
            _axes(out, face, camera, 2 * line)
    return out


def without_faces(frame: Array, boxes: Iterable[tuple[float, float, float, float]]) -> Array:
    """A copy of ``frame`` in which every face in ``boxes`` (forehead to chin, ear to ear) is a smooth blot: what was there cannot be computed back."""
    out = np.array(frame)
    for x, y, width, height in boxes:
        left, top = round(x - MARGIN * width), round(y - 2 * MARGIN * height)
        right, bottom = round(x + width * (1 + MARGIN)), round(y + height * (1 + MARGIN))
        x0, y0, x1, y1 = max(0, left), max(0, top), min(frame.shape[1], right), min(frame.shape[0], bottom)
        if x1 <= x0 or y1 <= y0:
            continue
        part = out[y0:y1, x0:x1]
        shrink = BLOCKS / min(part.shape[:2])
        size = max(1, round(part.shape[1] * shrink)), max(1, round(part.shape[0] * shrink))
        blocks = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
        blot = cv2.resize(blocks, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
        inside = np.zeros(part.shape[:2], np.uint8)
        middle = (left + right) // 2 - x0, (top + bottom) // 2 - y0  # of the whole face, also where the frame cuts it
        cv2.ellipse(inside, middle, ((right - left + 1) // 2, (bottom - top + 1) // 2), 0, 0, 360, 1, -1)
        part[inside > 0] = blot[inside > 0]
    return out


def _box(out: Array, face: Face, shade: Colour, line: int) -> None:
    """Full where it was detected, thin where it was carried, dashed where it is only expected."""
    x, y, width, height = (round(v) for v in face.box_px)
    corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
    for begin, end in zip(corners, [*corners[1:], corners[0]], strict=True):
        _side(out, (begin, end), shade, line, face.state)
    size = line * 0.5
    words = f"{face.identity} {face.state} {face.score:.2f}"
    place = (max(0, x), max(round(14 * size), y - 4 * line))
    cv2.putText(out, words, place, cv2.FONT_HERSHEY_SIMPLEX, size, (0, 0, 0), 3 * line, cv2.LINE_AA)
    cv2.putText(out, words, place, cv2.FONT_HERSHEY_SIMPLEX, size, shade, line, cv2.LINE_AA)


def _side(out: Array, ends: tuple[tuple[int, int], tuple[int, int]], shade: Colour, line: int, state: State) -> None:
    if state != "predicted":
        cv2.line(out, *ends, shade, 2 * line if state == "detected" else line, cv2.LINE_AA)
        return
    places = np.linspace(*ends, 2 * DASHES).round().astype(int).reshape(-1, 2, 2).tolist()
    for first, last in places:
        cv2.line(out, first, last, shade, line, cv2.LINE_AA)


def _axes(out: Array, face: Face, camera: Camera, line: int) -> None:
    """Red to the face's left, green down, blue to the front."""
    if face.pose is None:
        return
    ends = np.array([[0, 0, 0], [AXIS_MM, 0, 0], [0, AXIS_MM, 0], [0, 0, -AXIS_MM]])
    turn, _ = cv2.Rodrigues(face.pose.rotation)
    points, _ = cv2.projectPoints(ends, turn, face.pose.translation_mm, camera.matrix, camera.coefficients)
    places = [(round(float(x)), round(float(y))) for x, y in points[:, 0]]
    for end, shade in zip(places[1:], ((255, 60, 60), (60, 220, 60), (80, 120, 255)), strict=True):
        cv2.line(out, places[0], end, shade, line, cv2.LINE_AA)
