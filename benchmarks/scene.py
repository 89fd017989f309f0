"""A head CT as a scene to walk around: CPU time, size and truth, beside the same with scikit-image; and how fast its page is on screen.

    .venv/bin/python benchmarks/scene.py [--quick]

The chain: read the scan, skin and bone, surfaces, smooth, thin to as many triangles, write the file. Ours also finds the head cavity and writes names, colours,
normals and volumes; the plain chain is that of ``head_ct.py`` (SimpleITK for the masks, a blur, scikit-image's marching cubes, fast-simplification, trimesh).
Distances are between the drawn surfaces and the surface midway between voxels inside and outside, both ways. The page is opened in headless Chromium with
software GL, where there is one; CPU time is that of all its processes. The scan is heads/cranium_ct where the data are (``DIAPHANE_DATA``), else the made head.
"""

from __future__ import annotations

from beside import alone, machine, say, told  # isort: skip  # sets the threads

import argparse
import shutil
import sys
import tempfile
import threading
import time
from importlib import util
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from head_ct import scan, segmented
from head_ct import write_scene as write_plain

POINTS = 4000
FLAGS = ["--no-sandbox", "--no-first-run", "--disable-background-networking", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]


def ours(source: Path, out: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Read to ``scene.glb``, then the page; the clock stops before that. Gives surface and mask."""
    import cv2

    from diaphane import acquire
    from diaphane.acquire.options import Options as AcquireOptions
    from diaphane.core.finding import Decision
    from diaphane.core.outcome import Part
    from diaphane.segment.head import segment_head
    from diaphane.view import Options
    from diaphane.view.page import write_page
    from diaphane.view.scene import scene_of, write_scene

    cv2.setNumThreads(1)
    case = acquire.read(source, AcquireOptions())
    labels, _ = segment_head(case.images[0], case.modality)
    if labels is None:
        raise RuntimeError("the scan was not taken for a head")
    part = Part(image=case.images[0], modality="head CT", labels=labels)
    scene = scene_of(part, Options())
    write_scene(scene, out)
    CLOCK.append(time.process_time())
    bare = SimpleNamespace(name="head", parts=(part,), provenance=SimpleNamespace(version=""), decision=Decision(method="none"))
    write_page(part, bare, scene, out, Options())  # type: ignore[arg-type]
    return [
        distances(labels.array > 0 if b.encloses else labels.array == b.label.value, part.image.geometry, b.mesh.vertices_mm, b.mesh.faces)
        for b in scene.bodies
    ]


def plain(source: Path, out: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """The same by hand."""
    import SimpleITK as sitk  # noqa: N813
    import trimesh

    from diaphane.ops.nifti import read_nifti

    labels = segmented(sitk, sitk.ReadImage(str(source)))
    write_plain(sitk, labels, out / "scene.glb")
    CLOCK.append(time.process_time())
    sitk.WriteImage(labels, str(out / "labels.nii.gz"))
    array, geometry = read_nifti(out / "labels.nii.gz")
    meshes = trimesh.load(out / "scene.glb").geometry.values()
    return [distances(array == n, geometry, mesh.vertices * 1000, mesh.faces) for n, mesh in enumerate(meshes, start=1)]


CLOCK: list[float] = []
WAYS = {"ours": ours, "SimpleITK, scikit-image": plain}


def distances(mask: np.ndarray, geometry: Any, vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of points of the drawn surface to that midway between voxels, and back; mm."""
    import trimesh
    from scipy.spatial import cKDTree
    from skimage.measure import marching_cubes

    corners, steps, _, _ = marching_cubes(np.pad(mask, 1).astype(np.float32), 0.5)
    truth, rng = geometry.to_world(corners - 1.0), np.random.default_rng(0)
    fine, small = trimesh.remesh.subdivide_to_size(np.asarray(vertices, np.float64), np.asarray(faces), 2.0, max_iter=9)

    def away(points: np.ndarray, v: np.ndarray, f: np.ndarray) -> np.ndarray:
        near = v[f[cKDTree(v[f].mean(axis=1)).query(points, k=16)[1]]]
        return np.linalg.norm(np.stack([trimesh.triangles.closest_point(near[:, n], points) for n in range(16)], axis=1) - points[:, None], axis=2).min(axis=1)

    return away(rng.permutation(fine)[:POINTS], truth, steps), away(rng.permutation(truth)[:POINTS], fine, small)


def child(way: str, source: str, out: str) -> None:
    """One run in this process, from its start to the written file."""
    found = WAYS[way](Path(source), Path(out))
    there, back = (np.concatenate(side) for side in zip(*found, strict=True))
    quantiles = {"there": [float(there.mean()), float(np.quantile(there, 0.95))], "back": [float(back.mean()), float(np.quantile(back, 0.95))]}
    told(cpu_s=CLOCK[0], mb=(Path(out) / "scene.glb").stat().st_size / 1e6, **quantiles)


def on_screen(folder: Path) -> dict[str, float] | None:
    """Seconds from the request to the drawn scene, and CPU seconds of the browser meanwhile; None without a browser."""
    chromium = shutil.which("chromium")
    if chromium is None or not util.find_spec("playwright"):
        return None
    from playwright.sync_api import sync_playwright

    from diaphane.view.server import Server

    with Server(folder) as server, sync_playwright() as p:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = p.chromium.launch(executable_path=chromium, args=FLAGS, timeout=120_000)
        page, session = browser.new_page(viewport={"width": 1280, "height": 800}), browser.new_browser_cdp_session()

        def cpu() -> float:
            return float(sum(one["cpuTime"] for one in session.send("SystemInfo.getProcessInfo")["processInfo"]))

        before, begun = cpu(), time.perf_counter()
        page.goto(server.url("view/index.html"), timeout=120_000)
        page.wait_for_selector("body[data-shown]", state="attached", timeout=120_000)
        wall, spent = time.perf_counter() - begun, cpu() - before
        browser.close()
        server.shutdown()
    return {"wall_s": wall, "cpu_s": spent}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one round")
    rounds = 1 if parser.parse_args().quick else 5
    here = [way for way in WAYS if way == "ours" or util.find_spec("SimpleITK")]
    seen: dict[str, list[dict[str, Any]]] = {way: [] for way in here}
    shown: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        source, words = scan(Path(folder))
        for n in range(rounds):
            for place, way in enumerate(here):
                out = Path(folder) / f"{n}-{place}"
                out.mkdir()
                seen[way].append(alone(__file__, way, source, out))
            if figures := on_screen(Path(folder) / f"{n}-0"):
                shown.append(figures)
    say(f"Of {words}, on {machine('SimpleITK', 'scikit-image', 'fast-simplification')}; one thread, whole processes, medians of {rounds}.\n")
    say("| chain | CPU s | file, MB | MB at the peak | drawn to labels, mm: mean, 95 % | back |\n| --- | --- | --- | --- | --- | --- |")
    for way, runs in seen.items():
        cpu, mb, peak = (float(np.median([one[key] for one in runs])) for key in ("cpu_s", "mb", "peak_mb"))
        there, back = (", ".join(f"{value:.2f}" for value in runs[0][side]) for side in ("there", "back"))
        say(f"| {way} | {cpu:.1f} | {mb:.1f} | {peak:.0f} | {there} | {back} |")
    if not shown:
        say("\nThe page: not run, no Chromium or Playwright here.")
        return
    wall, cpu = (float(np.median([one[key] for one in shown])) for key in ("wall_s", "cpu_s"))
    say(f"\nThe page in headless Chromium with software GL, 1280x800: scene on screen after {wall:.1f} s ({cpu:.1f} CPU s of all its processes).")


if __name__ == "__main__":
    if len(sys.argv) == 4:
        child(*sys.argv[1:])
    else:
        main()
