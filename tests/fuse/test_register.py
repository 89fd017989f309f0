"""A made, textured head filmed by the project's own raster: its pose comes back; what should not be solved is not."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from diaphane.core.arrays import Array, FloatArray
from diaphane.core.camera import Camera
from diaphane.core.face import Face
from diaphane.core.mesh import Mesh
from diaphane.core.registration import Registered
from diaphane.core.transform import RigidTransform
from diaphane.errors import InputError
from diaphane.fuse import RegisterOptions, register, register_anchors
from diaphane.fuse.register_anchors import FRONT
from diaphane.fuse.register_field import Field, rigid_part
from diaphane.fuse.register_lift import View
from diaphane.fuse.register_skin import Skin
from diaphane.ops.projection import project
from diaphane.ops.raster import raster

CAMERA = Camera(width=320, height=240, fx=330, fy=330, cx=159.5, cy=119.5)
TARGET = np.array([[10.0, 40.0, 30.0]])
KEYS = RegisterOptions(key_frames=5, look_ahead=8)


BUMPS = (
    ((3, -12), (11, 20), 24), ((-27, 18), (13, 9), -9), ((30, 15), (14, 9), -7), ((-4, -68), (22, 12), 9), ((6, 36), (34, 8), 6), ((-35, -30), (14, 14), 11),
    ((38, -45), (10, 16), -6),
)  # fmt: skip
"""x and z of the middle, half sizes, height, mm."""


def made_head() -> Mesh:
    """An ellipsoid with nose, brow, chin and eye sockets, all a little to one side; faces -y, as in LPS."""
    up, around = np.meshgrid(np.linspace(0.02, np.pi - 0.02, 70), np.linspace(0, 2 * np.pi, 110, endpoint=False), indexing="ij")
    unit = np.stack([np.sin(up) * np.sin(around), -np.sin(up) * np.cos(around), np.cos(up)], axis=2).reshape(-1, 3)
    points = unit * (72, 92, 108)
    for (x, z), size, height in BUMPS:
        front = unit[:, 1] < 0
        bump = height * np.exp(-(((points[:, 0] - x) / size[0]) ** 2 + ((points[:, 2] - z) / size[1]) ** 2) / 2)
        points = points - np.outer(np.where(front, bump, 0), (0, 1, 0))
    rows, columns = np.meshgrid(np.arange(69), np.arange(110), indexing="ij")
    a, b = rows * 110 + columns, rows * 110 + (columns + 1) % 110
    faces = np.concatenate([np.stack([a, a + 110, b], axis=2), np.stack([b, a + 110, b + 110], axis=2)]).reshape(-1, 3)
    mesh = Mesh(points.astype(np.float32), faces)
    return mesh if mesh.volume_mm3 > 0 else Mesh(mesh.vertices_mm, np.ascontiguousarray(faces[:, ::-1]))


HEAD = made_head()
_GRAIN = ndimage.gaussian_filter(np.random.default_rng(5).normal(size=(64, 64, 64)), 1.0, mode="wrap")
GRAIN = _GRAIN / _GRAIN.std()
PLACES = np.stack([g.ravel() for g in np.meshgrid(np.linspace(-46, 46, 26), np.linspace(-75, 55, 18))], axis=1)
"""Of the made landmarks, seen from before: 468 of them."""


def landmarks_on(mesh: Mesh) -> FloatArray:
    """(468, 3): where a ray from before meets the front."""
    front = Camera(width=400, height=400, fx=4000, fy=4000, cx=199.5, cy=199.5)
    seen = raster(RigidTransform(FRONT, np.array([0, 0, 4000.0]))(mesh.vertices_mm), mesh.faces, front)
    columns, rows = np.round(PLACES * (1, -1) + 199.5).astype(int).T
    return np.asarray(seen.of(mesh.vertices_mm)[rows, columns], float)


ANCHORS = landmarks_on(HEAD)


def pose(yaw: float, pitch: float, distance: float) -> RigidTransform:
    a, b = np.radians([yaw, pitch])
    turn = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    nod = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    rotation = nod @ turn @ FRONT
    return RigidTransform(rotation, np.array([4.0, -3.0, distance]) - rotation @ np.array([0, -70.0, -5.0]))


POSES = [pose(-24, 2, 330), pose(-12, 8, 400), pose(0, 0, 340), pose(9, -8, 420), pose(18, 4, 330), pose(27, 0, 380)]


def picture(at: RigidTransform, mesh: Mesh = HEAD) -> Array:
    """Spots on the skin, light from the camera, an uneven background."""
    seen = raster(at(mesh.vertices_mm), mesh.faces, CAMERA)
    places, normals = seen.of(mesh.vertices_mm), seen.of(np.asarray(mesh.vertex_normals) @ at.rotation.T)
    spots = ndimage.map_coordinates(GRAIN, np.moveaxis(places / 1.6, -1, 0), order=1, mode="grid-wrap")
    grey = np.where(seen.covered, (150 + 22 * spots) * np.clip(0.4 - 0.6 * normals[..., 2], 0, 1), 70)
    noisy = grey[..., None] * (1.0, 0.85, 0.75) + np.random.default_rng(3).normal(0, 1.0, (*grey.shape, 1))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def mirrored(mesh: Mesh) -> Mesh:
    return Mesh(mesh.vertices_mm * np.float32([-1, 1, 1]), np.ascontiguousarray(mesh.faces[:, ::-1]))


def seen(at: RigidTransform, rng: np.random.Generator) -> tuple[Face, ...]:
    """The tracker's landmarks in a frame, a pixel off."""
    points = project(at(ANCHORS), CAMERA) + rng.normal(0, 1.0, (468, 2))
    points = np.concatenate([points, np.zeros((10, 2))])
    low, high = points[:468].min(axis=0), points[:468].max(axis=0)
    return (Face(identity=1, box_px=(*low, *(high - low)), score=1.0, state="detected", landmarks_px=points, landmark_set="mesh478"),)


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Registered]]:
    """Registers a mesh on the made clip; the landmark network is one that knows from where the drawn pictures are seen."""
    views: list[View] = []
    drawn = register_anchors.shaded

    def shaded(view: View) -> Array:
        views.append(view)
        return drawn(view)

    monkeypatch.setattr(register_anchors, "shaded", shaded)

    def run(mesh: Mesh, poses: Sequence[RigidTransform] = POSES, camera: Camera = CAMERA, options: RegisterOptions = KEYS) -> list[Registered]:
        anchors, rng = landmarks_on(mesh), np.random.default_rng(1)
        frames = [(n / 10, picture(at)) for n, at in enumerate(poses)]
        tracks = [seen(at, rng) if at.rotation[2, 1] > 0.5 else () for at in poses]
        return list(
            register(mesh, frames, tracks, camera, options, lambda _: np.concatenate([project(views[-1].pose(anchors), views[-1].camera), np.zeros((10, 2))]))
        )

    return run


def off_mm(result: Registered, true: RigidTransform) -> float:
    assert result.transform is not None
    return float(np.linalg.norm(result.transform(TARGET) - true(TARGET)))


def test_poses_come_back_and_a_face_turned_away_is_not_solved(registered: Callable[..., list[Registered]]) -> None:
    poses = [*POSES, pose(150, 0, 380)]
    results = registered(HEAD, poses)
    assert [r.frame for r in results] == list(range(len(poses)))
    assert [r.solved for r in results] == [True] * len(POSES) + [False], [r.reason for r in results]
    off = [off_mm(r, at) for r, at in zip(results, POSES, strict=False)]
    assert max(off) < 6
    assert all(far < 2.5 * r.uncertainty_mm for far, r in zip(off, results, strict=False))
    assert results[-1].transform is None and math.isnan(results[-1].uncertainty_mm) and "skin is found again" in results[-1].reason
    assert [Registered.from_json(json.loads(json.dumps(r.to_json()))).to_json() for r in results] == [r.to_json() for r in results]


def test_mirrored_scan_is_not_solved(registered: Callable[..., list[Registered]]) -> None:
    results = registered(mirrored(HEAD))
    assert not any(r.solved for r in results)
    assert "mirrored" in results[0].reason


def test_a_guessed_camera_makes_it_less_certain_and_says_so(registered: Callable[..., list[Registered]]) -> None:
    wide = replace(KEYS, max_uncertainty_mm=1000.0)
    known = registered(HEAD, POSES[2:4], options=wide)
    guessed = registered(HEAD, POSES[2:4], camera=replace(CAMERA, is_guess=True), options=wide)
    assert all(r.solved for r in (*known, *guessed))
    assert all(g.uncertainty_mm > 1.5 * k.uncertainty_mm for g, k in zip(guessed, known, strict=True)), [known, guessed]
    assert all("guess" in g.reason for g in guessed)


def test_frames_without_a_face_are_told_so(registered: Callable[..., list[Registered]]) -> None:
    results = registered(HEAD, [pose(150, 0, 380), pose(170, 0, 380)])
    assert [(r.solved, r.reason) for r in results] == [(False, "no face with landmarks that fit the scan was seen")] * 2


def test_a_surface_of_nothing_gives_a_message() -> None:
    empty = Mesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), int))
    with pytest.raises(InputError, match="surface without triangles"):
        list(register(empty, [], [], CAMERA, KEYS, lambda _: None))


def test_a_scan_without_a_face_gives_a_message() -> None:
    with pytest.raises(InputError, match="no face is found on the skin of the scan"):
        list(register(HEAD, [], [], CAMERA, KEYS, lambda _: None))


def test_a_solved_frame_needs_a_transform() -> None:
    with pytest.raises(InputError, match="frame 3: a solved frame has a transform"):
        Registered(frame=3, solved=True, transform=None, uncertainty_mm=1.0, latency_ms=0.0)
    with pytest.raises(InputError, match=r"a line of registration.jsonl has the keys"):
        Registered.from_json({"frame": 1})


def test_nearest_point_of_a_mesh_is_that_of_all_its_triangles(rng: np.random.Generator) -> None:
    points = np.asarray(HEAD.vertices_mm, float)[rng.integers(0, len(HEAD.vertices_mm), 40)] + rng.normal(0, 4, (40, 3))
    found, normals = Skin.of(HEAD, np.arange(len(HEAD.faces))).nearest(points)
    shares = rng.dirichlet(np.ones(3), 6)
    dense = np.concatenate([np.einsum("k,tkc->tc", w, np.asarray(HEAD.vertices_mm, float)[HEAD.faces]) for w in (*shares, *np.eye(3))])
    assert (np.linalg.norm(found - points, axis=1) <= np.linalg.norm(dense[None] - points[:, None], axis=2).min(axis=1) + 1e-9).all()
    assert np.allclose(np.linalg.norm(normals, axis=1), 1)


def test_deformation_has_its_size_and_no_rigid_motion_when_held(rng: np.random.Generator) -> None:
    face = np.asarray(HEAD.vertices_mm, float)[np.asarray(HEAD.vertex_normals)[:, 1] < -0.3]
    field = Field.over(face, 2.0, 25.0)
    drawn = [field.basis(face) @ rng.normal(size=(field.size, 3)) for _ in range(60)]
    assert np.sqrt(np.mean([(d**2).sum(axis=1).mean() for d in drawn])) == pytest.approx(2.0, rel=0.1)
    shift = rigid_part(field.places, np.eye(len(field.places))[:, :1] * 0 + 1)  # one wave, the same everywhere: coefficients are the shift itself
    assert np.allclose(shift[:3], np.eye(3)) and np.allclose(shift[3:], 0, atol=1e-9)
