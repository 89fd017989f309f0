"""A camera's focal length, centre and distortion from views of a checkerboard.

Source: Zhang, A Flexible New Technique for Camera Calibration, PAMI 2000; Duda, Frese, BMVC 2018 (search of the corners);
Förstner, Gülch, ISPRS 1987 (their places).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from diaphane.core.arrays import Array, FloatArray
from diaphane.core.camera import Camera
from diaphane.errors import InputError

LEAST, MOST = 5, 40
"""Views of the board that are needed, and that are used."""
NEW = 0.03
"""A view is another one when its corners lie, in the mean, by this share of the frame's width away from those of each view before."""
TILT_DEG = 15.0
"""By so much, at least, two of the views must be tilted against one another: else focal length and distance cannot be told apart."""
WINDOW, WINDOW_PX = 0.2, (2, 11)
"""Half of the window in which a corner is measured: as a share of the way to the next one, and in pixels."""
DOUBT = 0.02
"""The focal length's standard deviation may be this share of it."""
ADVICE = "show the whole board from ten to twenty sides: near and far, in all corners of the frame, and tilted by 30 degrees to the left, right, up and down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A checkerboard, by its inner corners: one less than its squares each way.

    Raises:
        InputError: Fewer than three corners one way, or squares of no size.
    """

    columns: int
    rows: int
    square_mm: float = 1.0

    def __post_init__(self) -> None:
        if min(self.columns, self.rows) < 3 or max(self.columns, self.rows) > 100:
            raise InputError(f"a board has 3 to 100 inner corners each way (one less than its squares), got {self.columns} x {self.rows}")
        if not 0 < self.square_mm < 10_000:
            raise InputError(f"a board's squares have a positive side in millimetres, got {self.square_mm}")

    @property
    def corners_mm(self) -> FloatArray:
        """(n, 3), in the plane z = 0."""
        along, down = np.meshgrid(np.arange(self.columns), np.arange(self.rows))
        return np.asarray(np.stack([along.ravel(), down.ravel(), np.zeros(along.size)], axis=1) * self.square_mm, np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A camera and what it rests on."""

    camera: Camera
    error_px: float
    """Root mean square distance of the corners seen from where they should be."""
    focal_sd: float
    """Standard deviation of the focal length, as a share of it."""
    views: int
    frames: int
    """Those looked at."""
    distance_mm: tuple[float, float]
    """Of the nearest and the furthest board."""


def calibrate(frames: Iterable[Array], board: Board) -> Calibration:
    """The camera that took ``frames`` (row, column, 3; RGB uint8, all of one size), some of which show the board.

    Raises:
        InputError: Too few views, frames of several sizes, or views that do not tell the focal length.
    """
    views: list[FloatArray] = []
    size: tuple[int, int] | None = None
    count = 0
    for frame in frames:
        height, width = frame.shape[:2]
        if size is not None and size != (width, height):
            got = f"{size[0]}x{size[1]} and {width}x{height}"
            raise InputError(f"calibration needs pictures of one size, got {got}; give those of one camera, not cut or turned")
        size, count = (width, height), count + 1
        corners = _corners(frame, board) if len(views) < MOST else None
        if corners is not None and all(np.linalg.norm(corners - other, axis=1).mean() > NEW * width for other in views):
            views.append(corners)
    if size is None or len(views) < LEAST:
        raise InputError(
            f"{len(views)} different views of a board with {board.columns} x {board.rows} inner corners in {count} pictures, {LEAST} are needed; "
            f"count the corners where four squares meet, and {ADVICE}"
        )
    return _solved(views, size, board, count)


def _corners(frame: Array, board: Board) -> FloatArray | None:
    """(n, 2) pixels, in the order of the board's. The search is off by a tenth of a pixel where the board is tilted: each corner is measured again."""
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    found, corners = cv2.findChessboardCornersSB(grey, (board.columns, board.rows), flags=cv2.CALIB_CB_NORMALIZE_IMAGE)
    if not found:
        return None
    grid = corners.reshape(board.rows, board.columns, 2)
    nearest = min(float(np.linalg.norm(np.diff(grid, axis=axis), axis=2).min()) for axis in (0, 1))
    half = int(np.clip(WINDOW * nearest, *WINDOW_PX))
    fine = cv2.cornerSubPix(
        grey, np.ascontiguousarray(corners, np.float32), (half, half), (-1, -1), (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 50, 1e-4)
    )
    return np.asarray(fine.reshape(-1, 2), np.float32)


def _solved(views: list[FloatArray], size: tuple[int, int], board: Board, frames: int) -> Calibration:
    """Without the third radial coefficient: of what a board shows its power of six is mostly noise."""
    points = [board.corners_mm] * len(views)
    start, none = np.eye(3), np.zeros(5)
    error, matrix, distortion, turns, places, spread, _, _ = cv2.calibrateCameraExtended(points, views, size, start, none, flags=cv2.CALIB_FIX_K3)
    focal_sd = float(np.max(spread.ravel()[:2] / np.abs(matrix[[0, 1], [0, 1]])))
    tilt = _tilt_deg([np.asarray(t, float) for t in turns])
    if not np.isfinite(matrix).all() or not focal_sd < DOUBT or tilt < TILT_DEG:
        raise InputError(
            f"the {len(views)} views of the board do not tell the focal length (it would be wrong by {100 * focal_sd:.1f} %, "
            f"the boards are tilted against one another by {tilt:.0f} degrees, {TILT_DEG:.0f} are needed); {ADVICE}"
        )
    k1, k2, p1, p2, k3 = (float(v) for v in distortion.ravel()[:5])
    (fx, _, cx), (_, fy, cy) = ([float(v) for v in row] for row in matrix[:2])
    camera = Camera(width=size[0], height=size[1], fx=fx, fy=fy, cx=cx, cy=cy, distortion=(k1, k2, p1, p2, k3))
    away = [float(np.linalg.norm(place)) for place in places]
    return Calibration(camera=camera, error_px=float(error), focal_sd=focal_sd, views=len(views), frames=frames, distance_mm=(min(away), max(away)))


def _tilt_deg(turns: list[FloatArray]) -> float:
    """The largest angle between the normals of two boards."""
    normals = np.array([cv2.Rodrigues(turn)[0][:, 2] for turn in turns])
    return float(np.degrees(np.arccos(np.clip(normals @ normals.T, -1, 1).min())))
