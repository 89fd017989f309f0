"""The annotated faces that ``track.py`` measures on: pictures, boxes and points, each set read as it is kept."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from scipy.io import loadmat

Box = tuple[float, float, float, float]
LANDMARK_SETS = ("300w/test_300w", "aflw/test_aflw", "cofw/test_cofw", "lapa/test_lapa", "wflw/test_wflw")
JAW, LIPS = tuple(range(0, 33, 2)), 20
"""Of sets that put twice as many points along the jaw."""
AS_68 = {
    68: range(68),
    98: (*JAW, *range(33, 38), *range(42, 47), *range(51, 60), 60, 61, 63, 64, 65, 67, 68, 69, 71, 72, 73, 75, *range(76, 76 + LIPS)),
    106: (*JAW, *range(33, 38), *range(42, 47), *range(51, 55), *range(58, 63), 66, 67, 69, 70, 71, 73, 75, 76, 78, 79, 80, 82, *range(84, 84 + LIPS)),
    29: {17: 0, 21: 2, 22: 3, 26: 1, 19: 4, 24: 6, 36: 8, 39: 10, 42: 11, 45: 9, 30: 20, 33: 21, 48: 22, 54: 23, 51: 24, 62: 25, 66: 26, 57: 27, 8: 28},
    19: {17: 0, 19: 1, 21: 2, 22: 3, 24: 4, 26: 5, 36: 6, 39: 8, 42: 9, 45: 11, 48: 15, 54: 17, 8: 18},
}
"""Which point of a set of so many is which of the 68, as its points were seen to lie on a picture: WFLW, LaPa, COFW, AFLW. Points that the 68 lack are left
out."""
BROW_SHARE = 0.25
"""A face's box begins this share of its landmarks' height above the brows, where its set gives no box: half way up the forehead."""


@dataclass(frozen=True)
class Annotated:
    """A picture and what someone said is on it."""

    path: Path
    boxes: tuple[Box, ...]
    points: tuple[np.ndarray, ...] = ()
    """(68, 2) a face; NaN: not seen, or none of its set."""
    pose_rad: tuple[float, float, float] | None = None
    """Pitch, yaw, roll."""
    is_complete: bool = False
    """Whether every face is annotated, so that what is found beside them is wrong."""

    def rgb(self) -> np.ndarray:
        """The pixels."""
        return np.ascontiguousarray(cv2.imread(str(self.path))[..., ::-1])


def groups(faces: Path) -> Iterator[Annotated]:
    """Group photos, boxes by hand."""
    for name in ("training.xml", "testing.xml"):
        for image in ET.parse(faces / "group_photos" / name).getroot().iter("image"):  # noqa: S314  # a file that was looked at
            boxes = tuple(tuple(float(box.get(key)) for key in ("left", "top", "width", "height")) for box in image.iter("box"))
            yield Annotated(faces / "group_photos" / image.get("file"), boxes, is_complete=True)


def aflw2000(faces: Path) -> Iterator[Annotated]:
    """One face each, 68 points and a head pose by a fitted model."""
    for path in sorted((faces / "aflw2000").glob("*.mat")):
        said = loadmat(path)
        points = said["pt3d_68"][:2].T.astype(float)
        pitch, yaw, roll = (float(v) for v in said["Pose_Para"][0, :3])
        yield Annotated(path.with_suffix(".jpg"), (box_around(points),), (points,), (pitch, yaw, roll))


def landmark_samples(faces: Path) -> Iterator[Annotated]:
    """Samples of six sets; other faces on them may not be annotated."""
    folder = faces / "landmarks_mixed/tests/data"
    for name in LANDMARK_SETS:
        listed = json.loads((folder / f"{name}.json").read_text())
        for image in listed["images"]:
            found = [np.reshape(a["keypoints"], (-1, 3)).astype(float) for a in listed["annotations"] if a["image_id"] == image["id"]]
            points = tuple(np.where(p[:, 2:] > 0, p[:, :2], np.nan) for p in found)
            yield Annotated(folder / name.partition("/")[0] / image["file_name"], tuple(map(box_around, points)), tuple(map(as_68, points)))
    for path in sorted((folder / "300vw").rglob("*.pts")):
        points = np.loadtxt(path, skiprows=3, comments="}") - 1  # its first pixel is 1, 1
        yield Annotated(path.parents[1] / "imgs" / f"{path.stem}.jpg", (box_around(points),), (points,))


def as_68(points: np.ndarray) -> np.ndarray:
    """(68, 2) of the points of a set; NaN where it has none."""
    order, found = AS_68[len(points)], np.full((68, 2), np.nan)
    for to, of in order.items() if isinstance(order, dict) else enumerate(order):
        found[to] = points[of]
    return found


def box_around(points: np.ndarray) -> Box:
    """The face that the points lie on."""
    (left, top), (right, bottom) = np.nanmin(points, axis=0), np.nanmax(points, axis=0)
    top -= BROW_SHARE * (bottom - top)
    return float(left), float(top), float(right - left), float(bottom - top)


def frames(path: Path) -> Iterator[np.ndarray]:
    """RGB, one after the other."""
    capture = cv2.VideoCapture(str(path))
    while True:
        read, frame = capture.read()
        if not read:
            return
        yield np.ascontiguousarray(frame[..., ::-1])
