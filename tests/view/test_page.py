from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.view.test_scene import document as chunks
from tests.view.test_scene import volume_part

from diaphane.core.finding import Decision, Finding
from diaphane.core.outcome import Outcome, Part
from diaphane.core.provenance import Provenance
from diaphane.view import Options
from diaphane.view.page import STATIC, write_page
from diaphane.view.scene import scene_of, write_scene

DOT_MM = (10.0, -20.0, 30.0)
ROOT = Path(__file__).parents[2]


def outcome_of_volume(part: Part | None = None) -> Outcome:
    """A case of one scan with a finding in it, and one elsewhere."""
    here = Finding(id=1, label="lesion </script>", probability=0.8251, image="scan", frame=3, box_px=(0, 0, 2, 2), centroid_mm=DOT_MM, site="left")
    found = (here, replace(here, id=2, image="photo"), replace(here, id=3, centroid_mm=None))
    made = Provenance(version="0", inputs={}, plan_sha256="", weights={}, recipes={}, licences={}, seed=0, created="2026-01-02T03:04:05Z")
    decision = Decision(method="none", findings=found)
    return Outcome(name="a head", parts=(part or volume_part(),), decision=decision, verdicts=(), not_assessed=(), provenance=made)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    case = outcome_of_volume()
    folder = tmp_path_factory.mktemp("page")
    scene = scene_of(case.parts[0], Options(scene_triangles=20_000))
    write_scene(scene, folder)
    write_page(case.parts[0], case, scene, folder, Options(page_voxels=50_000))
    return folder


def told(folder: Path) -> dict[str, Any]:
    text = (folder / "view" / "data.js").read_text()
    assert re.fullmatch(r"window\.diaphaneCase = \{.*\};\n", text)
    assert "<" not in text, "nothing in it can end the script"
    found: dict[str, Any] = json.loads(text.removeprefix("window.diaphaneCase = ").removesuffix(";\n"))
    return found


def unpacked(text: str) -> bytes:
    return gzip.decompress(base64.b64decode(text))


def test_page_holds_the_very_scene_and_the_voxels_that_it_describes(written: Path) -> None:
    data = told(written)
    assert unpacked(data["scene"]) == (written / "scene.glb").read_bytes()
    tree, _ = chunks(written / "scene.glb")
    assert [one["node"] for one in data["structures"]] == [node["name"] for node in tree["nodes"][1:]]
    assert data["leftOut"] == ["speck"]
    shape = data["volume"]["shape"]
    assert np.prod(shape) <= 50_000
    codes, labels = np.frombuffer(unpacked(data["voxels"]), np.uint8).reshape(2, *shape)
    brain = np.argwhere(labels == 2)
    places = np.c_[brain, np.ones(len(brain))] @ np.array(data["volume"]["affine"]).reshape(4, 4).T
    assert places[:, :3].mean(axis=0) == pytest.approx([0, 0, 0], abs=1), "the brain is a ball around the origin"
    assert codes[labels == 2].min() > codes[labels == 255].max()


def test_findings_of_this_scan_with_a_place_are_told(written: Path) -> None:
    (finding,) = told(written)["findings"]
    assert finding == {"id": 1, "label": "lesion </script>", "probability": 0.8251, "centroid_mm": list(DOT_MM), "site": "left"}


def test_structures_are_told_with_the_colours_and_volumes_of_the_report(written: Path) -> None:
    skin = told(written)["structures"][0]
    assert (skin["node"], skin["label"], skin["role"], skin["colour"]) == ("skin", 1, "anatomy", "#fde725")
    assert 0 < skin["opacity"] < 1
    tree, _ = chunks(written / "scene.glb")
    assert [one["volume_ml"] for one in told(written)["structures"]] == [node["extras"]["volume_ml"] for node in tree["nodes"][1:]]


def test_page_forbids_every_connection_and_names_no_other_place(written: Path) -> None:
    page = (written / "view" / "index.html").read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy
    assert "default-src 'none'" in policy[1]
    assert "http" not in policy[1]
    assert re.findall(r'(?:src|href)="(?!\.\./|[\w.]+"|data:,)([^"]+)"', page) == []


def test_same_case_gives_the_same_bytes(written: Path, tmp_path: Path) -> None:
    case = outcome_of_volume()
    scene = scene_of(case.parts[0], Options(scene_triangles=20_000))
    write_page(case.parts[0], case, scene, tmp_path, Options(page_voxels=50_000))
    assert (tmp_path / "view" / "data.js").read_bytes() == (written / "view" / "data.js").read_bytes()


def test_built_page_is_the_committed_one_and_its_library_is_named() -> None:
    static = files("diaphane.view") / "static"
    sums = dict(reversed(line.split()) for line in (static / "checksums.txt").read_text().splitlines())  # type: ignore[misc]
    assert sorted(sums) == sorted(STATIC)
    for name, sha in sums.items():
        assert hashlib.sha256((static / name).read_bytes()).hexdigest() == sha, f"{name}: run npm run build in web/"
    wanted = json.loads((ROOT / "web" / "package.json").read_text())["devDependencies"]["three"]
    licences = (static / "licences.txt").read_text()
    assert f"three.js {wanted}" in licences
    assert "MIT License" in licences
    assert f"revision:`{wanted.split('.')[1]}`" in (static / "page.js").read_text()
    for name in ("index.html", "page.css", "licences.txt"):
        assert (ROOT / "web" / "public" / name).read_bytes() == (static / name).read_bytes(), f"{name}: run npm run build in web/"
