from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import trimesh

from diaphane.core.camera import Camera
from diaphane.core.mesh import Mesh
from diaphane.core.registration import Registered
from diaphane.core.transform import RigidTransform
from diaphane.view.see_through import Scenery, Structure, Target, seen_through
from diaphane.view.see_through_layers import Layer, stacked
from diaphane.view.see_through_marks import BARS_MM, Mark, crosses, legend, scale_bar, status

CAMERA = Camera(width=320, height=240, fx=400, fy=400, cx=159.5, cy=119.5)
BENT = replace(CAMERA, distortion=(-0.2, 0.0, 0.0, 0.0, 0.0))
FRONT = RigidTransform(np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]), np.array([0.0, 0, 500]))
"""LPS to a camera before the face."""
BEHIND = RigidTransform(np.array([[-1.0, 0, 0], [0, 0, -1], [0, -1, 0]]), np.array([0.0, 0, 500]))
RED, BLUE = (230, 40, 40), (40, 60, 230)


def ball(centre: tuple[float, float, float], radius: float) -> Mesh:
    made = trimesh.creation.icosphere(subdivisions=4, radius=radius)
    return Mesh((made.vertices + centre).astype(np.float32), made.faces.astype(np.int32))


def registered(pose: RigidTransform | None = FRONT, uncertainty_mm: float = 4.0, reason: str = "") -> Registered:
    return Registered(frame=7, solved=pose is not None, transform=pose, uncertainty_mm=uncertainty_mm if pose else float("nan"), latency_ms=41.0, reason=reason)


def scenery(*structures: Structure, targets: tuple[Target, ...] = ()) -> Scenery:
    return Scenery(ball((0, 0, 0), 90), structures, targets)


@pytest.fixture
def frame(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(100, 130, (240, 320, 3)).astype(np.uint8)


def centre_colour(picture: np.ndarray, at: tuple[int, int] = (119, 159)) -> np.ndarray:
    return picture[at[0] - 2 : at[0] + 3, at[1] - 2 : at[1] + 3].reshape(-1, 3).mean(axis=0)


def test_an_unsolved_frame_shows_nothing_of_the_scan_and_says_so(frame: np.ndarray) -> None:
    whole = scenery(Structure("tumour", RED, ball((0, 0, 0), 30)), targets=(Target("middle", np.zeros(3)),))
    out = seen_through(frame, registered(None, reason="no face with landmarks is seen"), CAMERA, whole)
    assert np.array_equal(out[:190], frame[:190])
    orange = (out[190:, :, 0] > 200) & (out[190:, :, 2] < 130)
    assert orange.sum() > 50
    assert np.array_equal(frame, frame.copy())


def test_a_structure_is_drawn_at_its_place_and_in_its_colour(frame: np.ndarray) -> None:
    before = frame.copy()
    out = seen_through(frame, registered(), CAMERA, scenery(Structure("tumour", RED, ball((30, 0, 20), 15))))
    assert np.array_equal(frame, before)
    (x, y), _ = cv2.projectPoints(np.array([FRONT(np.array([30.0, 0, 20]))]), np.zeros(3), np.zeros(3), CAMERA.matrix, None)[0][0, 0], None
    there = centre_colour(out, (round(float(y)), round(float(x))))
    mirrored = centre_colour(out, (round(float(y)), round(319 - float(x))))
    assert there[0] - there[2] > 60
    assert abs(mirrored[0] - mirrored[2]) < 25


def test_what_is_nearer_hides_what_is_farther_from_either_side(frame: np.ndarray) -> None:
    two = scenery(Structure("front", RED, ball((0, -40, 0), 20)), Structure("back", BLUE, ball((0, 40, 0), 20)))
    front, behind = (centre_colour(seen_through(frame, registered(pose), CAMERA, two)) for pose in (FRONT, BEHIND))
    assert front[0] > front[2] + 60
    assert behind[2] > behind[0] + 60


def test_deeper_structures_are_darker(frame: np.ndarray) -> None:
    near, deep = (centre_colour(seen_through(frame, registered(), CAMERA, scenery(Structure("one", RED, ball((0, y, 0), 10))))) for y in (-60.0, 60.0))
    assert near[0] > deep[0] + 15


def test_layers_are_laid_over_one_another_by_the_closed_form() -> None:
    one, inf = np.ones((2, 2)), np.full((2, 2), np.inf)
    black = np.zeros((2, 2, 3), np.uint8)
    far = Layer(one * 600, np.full((2, 2, 3), 200.0), one * 0.5, RED, 0.5)
    near = Layer(one * 500, np.full((2, 2, 3), 100.0), one * 0.25, BLUE, 0.25)
    none = Layer(inf, np.full((2, 2, 3), 255.0), one * 0, BLUE, 1.0)
    for order in ([far, near, none], [near, none, far]):
        assert (stacked(black, order) == round(0.75 * 100 + 0.25 * 100)).all()


@pytest.mark.parametrize("camera", [CAMERA, BENT])
def test_a_cross_lies_where_the_lens_puts_its_point_and_its_ring_is_the_uncertainty(camera: Camera) -> None:
    point = np.array([100.0, -60, 500])
    seen, _ = cv2.projectPoints(point[None], np.zeros(3), np.zeros(3), camera.matrix, camera.coefficients)
    x, y = (round(float(v)) for v in seen[0, 0])
    out = crosses(np.zeros((240, 320, 3), np.uint8), [Mark("", point)], 20.0, camera)
    assert (out[y, x - 3 : x + 4] > 200).all()
    radius = round(400 * 20 / 500)
    assert (out[y + radius, x] > 150).all()
    assert (out[y + radius + 3, x] < 50).all()
    assert (out[y + radius // 2 + 2, x + radius // 2 + 2] < 50).all()


def test_depth_is_counted_along_the_line_of_sight() -> None:
    skin = np.full((240, 320), 450.0)
    straight, aside = Mark("a", np.array([0.0, 0, 500])), Mark("b", np.array([150.0, 0, 500]))
    assert straight.below(skin, CAMERA).deep_mm == pytest.approx(50)
    assert aside.below(skin, CAMERA).deep_mm == pytest.approx(np.hypot(150, 500) * 0.1)
    assert aside.below(np.full((240, 320), np.inf), CAMERA).deep_mm is None
    assert Mark("c", np.array([900.0, 0, 500])).below(skin, CAMERA).deep_mm is None
    assert Mark("d", np.array([0.0, 0, -5])).below(skin, CAMERA).deep_mm is None
    assert straight.below(skin + 100, CAMERA).words == "a, before the skin"


def test_the_depth_below_a_ball_of_skin_is_its_radius(frame: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Mark] = []
    monkeypatch.setattr("diaphane.view.see_through.crosses", lambda out, marks, mm, camera: told.extend(marks) or out)
    seen_through(frame, registered(), CAMERA, scenery(targets=(Target("middle", np.zeros(3)),)))
    assert told[0].deep_mm == pytest.approx(90, abs=0.5)


def test_the_scale_bar_is_as_long_as_it_says() -> None:
    out = scale_bar(np.full((240, 320, 3), 90, np.uint8), 500.0, CAMERA)
    row = (out[240 - 9] == 255).all(axis=1)
    bar = next(mm for mm in BARS_MM if mm * 400 / 500 <= 80)
    assert row.sum() == pytest.approx(bar * 400 / 500, abs=2)


def test_a_guessed_camera_is_marked() -> None:
    plain, guessed = (status(np.zeros((240, 320, 3), np.uint8), registered(), guess) for guess in (False, True))
    orange = np.array([(p[..., 0] > 200) & (p[..., 2] < 130) for p in (plain, guessed)]).sum(axis=(1, 2))
    assert orange[0] == 0 < 50 < orange[1]


def test_few_targets_are_named_beside_them_and_many_in_the_legend() -> None:
    black = np.zeros((240, 320, 3), np.uint8)
    few, many = ([Mark(f"target {n}", np.array([0.0, 0, 500])) for n in range(count)] for count in (2, 9))
    lit = [(legend(black, [], marks) > 128).all(axis=2).any(axis=1).sum() for marks in (few, many)]
    assert lit[1] > 3 * lit[0] > 0
    swatches = legend(black, [(f"s{n}", (10, 20 * n, 200)) for n in range(12)], [])
    assert len({tuple(c) for c in swatches[:, 8].tolist()} & {(10, 20 * n, 200) for n in range(12)}) == 12
    assert (legend(black, [(f"s{n}", (10, n, 200)) for n in range(200)], []) == (10, 13, 200)).all(axis=2).sum() == 0


def test_a_head_out_of_the_frame_or_behind_the_camera_draws_no_surface(frame: np.ndarray) -> None:
    whole = scenery(Structure("tumour", RED, ball((0, 0, 0), 30)), targets=(Target("middle", np.zeros(3)),))
    for shift in ((2000.0, 0, 500), (0, 0, -500)):
        pose = RigidTransform(FRONT.rotation, np.array(shift))
        out = seen_through(frame, registered(pose), CAMERA, whole)
        assert np.array_equal(out[80:180, 40:280], frame[80:180, 40:280])
