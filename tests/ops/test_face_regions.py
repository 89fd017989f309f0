"""Which part of a face a place is on; the face is the canonical one, which must have been pulled."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from diaphane.core.arrays import FloatArray
from diaphane.core.face import Face
from diaphane.fuse.site import site_of
from diaphane.ops.face_regions import MESH, REGIONS, outlines, region_at

MIDDLE = 200.0


@pytest.fixture(scope="module")
def face_mm(weights: None) -> FloatArray:
    from diaphane.track.canonical import canonical_face

    return canonical_face().points_mm


def seen(points_mm: FloatArray, turn: tuple[float, float, float] = (0, 0, 0)) -> FloatArray:
    """From far away, turned by a rotation vector, with ten points of the irises that the canonical face has not."""
    placed = (points_mm @ cv2.Rodrigues(np.array(turn, float))[0].T)[:, :2] * 2 + (MIDDLE, 250)
    return np.concatenate([placed, np.tile(placed[168], (10, 1))])


def middle(outline: FloatArray) -> tuple[float, float]:
    x, y = outline.mean(axis=0)
    return float(x), float(y)


def test_regions_lie_where_they_should_and_left_is_the_persons(face_mm: FloatArray) -> None:
    points = seen(face_mm)
    at = {name: middle(outline) for name, outline in outlines(points).items()}
    assert at.keys() == REGIONS.keys()
    down = [at[name][1] for name in ("forehead", "left brow", "left eye", "nose", "upper lip", "lips", "chin")]
    assert down == sorted(down)
    for part in ("eye", "brow", "cheek", "temple"):
        left, right = at[f"left {part}"][0], at[f"right {part}"][0]
        assert left > MIDDLE > right
        assert left + right == pytest.approx(2 * MIDDLE, abs=3)
    for name, (x, y) in at.items():
        assert region_at(points, x, y) == name, name
    assert region_at(points, 0, 0) is None


@pytest.mark.parametrize("roll", [-1.2, 0.6, np.pi])
def test_regions_go_with_a_head_that_is_tilted(face_mm: FloatArray, roll: float) -> None:
    points = seen(face_mm, (0, 0, roll))
    assert [region_at(points, *middle(o)) for o in outlines(points).values()] == list(REGIONS)


@pytest.mark.parametrize(("yaw", "near", "far"), [(1.3, "left", "right"), (-1.3, "right", "left")])
def test_in_profile_the_far_side_is_hidden(face_mm: FloatArray, yaw: float, near: str, far: str) -> None:
    points = seen(face_mm, (0, yaw, 0))
    hidden = {f"{far} {part}" for part in ("eye", "cheek", "temple")}
    assert not hidden & outlines(points).keys()
    assert region_at(points, *middle(points[list(REGIONS[f"{near} cheek"])])) == f"{near} cheek"
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    assert not hidden & {region_at(points, float(x), float(y)) for x in np.linspace(x0, x1, 12) for y in np.linspace(y0, y1, 12)}


def test_the_site_of_a_finding_is_the_meshs_word_where_there_is_a_mesh(face_mm: FloatArray) -> None:
    points = seen(face_mm, (0, 0, np.pi / 2))
    box = (*points.min(axis=0), *np.ptp(points, axis=0))
    x, y = middle(points[list(REGIONS["chin"])])
    meshed, boxed = (
        Face(identity=1, box_px=box, score=1, state="detected", landmarks_px=found, landmark_set=kind) for found, kind in ((points, MESH), (points[:68], "68"))
    )
    assert site_of(meshed, x, y) == "chin"
    assert site_of(boxed, x, y) in ("right cheek", "mouth")
    assert site_of(meshed, 0, 0) is None
