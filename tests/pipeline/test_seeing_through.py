from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import cv2
import nibabel as nib
import numpy as np
import pytest
from tests.track.test_live import EndsAfterFour, MadeCamera

from diaphane.acquire import Options as AcquireOptions
from diaphane.acquire import write_camera
from diaphane.cli.main import main
from diaphane.core.camera import Camera
from diaphane.core.coding import json_text
from diaphane.core.registration import Registered
from diaphane.core.transform import RigidTransform
from diaphane.errors import InputError, RefusedError, UsageError
from diaphane.ops.nifti import write_nifti
from diaphane.pipeline import run, seeing_through
from diaphane.pipeline.inputs import Inputs
from diaphane.pipeline.seeing_through import Count, Scanned, laid_on, scanned
from diaphane.pipeline.tracking import clip_of, frames_of
from diaphane.plan import Plan
from diaphane.simulate.head import HeadPhantom, head_phantom
from diaphane.simulate.portrait import portrait, write_clip
from diaphane.track import Options as TrackOptions
from diaphane.view import Options as ViewOptions
from diaphane.view.film import film

CAMERA = Camera(width=160, height=120, fx=200, fy=200, cx=79.5, cy=59.5)
POSE = RigidTransform(np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]), np.array([0.0, 0, 600]))
FRAMES = 6
PLAIN = replace(Plan(), view=ViewOptions(scene_page=False, scene_triangles=10_000))


@pytest.fixture(scope="module")
def phantom() -> HeadPhantom:
    return head_phantom(np.random.default_rng(3), 4.0)


@pytest.fixture(scope="module")
def scan(phantom: HeadPhantom, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scan") / "head.nii.gz"
    write_nifti(path, np.asarray(phantom.image.array), phantom.image.geometry)
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "face.mp4"
    with film(path, 30) as write:
        for n in range(FRAMES):
            write(np.full((120, 160, 3), 60 + 20 * n, np.uint8))
    return path


@pytest.fixture(scope="module")
def ready(scan: Path, phantom: HeadPhantom, tmp_path_factory: pytest.TempPathFactory) -> Scanned:
    return scanned(scan, labels_of(phantom, tmp_path_factory.mktemp("labels"), (20.0, -10, 10)), None, "viridis")


def labels_of(phantom: HeadPhantom, folder: Path, centre: tuple[float, float, float], *, radius: float = 14.0, value: int = 3) -> Path:
    """A ball, named in a list beside it."""
    index = np.argwhere(np.ones(phantom.image.shape, bool))
    inside = ((phantom.image.geometry.to_world(index) - centre) ** 2).sum(axis=1) < radius**2
    write_nifti(folder / "given.nii.gz", (inside * value).astype(np.uint8).reshape(phantom.image.shape), phantom.image.geometry)
    (folder / "given.txt").write_text(f"{value} tumour\n")
    return folder / "given.nii.gz"


def every_second(skin: object, frames: object, faces: object, camera: Camera) -> Iterator[Registered]:
    """Stands in for registration: half of the frames solved."""
    for n, _ in enumerate(frames):  # type: ignore[call-overload]
        yield Registered(
            frame=n, solved=n % 2 == 0, transform=POSE if n % 2 == 0 else None, uncertainty_mm=3.0 if n % 2 == 0 else float("nan"), latency_ms=20.0,
            reason="" if n % 2 == 0 else "the head is turned away",
        )  # fmt: skip


def test_the_structures_of_the_labels_are_seen_and_the_small_ones_marked(ready: Scanned) -> None:
    (tumour,) = ready.scenery.structures
    assert tumour.name == "tumour"
    assert np.linalg.norm(np.asarray(tumour.mesh.vertices_mm).mean(axis=0) - (20, -10, 10)) < 2
    (target,) = ready.scenery.targets
    assert target.name == "tumour"
    assert np.linalg.norm(target.point_mm - (20, -10, 10)) < 3
    assert len(ready.scenery.skin.faces) <= len(ready.skin.faces)


def test_without_labels_bone_is_seen_and_given_points_are_marked(scan: Path, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(json.dumps({"targets": [{"name": "middle", "point_mm": [0, 0, 5]}]}))
    found = scanned(scan, None, tmp_path / "t.json", "viridis")
    assert [s.name for s in found.scenery.structures] == ["bone"]
    assert [(t.name, t.point_mm.tolist()) for t in found.scenery.targets] == [("middle", [0, 0, 5])]


def test_labels_that_cannot_be_meant_are_refused_in_words(scan: Path, phantom: HeadPhantom, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no structure in it"):
        scanned(scan, labels_of(phantom, tmp_path, (0, 0, 0), radius=0.0), None, "viridis")
    with pytest.raises(RefusedError, match="of the structure 'tumour' lie outside of the head"):
        scanned(scan, labels_of(phantom, tmp_path, (80.0, -80, 60)), None, "viridis")
    nib.save(nib.Nifti1Image(np.ones((9, 9, 9), np.uint8), np.diag([5.0, 5, 5, 1])), tmp_path / "other.nii.gz")
    with pytest.raises(RefusedError, match=r"other\.nii\.gz"):
        scanned(scan, tmp_path / "other.nii.gz", None, "viridis")


def test_targets_that_cannot_be_meant_are_refused_in_words(scan: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    for text, error, message in (
        ("[]", InputError, "expected"), ('{"targets": [{"name": "a", "point_mm": [1, 2]}]}', InputError, "three finite numbers"),
        ('{"targets": [{"name": "a", "point_mm": [0, -300, 0]}]}', RefusedError, "target 'a' lies outside of the head"),
    ):  # fmt: skip
        path.write_text(text)
        with pytest.raises(error, match=message):
            scanned(scan, None, path, "viridis")


def test_what_is_no_head_scan_is_refused_in_words(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "p.png"), np.full((64, 64, 3), 90, np.uint8))
    with pytest.raises(RefusedError, match="a CT or MR volume of a head is laid on a face"):
        scanned(tmp_path / "p.png", None, None, "viridis")
    nib.save(nib.Nifti1Image(np.full((40, 40, 40), 40, np.int16), np.diag([4.0, 4, 4, 1])), tmp_path / "block.nii.gz")
    with pytest.raises(RefusedError, match="heads only") as told:
        scanned(tmp_path / "block.nii.gz", None, None, "viridis")
    assert "--labels" not in str(told.value)


def test_every_frame_has_a_line_and_only_solved_ones_show_the_scan(ready: Scanned, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    video, count, made = clip_of(clip), Count(), []
    monkeypatch.setattr(seeing_through, "film", lambda *_, **__: nullcontext(lambda frame, until: made.append(frame)))
    lines = list(laid_on(video, frames_of(video), CAMERA, ready, out=tmp_path / "ar.mp4", count=count, register=every_second))
    rows = [json.loads(json_text(line.to_json())) for line in lines]
    assert [row["frame"] for row in rows] == list(range(FRAMES))
    assert [row["matrix"] is not None for row in rows] == [n % 2 == 0 for n in range(FRAMES)]
    assert rows[1]["uncertainty_mm"] is None
    source = [frame for _, frame in frames_of(video)]
    assert len(made) == FRAMES
    assert [np.array_equal(a[:80], b[:80]) for a, b in zip(made, source, strict=True)] == [False, True] * 3
    assert count.words == "3 of 6 frames solved, uncertainty 3.0 mm (median); not solved, in 3: the head is turned away"


def test_a_camera_of_another_shape_is_refused_before_anything_is_made(ready: Scanned, clip: Path, tmp_path: Path) -> None:
    wide = Camera(width=1280, height=720, fx=900, fy=900, cx=640, cy=360)
    video = clip_of(clip)
    with pytest.raises(UsageError, match="another shape"):
        next(laid_on(video, frames_of(video), wide, ready, out=tmp_path / "ar.mp4", count=Count(), register=every_second))
    assert not list(tmp_path.iterdir())


def test_the_command_writes_film_and_registration(
    scan: Path, clip: Path, phantom: HeadPhantom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(seeing_through, "fused", every_second)
    write_camera(tmp_path / "camera.toml", CAMERA, "made")
    labels = labels_of(phantom, tmp_path, (20.0, -10, 10))
    out = tmp_path / "seen"
    assert main(["ar", str(scan), str(clip), "--camera", str(tmp_path / "camera.toml"), "--labels", str(labels), "--out", str(out)]) == 0
    assert sorted(p.name for p in out.iterdir()) == ["ar.mp4", "registration.jsonl"]
    lines = [Registered.from_json(json.loads(line)) for line in (out / "registration.jsonl").read_text().splitlines()]
    assert [line.solved for line in lines] == [True, False] * 3
    assert "3 of 6 frames solved" in capsys.readouterr().err
    assert main(["ar", str(scan), str(clip), "--labels", str(labels), "--out", str(out)]) == 0
    assert "a focal length is guessed" in capsys.readouterr().err


def test_a_camera_is_filmed_until_it_ends(scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(seeing_through, "fused", every_second)
    camera = MadeCamera()
    monkeypatch.setattr("diaphane.acquire.open_camera", lambda number: EndsAfterFour(camera, lambda: setattr(camera, "frames", 0)))
    assert main(["ar", str(scan), "camera:0", "--out", str(tmp_path)]) == 1
    assert "unplugged" in capsys.readouterr().err
    assert len((tmp_path / "registration.jsonl").read_text().splitlines()) >= 4
    camera = MadeCamera()
    monkeypatch.setattr("diaphane.acquire.open_camera", lambda number: EndsAfterFour(camera, lambda: None))
    assert main(["ar", str(scan), "camera:0", "--seconds", "0.3", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "ar.mp4").is_file()


def test_wrong_use_of_the_command_is_told(scan: Path, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ar", str(scan), str(clip), "--seconds", "3", "--out", str(tmp_path / "a")]) == 2
    assert "--seconds says how long a camera is watched" in capsys.readouterr().err
    taken = tmp_path / "ar.mp4"
    taken.write_bytes(clip.read_bytes())
    assert main(["ar", str(scan), str(taken), "--out", str(tmp_path)]) == 2
    assert "would be overwritten" in capsys.readouterr().err
    assert main(["ar", str(scan), str(scan), "--out", str(tmp_path / "a")]) == 3
    assert not (tmp_path / "a").exists()


@pytest.fixture(scope="module")
def talking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of a drawn face."""
    path = tmp_path_factory.mktemp("talking") / "clip.mp4"
    write_clip(path, portrait(np.random.default_rng(5))[0], FRAMES)
    return path


def test_a_case_of_scan_and_face_has_the_scan_on_the_face(scan: Path, talking: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diaphane.pipeline.steps.can_see_through", lambda: True)
    monkeypatch.setattr(seeing_through, "fused", every_second)
    width, height = clip_of(talking).size_px
    write_camera(tmp_path / "camera.toml", Camera(width=width, height=height, fx=500, fy=500, cx=width / 2, cy=height / 2), "made")
    made = run(scan, tmp_path / "case", PLAIN, face=talking, camera=tmp_path / "camera.toml")
    assert made.seen_through is not None
    assert made.seen_through.words.startswith("3 of 6 frames solved")
    assert [frame for frame, _ in made.seen_through.stills] == [0, 2, 4]
    rows = [json.loads(line) for line in (tmp_path / "case/registration.jsonl").read_text().splitlines()]
    assert [row["solved"] for row in rows] == [True, False] * 3
    assert {row["latency_ms"] for row in rows} == {None}
    assert Registered.from_json(rows[0]).solved
    report = (tmp_path / "case/report.html").read_text()
    assert "The scan on the face" in report
    assert "3 of 6 frames solved" in report
    manifest = json.loads((tmp_path / "case/case.json").read_text())
    assert {"ar.mp4", "registration.jsonl", "images/clip_ar_f000002.png"} <= manifest["artefacts"].keys()
    first = {name: (tmp_path / "case" / name).read_bytes() for name in ("registration.jsonl", "ar.mp4")}
    monkeypatch.setattr(seeing_through, "fused", None)  # kept, not made again
    again = run(scan, tmp_path / "case", PLAIN, face=talking, camera=tmp_path / "camera.toml")
    assert again.seen_through is not None
    assert again.seen_through.words == made.seen_through.words
    assert {name: (tmp_path / "case" / name).read_bytes() for name in first} == first


def test_a_case_whose_scan_cannot_be_laid_on_the_face_stands_without(scan: Path, talking: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_face(*_: object) -> Iterator[Registered]:
        raise InputError("3 landmarks of a face lie on the skin of the scan, 60 are needed")
        yield

    monkeypatch.setattr("diaphane.pipeline.steps.can_see_through", lambda: True)
    monkeypatch.setattr(seeing_through, "fused", no_face)
    made = run(scan, tmp_path / "case", PLAIN, face=talking)
    assert made.seen_through is not None
    assert made.seen_through.words == "the scan was not laid on the face: 3 landmarks of a face lie on the skin of the scan, 60 are needed"
    assert not (tmp_path / "case/ar.mp4").exists()
    assert "3 landmarks of a face" in (tmp_path / "case/report.html").read_text()


def test_head_poses_of_a_case_rest_on_the_given_camera(scan: Path, talking: Path, tmp_path: Path, weights: None) -> None:
    width, height = clip_of(talking).size_px
    plan, depths = replace(Plan(), track=TrackOptions(tracker="convnet", key_frames=1)), []
    for focal in (500.0, 1000.0):
        write_camera(tmp_path / "camera.toml", Camera(width=width, height=height, fx=focal, fy=focal, cx=width / 2, cy=height / 2), "made")
        poses = [s.face.pose for s in run(talking, tmp_path / "case", plan, camera=tmp_path / "camera.toml").sightings if s.face.pose is not None]
        assert poses
        assert not any(pose.focal_is_guess for pose in poses)
        depths.append(np.median([pose.translation_mm[2] for pose in poses]))
    assert depths[1] == pytest.approx(2 * depths[0], rel=0.15)
    write_camera(tmp_path / "camera.toml", Camera(width=900, height=100, fx=500, fy=500, cx=450, cy=50), "made")
    with pytest.raises(UsageError, match="another shape"):
        run(talking, tmp_path / "other", plan, camera=tmp_path / "camera.toml")
    told = Inputs.of(scan, camera=tmp_path / "camera.toml").read(AcquireOptions())
    assert any("--camera was not used" in v.reason for v in told.verdicts)
