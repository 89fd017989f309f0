from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path

import cv2
import numpy as np
import pytest
import trimesh

from diaphane import acquire
from diaphane.cli import simulate_command
from diaphane.core.camera import Camera
from diaphane.core.mesh import Mesh
from diaphane.core.transform import RigidTransform
from diaphane.errors import InputError, RefusedError, UsageError
from diaphane.ops.nifti import read_nifti
from diaphane.segment.head import segment_head
from diaphane.simulate import head_film
from diaphane.simulate.head_conditions import RANGES, draw_conditions
from diaphane.simulate.head_field import deformation, draw_field
from diaphane.simulate.head_film import Patient, on_face, patient, write_film
from diaphane.simulate.head_fit import face_on
from diaphane.simulate.head_given import Scanned, given_subject
from diaphane.simulate.head_render import Caster, directions
from diaphane.simulate.head_shape import average, average_face, draw_person
from diaphane.simulate.head_subject import AIR, SKIN, Subject, made_subject

SIZE, FRAMES = (160, 120), 4
PUPILS, CHEEKS = (159, 386), (50, 280)


@pytest.fixture(scope="module")
def embree() -> None:
    pytest.importorskip("embreex", reason='rays need embreex: pip install "diaphane[ar]"')


@pytest.fixture(scope="module")
def subject(weights: None) -> Subject:
    return made_subject(np.random.default_rng([4, 0]), coarse=3.0)


@pytest.fixture(scope="module")
def filmed(embree: None, subject: Subject) -> Patient:
    return patient(4, FRAMES, SIZE, subject)


@pytest.fixture(scope="module")
def folder(filmed: Patient, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("head") / "film"
    assert list(write_film(out, filmed)) == list(range(FRAMES))
    return out


def bent(k1: float = 0.05) -> Camera:
    return Camera(width=160, height=120, fx=150.0, fy=150.0, cx=79.5, cy=59.5, distortion=(k1, 0.0, 0.0, 0.0, 0.0))


def rigid(source: np.ndarray, target: np.ndarray) -> RigidTransform:
    """The best rigid motion, by Kabsch."""
    a, b = source.mean(axis=0), target.mean(axis=0)
    u, _, v = np.linalg.svd((source - a).T @ (target - b))
    turn = v.T @ np.diag([1, 1, np.sign(np.linalg.det(v.T @ u.T))]) @ u.T
    return RigidTransform(turn, b - turn @ a)


def test_a_ray_through_a_pixel_falls_on_that_pixel_again() -> None:
    camera = bent()
    to = directions(camera, 2)
    assert to.shape == (120, 160, 4, 3)
    points, _ = cv2.projectPoints(to.reshape(-1, 3), np.zeros(3), np.zeros(3), camera.matrix, camera.coefficients)
    middles = points.reshape(120, 160, 4, 2).mean(axis=2)
    x, y = np.meshgrid(np.arange(160), np.arange(120))
    assert np.abs(middles - np.stack([x, y], axis=-1)).max() < 1e-3
    assert np.allclose(np.linalg.norm(to, axis=-1), 1)


def test_rays_meet_a_sphere_where_the_closed_form_says(embree: None) -> None:
    ball = trimesh.creation.icosphere(subdivisions=5, radius=80.0)
    turn, _ = cv2.Rodrigues(np.array([0.3, -0.2, 0.5]))
    pose = RigidTransform(turn, np.array([20.0, -10, 500]))
    to = directions(bent())[:, :, 0].reshape(-1, 3)
    caster = Caster(Mesh(ball.vertices.astype(np.float32), ball.faces.astype(np.int32)))
    met = caster(pose, to)
    along = to @ pose.translation_mm
    inside = along**2 - pose.translation_mm @ pose.translation_mm + 80.0**2
    clear = np.abs(inside) > 300  # off the silhouette, where facets decide
    assert (met.hit == (inside > 0))[clear].all()
    expected = (along - np.sqrt(np.clip(inside, 0, None)))[met.hit]
    assert np.abs(met.distance_mm - expected)[clear[met.hit]].max() < 0.5
    corners = np.asarray(caster.mesh.vertices_mm)[np.asarray(caster.mesh.faces)[met.triangle]]
    seen = pose(np.einsum("nk,nkd->nd", met.weights, corners))
    assert np.allclose(seen, to[met.hit] * met.distance_mm[:, None], atol=0.02)


def test_rays_outside_the_window_meet_nothing(filmed: Patient) -> None:
    caster = filmed.studio.caster
    for pose in filmed.poses:
        hit = caster(pose, filmed.studio.middles.reshape(-1, 3)).hit.reshape(SIZE[::-1])
        rows, columns = caster.window(pose, filmed.true)
        hit[rows, columns] = False
        assert not hit.any()


def test_a_deformation_has_its_size_no_rigid_motion_and_its_correlation(rng: np.random.Generator, subject: Subject) -> None:
    face = on_face(subject)
    moves = deformation(draw_field(rng, 25.0, 1.0), face, 2.0).at(face)
    assert np.sqrt((moves**2).sum(axis=1).mean()) == pytest.approx(2.0, abs=1e-6)
    left = rigid(face, face + moves)
    assert np.degrees(np.linalg.norm(cv2.Rodrigues(np.asarray(left.rotation))[0])) < 0.05
    assert np.linalg.norm(left(face.mean(axis=0)) - face.mean(axis=0)) < 0.05
    pair = np.array([[0.0, 0, 0], [25.0, 0, 0]])
    drawn = np.stack([draw_field(rng, 25.0, 1.0).at(pair) for _ in range(1500)])
    assert (drawn[:, 0] * drawn[:, 1]).sum(axis=1).mean() == pytest.approx(np.exp(-0.5), abs=0.06)
    assert (drawn**2).sum(axis=2).mean() == pytest.approx(1.0, abs=0.06)


def test_conditions_keep_to_their_table_and_to_their_seed() -> None:
    for seed in range(200):
        made, again = (draw_conditions(np.random.default_rng(seed)) for _ in range(2))
        nominal, true = made.nominal(640, 480), made.true(640, 480)
        assert RANGES.focal_px[0] <= nominal.fx <= RANGES.focal_px[1]
        assert abs(true.fx / nominal.fx - 1) <= 0.02
        assert abs(true.distortion[0]) <= 0.05
        assert nominal.distortion == (0, 0, 0, 0, 0)
        assert true == again.true(640, 480)
        share = np.linspace(0, 1, 200)
        assert 450 <= made.distance_mm.at(share).min() < made.distance_mm.at(share).max() <= 750
        assert np.ptp(made.yaw_deg.at(share)) > 45
        assert all(light.direction[2] < 0 and np.linalg.norm(light.direction) == pytest.approx(1) for light in made.lights)


def test_other_seeds_are_other_heads(weights: None) -> None:
    heads = [draw_person(np.random.default_rng([seed, 0])) for seed in range(3)]
    assert np.allclose(average()(average_face()), average_face())
    faces = [head(average_face()) for head in heads]
    for n, one in enumerate(faces):
        other = faces[n - 1]
        assert np.sqrt(((rigid(one, other)(one) - other) ** 2).sum(axis=1).mean()) > 2


def test_the_scan_shows_the_undeformed_skin(subject: Subject) -> None:
    assert subject.image is not None
    inside_scan = np.asarray(subject.skin.vertices_mm)[:, 2] > -130
    points, normals = (np.asarray(part, float)[inside_scan] for part in (subject.skin.vertices_mm, subject.skin.vertex_normals))

    def value(at: np.ndarray) -> np.ndarray:
        index = subject.image.geometry.to_index(at).T
        return trilinear(np.asarray(subject.image.array, float), index)

    assert np.median(value(points + 5 * normals)) < AIR + 30
    assert abs(np.median(value(points - 4 * normals)) - SKIN) < 30
    half = value(points)
    assert abs(np.median(half) - (AIR + SKIN) / 2) < 150
    assert {name for name, point in subject.targets.items() if value(point[None])[0] > 0} == set(subject.targets)


def trilinear(array: np.ndarray, index: np.ndarray) -> np.ndarray:
    from scipy.ndimage import map_coordinates

    return map_coordinates(array, index, order=1, mode="nearest")


def test_where_the_truth_says_the_head_is_the_picture_shows_it(filmed: Patient) -> None:
    camera = filmed.true
    for number, pose in enumerate(filmed.poses):
        hit = filmed.studio.caster(pose, filmed.studio.middles.reshape(-1, 3)).hit.reshape(SIZE[::-1])
        points, _ = cv2.projectPoints(pose(np.asarray(filmed.skin.vertices_mm, float)), np.zeros(3), np.zeros(3), camera.matrix, camera.coefficients)
        top = points[:, 0, 1].min()
        assert abs(np.flatnonzero(hit.any(axis=1))[0] - top) < 1.5
        frame = filmed.frame(number).astype(float)
        marks, _ = cv2.projectPoints(pose(filmed.subject.face), np.zeros(3), np.zeros(3), camera.matrix, camera.coefficients)
        x, y = np.round(marks[:, 0]).astype(int).T
        eyes, cheeks = (np.mean([frame[y[p] : y[p] + 2, x[p]].mean() for p in part]) for part in (PUPILS, CHEEKS))
        assert eyes < cheeks
        distance = np.linalg.norm(pose(filmed.subject.face[[168, 2]].mean(axis=0)))
        assert 450 <= distance <= 750


def test_a_film_comes_with_its_truth(folder: Path, filmed: Patient) -> None:
    assert {p.name for p in folder.iterdir()} == {"video.mp4", "camera.toml", "true_camera.toml", "truth.jsonl", "targets.json", "scan.nii.gz"}
    lines = [json.loads(line) for line in (folder / "truth.jsonl").read_text().splitlines()]
    assert [line["frame"] for line in lines] == list(range(FRAMES))
    assert all(line.keys() == {"frame", "solved", "matrix", "uncertainty_mm", "latency_ms"} and line["solved"] for line in lines)
    matrix = np.array(lines[2]["matrix"]).reshape(4, 4)
    assert np.allclose(matrix[:3, :3], filmed.poses[2].rotation)
    assert np.allclose(matrix[:, 3], [*filmed.poses[2].translation_mm, 1])
    nominal, true = acquire.read_camera(folder / "camera.toml"), acquire.read_camera(folder / "true_camera.toml")
    assert nominal.fx != true.fx
    assert true == filmed.true
    targets = json.loads((folder / "targets.json").read_text())["targets"]
    assert len(targets) >= 6
    assert np.ptp([t["point_mm"] for t in targets], axis=0).min() > 40
    clip = acquire.read(folder / "video.mp4", acquire.Options()).video
    assert clip is not None
    assert (clip.size_px, clip.frame_count, clip.rate_hz) == (SIZE, FRAMES, 30)
    shown = [frame for _, frame in acquire.frames(clip, acquire.Options())]
    assert np.abs(shown[1].astype(float) - filmed.frame(1)).mean() < 6
    array, geometry = read_nifti(folder / "scan.nii.gz")
    assert filmed.subject.image is not None
    assert np.array_equal(array, filmed.subject.image.array)
    assert np.allclose(geometry.affine, filmed.subject.image.geometry.affine)


def test_the_same_seed_gives_the_same(folder: Path, filmed: Patient, subject: Subject, tmp_path: Path) -> None:
    again = patient(4, FRAMES, SIZE, subject)
    assert np.array_equal(again.frame(2), filmed.frame(2))
    assert list(write_film(tmp_path / "again", again))
    for name in ("truth.jsonl", "targets.json", "camera.toml", "true_camera.toml", "video.mp4"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes(), name


def run(*words: object) -> int:
    parser = ArgumentParser()
    simulate_command.add_arguments(parser)
    return simulate_command.execute(parser.parse_args(list(map(str, words))))


def test_the_command_writes_the_film(filmed: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(head_film, "patient", lambda *words: asked.append(words) or filmed)
    assert run("head", "--out", tmp_path / "film", "--seed", 4, "--frames", FRAMES, "--size", "160x120") == 0
    assert asked == [(4, FRAMES, SIZE, None)]
    assert (tmp_path / "film" / "video.mp4").stat().st_size > 0


def test_wrong_use_is_told_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--count does not belong to simulate head"):
        run("head", "--out", tmp_path / "a", "--seed", 1, "--count", 3)
    with pytest.raises(UsageError, match="--scan does not belong to simulate skin"):
        run("skin", "--out", tmp_path / "a", "--seed", 1, "--scan", "x")
    for size in ("640", "641x480", "32x32", "axb"):
        with pytest.raises(UsageError, match="--size must be WIDTHxHEIGHT"):
            run("head", "--out", tmp_path / "a", "--seed", 1, "--size", size)
    with pytest.raises(UsageError, match="--frames must be at least 1"):
        run("head", "--out", tmp_path / "a", "--seed", 1, "--frames", 0)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(InputError, match="not an empty folder"):
        run("head", "--out", tmp_path / "full", "--seed", 1)
    with pytest.raises(RefusedError, match="takes a CT or MR volume of a head"):
        cv2.imwrite(str(tmp_path / "p.png"), np.full((64, 64, 3), 90, np.uint8))
        given_subject(tmp_path / "p.png")


def test_without_embreex_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "embreex", None)
    monkeypatch.delitem(sys.modules, "embreex.rtcore_scene", raising=False)
    with pytest.raises(UsageError, match=r'pip install "diaphane\[ar\]"'):
        Caster(Mesh(np.zeros((3, 3), np.float32), np.array([[0, 1, 2]])))


@pytest.mark.data
@pytest.mark.parametrize(("name", "size", "nose_root"), [("cranium_ct/cranium_ct.nii.gz", 0.98, (2, -82, -12)), ("colin27/ch2.nii.gz", 1.12, (0, -89, -38))])
def test_the_average_face_finds_its_place_on_real_scans(weights: None, data: Path, name: str, size: float, nose_root: tuple[float, float, float]) -> None:
    case = acquire.read(data / "heads" / name, acquire.Options())
    labels, _ = segment_head(case.images[0], case.modality)
    assert labels is not None
    placed = face_on(Scanned(np.asarray(labels.array) > 0, case.images[0]).skin())
    assert placed.scale[0] == pytest.approx(size, abs=0.03)
    assert np.linalg.norm(placed(average_face()[[168]])[0] - nose_root) < 6  # read off the scan
