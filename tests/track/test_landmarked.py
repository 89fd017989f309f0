from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from diaphane.acquire.picture import read_picture
from diaphane.core.face import Face
from diaphane.ops.picture import to_rgb
from diaphane.simulate.splits import split
from diaphane.track import chart, landmarked


@pytest.mark.data
def test_face_of_which_the_box_is_known_gets_landmarks_and_pose_and_keeps_its_box(data: Path, weights: None) -> None:
    shown = next(p for pictures in split("tune").faces.values() for p in pictures if p.frame is None)
    rgb = to_rgb(read_picture(data / "faces" / shown.file).array[0])
    face = Face(identity=4, box_px=tuple(map(float, shown.box_px)), score=0.9, state="detected")
    (found,) = landmarked(rgb, (face,))
    assert found.landmarks_px is not None
    assert (found.landmarks_px.shape, found.landmark_set) == ((478, 2), "mesh478")
    assert (found.box_px, found.identity) == (face.box_px, 4)
    assert found.pose is not None
    assert found.quality is not None
    middle = found.landmarks_px.mean(axis=0)
    assert np.abs(middle - (face.box_px[0] + face.box_px[2] / 2, face.box_px[1] + face.box_px[3] / 2)).max() < 0.15 * face.box_px[3]
    assert landmarked(rgb, (found,)) == (found,)


def test_box_on_nothing_stays_a_box(weights: None) -> None:
    face = Face(identity=1, box_px=(40, 40, 80, 90), score=0.5, state="detected")
    assert landmarked(np.full((200, 200, 3), 128, np.uint8), (face,)) == (face,)


def test_map_of_a_face_knows_its_other_side_and_looks_outward(weights: None) -> None:
    face = chart()
    assert face is not None
    left, right = (np.asarray(face.points_mm)[list(face.outlines[f"{side} eye"])].mean(axis=0) for side in ("left", "right"))
    assert left[0] > 20 > -20 > right[0]
    assert np.abs(face.points_mm[face.opposite] * (-1, 1, 1) - face.points_mm).max() < 5
    assert np.array_equal(face.opposite[face.opposite], np.arange(len(face.points_mm)))
    assert np.allclose(np.linalg.norm(face.normals, axis=1), 1)
    assert (face.normals[:, 2] < 0).mean() > 0.8
