"""The page to walk around a case, in a real browser, and in a headset that is emulated (iwer)."""

from __future__ import annotations

import hashlib
import io
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from tests.services.browser import PATIENCE_MS, opened
from tests.view.test_page import DOT_MM, outcome_of_volume
from tests.view.test_scene import volume_part

from diaphane.ops.paint import palette
from diaphane.view import Options, export
from diaphane.view.server import Server

pytestmark = pytest.mark.services
VENDOR = Path(__file__).parent / "vendor"
HEADSET = "window.headset = new IWER.XRDevice(IWER.metaQuest3); headset.stereoEnabled = true; headset.installRuntime({ forceInstall: true });"
SEEN = "body[data-shown]"
SKIN, BRAIN = 1, 4
SHADES = palette(volume_part().labels.table, "viridis")  # type: ignore[union-attr]
REACH_S = 60.0  # what a busy machine may take; the figure itself is printed


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    yield from opened()


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("walk") / "case"
    export(outcome_of_volume(), folder, Options(sheet_width_px=800))
    return folder


@pytest.fixture(scope="module")
def address(case: Path) -> Iterator[str]:
    with Server(case) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.url("view/index.html")
        server.shutdown()


def visit(browser: Any, url: str, size: tuple[int, int] = (800, 420), scripts: tuple[str | Path, ...] = (), **more: Any) -> tuple[Any, list[str], list[str]]:
    """The page once it has drawn, the addresses that it asked for, and what it complained of."""
    page = browser.new_page(viewport={"width": size[0], "height": size[1]}, **more)
    page.set_default_timeout(PATIENCE_MS)
    for script in scripts:
        page.add_init_script(**({"path": str(script)} if isinstance(script, Path) else {"script": script}))
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda r: asked.append(r.url))
    page.on("console", lambda m: complaints.append(m.text))
    page.on("pageerror", lambda e: complaints.append(str(e)))
    page.goto(url)
    page.wait_for_selector(f"{SEEN}, #message:not([hidden])", state="attached")
    return page, asked, complaints


def settle(page: Any, pictures: int = 3) -> None:
    """Wait until some more pictures were drawn."""
    page.evaluate("n => new Promise(done => { const next = () => n-- ? requestAnimationFrame(next) : done(); next(); })", pictures)


def shot(page: Any, box: dict[str, float] | None = None) -> np.ndarray:
    settle(page)
    return np.asarray(Pillow.open(io.BytesIO(page.screenshot(clip=box, timeout=PATIENCE_MS))).convert("RGB")).astype(int)


def canvas(page: Any) -> np.ndarray:
    return shot(page, page.locator("#view").bounding_box())


def drawn(picture: np.ndarray) -> float:
    """Of the picture, what is coloured and light: neither ground nor words nor grey slice."""
    return float(((picture.max(axis=2) - picture.min(axis=2) > 40) & (picture.max(axis=2) > 90)).mean())


def share(picture: np.ndarray, value: int) -> float:
    """Of the picture, what has rather the hue of this structure than that of the other, lit or in shade."""
    length = np.linalg.norm(picture, axis=2)
    cosines = {v: (picture @ np.array(SHADES[v])) / np.maximum(length * np.linalg.norm(SHADES[v]), 1e-9) for v in (SKIN, BRAIN)}
    return float(((cosines[value] > 0.96) & (cosines[value] == np.maximum(*cosines.values())) & (length > 90)).mean())


@pytest.mark.parametrize("way", ["from the disk", "from the server"])
def test_page_draws_without_request_elsewhere_or_complaint(browser: Any, case: Path, address: str, way: str) -> None:
    url = address if way == "from the server" else (case / "view" / "index.html").as_uri()
    begun = time.perf_counter()
    page, asked, complaints = visit(browser, url)
    took = time.perf_counter() - begun
    home = url.rpartition("/")[0]
    assert [u for u in asked if not u.startswith((home, "data:", "blob:"))] == []
    assert complaints == []
    sys_told = int(page.get_attribute("body", "data-shown"))
    print(f"scene on screen {way}: {took:.2f} s, of which the page says {sys_told} ms")  # noqa: T201  # shown with pytest -s
    assert took < REACH_S
    assert drawn(canvas(page)) > 0.1
    page.close()


def test_structures_have_the_report_s_colours_and_can_be_switched_off(browser: Any, address: str) -> None:
    page, _, _ = visit(browser, address)
    keys = page.eval_on_selector_all("#panel .key", "keys => keys.map(k => getComputedStyle(k).backgroundColor)")
    assert keys == [f"rgb({r}, {g}, {b})" for r, g, b in (SHADES[1], SHADES[4], SHADES[12])]
    page.get_by_label("Slice of the scan").uncheck()
    page.get_by_label("skin", exact=True).uncheck()
    assert share(canvas(page), BRAIN) > 0.03
    page.get_by_label("brain", exact=True).uncheck()
    page.get_by_label("brain (2)", exact=True).uncheck()
    assert share(canvas(page), BRAIN) < 0.002
    page.get_by_role("button", name="Show all").click()
    assert page.get_by_label("skin", exact=True).is_checked()
    assert drawn(canvas(page)) > 0.1
    page.close()


def test_opacity_of_one_structure_lets_what_is_behind_through(browser: Any, address: str) -> None:
    page, _, _ = visit(browser, address)
    page.get_by_label("Slice of the scan").uncheck()
    found = []
    for opacity in ("1", "0.05"):
        page.get_by_label("how opaque: skin").fill(opacity)
        found.append(share(canvas(page), BRAIN))
    assert found[0] < 0.01
    assert found[1] > 0.03
    page.close()


def test_plane_shows_the_scan_where_it_lies_and_cuts_what_is_on_one_side(browser: Any, address: str) -> None:
    page, _, _ = visit(browser, address)
    geometry, shape = volume_part().image.geometry, np.array(volume_part().image.shape)
    point = np.array([30.0, -20, 10])
    index = geometry.to_index(point)
    told = page.evaluate(
        "([x, y, z]) => diaphanePage.view.slice.position.clone().set(x, z, -y).divideScalar(1000).applyMatrix4(diaphanePage.view.slice.toTexture).toArray()",
        point.tolist(),
    )
    assert np.array(told)[::-1] * shape - 0.5 == pytest.approx(index, abs=1e-6)
    whole = canvas(page)
    page.get_by_label("Cut", exact=True).select_option("1")
    page.get_by_label("Place").fill("-20")
    assert page.evaluate("diaphanePage.view.slice.offset") == pytest.approx(-20, abs=0.01)
    assert page.evaluate("1000 * diaphanePage.view.slice.position.y") == pytest.approx(page.evaluate("1000 * diaphanePage.view.slice.centre.y") - 20, abs=1e-3)
    assert "foot" in page.locator("label", has_text="Place").inner_text()
    assert np.abs(canvas(page) - whole).mean() > 3
    page.close()


@pytest.mark.parametrize(
    ("hidden", "ends", "radius"),
    [(("brain", "brain (2)"), ((-50, -60, 20), (50, -60, 20)), 80), ((), ((-30, -40, 0), (30, -40, 0)), 50)],
    ids=["of the skin where nothing lies behind it", "of the brain through the skin"],
)
def test_ruler_tells_the_distance_of_two_points_of_what_is_meant(
    browser: Any, address: str, hidden: tuple[str, ...], ends: tuple[tuple[float, ...], ...], radius: float
) -> None:
    page, _, _ = visit(browser, address)
    page.get_by_label("Slice of the scan").uncheck()
    page.get_by_role("button", name="front").click()
    page.get_by_role("button", name="Ruler").click()
    for name in hidden:
        page.get_by_label(name, exact=True).uncheck()
    lps = np.array(ends, float)
    lps *= radius / np.linalg.norm(lps, axis=1, keepdims=True)
    for x, y, z in lps:
        place = page.evaluate(
            """([x, y, z]) => { const v = diaphanePage.view, p = v.box.min.clone().set(x, z, -y).divideScalar(1000).project(v.desk.camera);
               const { left, top, width, height } = v.renderer.domElement.getBoundingClientRect();
               return [left + (p.x + 1) / 2 * width, top + (1 - p.y) / 2 * height]; }""",
            [x, y, z],
        )
        page.mouse.click(*place)
    (length,) = page.evaluate("diaphanePage.view.ruler.lengths")
    assert length == pytest.approx(np.linalg.norm(lps[0] - lps[1]), abs=1.5)
    assert f"{length:.1f} mm" in page.inner_text("#hint")
    page.close()


def test_finding_is_labelled_where_it_lies(browser: Any, address: str) -> None:
    page, _, _ = visit(browser, address)
    place = page.evaluate("diaphanePage.view.findings.children[0].position.toArray()")
    assert np.array(place) * 1000 == pytest.approx([DOT_MM[0], DOT_MM[2], -DOT_MM[1]], abs=1e-6)
    before = canvas(page)
    page.get_by_label("Findings").uncheck()
    assert np.abs(canvas(page) - before).sum(axis=2).astype(bool).mean() > 0.001
    page.close()


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 800)])
def test_nothing_on_the_page_lies_on_anything_else(browser: Any, address: str, width: int, height: int) -> None:
    page, _, _ = visit(browser, address, (width, height), has_touch=width < 500)
    boxes = [page.locator(name).bounding_box() for name in ("#title", "#scale", "#tools", "#panel", "#notice")]
    for n, one in enumerate(boxes):
        assert one["x"] >= 0
        assert one["x"] + one["width"] <= width
        for other in boxes[:n]:
            apart = one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
            assert apart or one["y"] + one["height"] <= other["y"] or other["y"] + other["height"] <= one["y"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_mouse_turns_the_scene_and_a_view_brings_it_back(browser: Any, address: str) -> None:
    page, _, _ = visit(browser, address)
    camera = "diaphanePage.view.desk.camera.position.toArray()"
    before = page.evaluate(camera)
    page.mouse.move(300, 300)
    page.mouse.down()
    page.mouse.move(420, 330, steps=4)
    page.mouse.up()
    assert np.abs(np.subtract(page.evaluate(camera), before)).max() > 0.05
    page.get_by_role("button", name="front").click()
    assert page.evaluate(camera) == pytest.approx(before, abs=1e-6)
    page.close()


def test_without_webgl_the_page_says_so_and_shows_the_report_s_picture(browser: Any, address: str) -> None:
    page, _, _ = visit(browser, address, scripts=("HTMLCanvasElement.prototype.getContext = () => null;",))
    assert "offers no WebGL 2" in page.inner_text("#message")
    assert page.get_attribute("#message a", "href") == "../report.html"
    until(page, "document.querySelector('#message img').naturalWidth > 0")
    page.close()


def test_without_webxr_the_page_says_so_and_draws_all_the_same(browser: Any, address: str) -> None:
    page, _, complaints = visit(browser, address, scripts=("Object.defineProperty(navigator, 'xr', { value: undefined });",))
    assert "this browser has no WebXR" in page.inner_text("#title")
    assert complaints == []
    page.close()


def test_case_without_its_data_is_a_message_and_no_blank_page(browser: Any, case: Path, tmp_path: Path) -> None:
    for name in ("index.html", "page.css", "page.js"):
        (tmp_path / name).write_bytes((case / "view" / name).read_bytes())
    page, _, _ = visit(browser, (tmp_path / "index.html").as_uri())
    assert "data.js is missing" in page.inner_text("#message")
    page.close()


AIM = """([x, y, z]) => {
  const hand = diaphanePage.view.immersive.hands.find((one) => one.source?.handedness === "right");
  const right = headset.controllers.right;
  const from = hand.controller.position;
  const d = [x - from.x, y - from.y, z - from.z], n = Math.hypot(...d);
  const [a, b, c] = d.map((v) => v / n), w = 1 - c, l = Math.hypot(b, a, w);
  right.quaternion.set(b / l, -a / l, 0, w / l);
}"""


def press(page: Any, button: str, value: int) -> None:
    page.evaluate("([button, value]) => headset.controllers.right.updateButtonValue(button, value)", [button, value])
    settle_headset(page)


def until(page: Any, claim: str) -> None:
    """Wait until ``claim`` holds; the page's policy lets no other way of waiting."""
    for _ in range(PATIENCE_MS // 50):
        if page.evaluate(claim):
            return
        page.wait_for_timeout(50)
    raise TimeoutError(claim)


def settle_headset(page: Any) -> None:
    """Wait until the headset drew three more times."""
    until(page, f"diaphanePage.view.immersive.frames >= {page.evaluate('diaphanePage.view.immersive.frames') + 3}")


def place(page: Any, point: str) -> np.ndarray:
    """A point that the page works out from its ``view``, in the room."""
    return np.array(page.evaluate(f"(() => {{ const view = diaphanePage.view, point = view.box.min.clone(); return {point}.toArray(); }})()"))


def test_headset_shows_two_views_switches_a_structure_and_moves_plane_and_scan(browser: Any, address: str) -> None:
    page, _, complaints = visit(browser, address, (480, 300), scripts=(VENDOR / "iwer.min.js", HEADSET))
    page.evaluate("document.getElementById('immersive-vr').click()")
    page.wait_for_selector("body[data-immersive='immersive-vr']", state="attached")
    until(page, "diaphanePage.view.immersive.hands.every((hand) => hand.source)")
    settle_headset(page)

    assert page.evaluate("diaphanePage.view.renderer.xr.getCamera().cameras.length") == 2
    eyes = np.split(shot(page), 2, axis=1)
    seen = [drawn(eye) for eye in eyes]
    assert min(seen) > 0.005
    assert np.abs(eyes[0] - eyes[1]).max() > 50, "each eye sees it from its own place"
    eye, middle = place(page, "view.renderer.xr.getCamera().getWorldPosition(point)"), place(page, "view.placed.localToWorld(view.box.getCenter(point))")
    assert 0.4 < np.linalg.norm(middle - eye) < 0.8
    assert page.evaluate("diaphanePage.view.placed.scale.toArray()") == [1, 1, 1], "life-size"

    page.evaluate(AIM, place(page, "view.immersive.board.localToWorld(view.immersive.board.middle(0))").tolist())
    settle_headset(page)
    press(page, "trigger", 1)
    press(page, "trigger", 0)
    assert not page.evaluate("diaphanePage.view.state.structures[0].visible")
    assert not page.get_by_label("skin", exact=True).is_checked()
    assert all(drawn(eye) < 0.8 * before for eye, before in zip(np.split(shot(page), 2, axis=1), seen, strict=True)), "the brain is smaller"

    page.evaluate(AIM, place(page, "view.placed.localToWorld(point.copy(view.slice.centre).add({ x: 0, y: 0, z: 0.066 }))").tolist())
    settle_headset(page)
    press(page, "trigger", 1)
    before = page.evaluate("diaphanePage.view.slice.position.toArray()")
    page.evaluate("headset.controllers.right.position.y += 0.03")
    settle_headset(page)
    press(page, "trigger", 0)
    assert np.subtract(page.evaluate("diaphanePage.view.slice.position.toArray()"), before) == pytest.approx([0, 0.03, 0], abs=1e-4)

    held = page.evaluate("diaphanePage.view.placed.position.toArray()")
    press(page, "squeeze", 1)
    page.evaluate("headset.controllers.right.position.x += 0.1")
    settle_headset(page)
    press(page, "squeeze", 0)
    assert np.subtract(page.evaluate("diaphanePage.view.placed.position.toArray()"), held) == pytest.approx([0.1, 0, 0], abs=1e-4)

    page.evaluate("diaphanePage.view.immersive.session.end()")
    page.wait_for_selector("body:not([data-immersive])", state="attached")
    assert page.evaluate("diaphanePage.view.placed.position.toArray()") == [0, 0, 0]
    assert page.get_by_label("Plane").input_value() == "free"
    assert complaints == []
    page.close()


def test_room_is_offered_where_the_browser_can_show_it(browser: Any, address: str) -> None:
    page, _, _ = visit(browser, address, (480, 300), scripts=(VENDOR / "iwer.min.js", HEADSET))
    assert page.get_by_role("button", name="Place in the room").count() == 1
    page.evaluate("document.getElementById('immersive-ar').click()")
    page.wait_for_selector("body[data-immersive='immersive-ar']", state="attached")
    assert page.evaluate("diaphanePage.view.scene.background") is None
    page.evaluate("diaphanePage.view.immersive.session.end()")
    page.close()


def test_case_in_which_nothing_was_found_shows_its_slice_and_says_so(browser: Any, tmp_path: Path) -> None:
    part = volume_part()
    empty = replace(part, labels=replace(part.labels, array=np.zeros_like(part.labels.array)))  # type: ignore[union-attr,type-var]
    export(outcome_of_volume(empty), tmp_path, Options(sheet_width_px=800))
    page, _, complaints = visit(browser, (tmp_path / "view" / "index.html").as_uri())
    assert "No structure was found" in page.inner_text("#panel")
    assert complaints == []
    page.close()


def test_vendored_runtime_is_the_one_that_is_named() -> None:
    for line in (VENDOR / "checksums.txt").read_text().splitlines():
        sha, name = line.split()
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == sha
