from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from scipy.spatial import cKDTree
from skimage.measure import marching_cubes

from diaphane.core.geometry import Geometry
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.core.outcome import Part
from diaphane.core.recipe import LabelRecipe
from diaphane.ops.nifti import read_nifti
from diaphane.ops.paint import palette
from diaphane.view import Options
from diaphane.view.scene import scene_of, write_scene

LEFT_HANDED = np.array([[0, 0, -3.0, 90], [0, 3.0, 0, -90], [4.0, 0, 0, -80], [0, 0, 0, 1]])
TABLE = tuple(LabelRecipe(value=v, name=n, role="anatomy") for v, n in ((1, "skin"), (4, "brain"), (9, "speck"), (12, "brain"), (13, "never seen")))


def volume_part() -> Part:
    """A ball of 80 mm (skin) around a ball of 50 mm (brain), a nose in front, a second brain at the patient's left, a speck."""
    geometry = Geometry(LEFT_HANDED, calibrated=True)
    index = np.stack(np.meshgrid(np.arange(45), np.arange(60), np.arange(60), indexing="ij"), axis=-1)
    x, y, z = np.moveaxis(geometry.to_world(index), -1, 0)
    away = np.sqrt(x**2 + y**2 + z**2)
    array = np.where(away <= 80, 1, 0)
    array[away <= 50] = 4
    array[(np.abs(x) < 10) & (np.abs(z) < 10) & (y < -60) & (y > -88)] = 1
    array[np.sqrt((x - 65) ** 2 + y**2 + z**2) <= 9] = 12
    array[20, 30, 30] = 9
    return Part(image=Image(array.astype(np.int16), geometry, "scan"), modality="", labels=Labels(array.astype(np.uint8), TABLE))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scene(scene_of(volume_part(), Options(scene_triangles=20_000)), tmp_path_factory.mktemp("scene"))


def document(path: Path) -> tuple[dict[str, Any], bytes]:
    """The two chunks of a GLB."""
    raw = path.read_bytes()
    magic, version, length = struct.unpack("<4sII", raw[:12])
    assert (magic, version, length) == (b"glTF", 2, len(raw))
    size = struct.unpack("<I", raw[12:16])[0]
    return json.loads(raw[20 : 20 + size]), raw[28 + size :]


def values(tree: dict[str, Any], binary: bytes, number: int) -> np.ndarray:
    accessor = tree["accessors"][number]
    view = tree["bufferViews"][accessor["bufferView"]]
    kind = np.dtype({5126: "<f4", 5125: "<u4", 5123: "<u2"}[accessor["componentType"]])
    width = {"SCALAR": 1, "VEC3": 3}[accessor["type"]]
    start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
    assert start % 4 == 0
    assert accessor["count"] * width * kind.itemsize == view["byteLength"]
    return np.frombuffer(binary, kind, accessor["count"] * width, start).reshape(-1, width)


def test_file_keeps_the_rules_of_gltf(written: Path) -> None:
    tree, binary = document(written)
    assert tree["asset"]["version"] == "2.0"
    for mesh in tree["meshes"]:
        (primitive,) = mesh["primitives"]
        position, normal = (values(tree, binary, primitive["attributes"][kind]) for kind in ("POSITION", "NORMAL"))
        index = values(tree, binary, primitive["indices"])
        assert len(normal) == len(position) > index.max()
        accessor = tree["accessors"][primitive["attributes"]["POSITION"]]
        assert (accessor["min"], accessor["max"]) == (pytest.approx(position.min(axis=0)), pytest.approx(position.max(axis=0)))
        assert np.linalg.norm(normal, axis=1) == pytest.approx(1, abs=1e-3)
        assert tree["materials"][primitive["material"]]["pbrMetallicRoughness"]["metallicFactor"] == 0


def test_each_structure_is_a_named_node_below_one_root_with_its_volume(written: Path) -> None:
    tree, _ = document(written)
    (root,) = (tree["nodes"][n] for n in tree["scenes"][0]["nodes"])
    children = {tree["nodes"][n]["name"]: tree["nodes"][n] for n in root["children"]}
    assert list(children) == ["skin", "brain", "brain (2)"]
    assert root["name"] == "scan"
    assert root["extras"]["left_out"] == ["speck"]
    labels = volume_part().labels
    assert labels is not None
    for node, value in zip(children.values(), (1, 4, 12), strict=True):
        assert node["extras"]["volume_ml"] == pytest.approx(int(labels.mask(value).sum()) * 0.036, abs=1e-3)
        assert node["extras"]["label"] == value


def test_scene_is_upright_in_metres_and_looks_at_the_viewer(written: Path) -> None:
    scene = trimesh.load(written)
    skin, left = scene.geometry["skin"], scene.geometry["brain (2)"]
    assert skin.bounds[:, 1] == pytest.approx([-0.08, 0.08], abs=0.003)
    assert skin.bounds[1, 2] == pytest.approx(0.088, abs=0.003), "the nose points to +z"
    assert skin.bounds[0, 2] == pytest.approx(-0.08, abs=0.003)
    assert left.centroid == pytest.approx([0.065, 0, 0], abs=0.001), "the patient's left is at +x"
    assert all(mesh.volume > 0 for mesh in scene.geometry.values()), "faces look outward"
    assert scene.geometry["brain"].volume * 1e6 == pytest.approx(4 / 3 * np.pi * 5**3, rel=0.02)


def test_structures_have_the_overlay_s_colours_and_the_outer_one_can_be_looked_through(written: Path) -> None:
    tree, _ = document(written)
    shades = palette(TABLE, "viridis")
    for material, value in zip(tree["materials"], (1, 4, 12), strict=True):
        light = np.array(material["pbrMetallicRoughness"]["baseColorFactor"])
        shown = np.where(light[:3] <= 0.0031308, 12.92 * light[:3], 1.055 * light[:3] ** (1 / 2.4) - 0.055) * 255
        assert shown == pytest.approx(shades[value], abs=0.5)
        assert material["alphaMode"] == ("BLEND" if value == 1 else "OPAQUE")
        assert (light[3] < 1) == (value == 1)


def test_outer_structure_is_drawn_without_the_walls_of_what_is_inside(written: Path) -> None:
    skin = trimesh.load(written).geometry["skin"]
    assert skin.volume * 1e6 == pytest.approx(4 / 3 * np.pi * 8**3, rel=0.03)
    assert len(skin.split(only_watertight=False)) == 1


def test_triangles_of_all_structures_stay_below_the_limit(tmp_path: Path) -> None:
    counts = []
    for limit in (10_000, 100_000):
        scene = trimesh.load(write_scene(scene_of(volume_part(), Options(scene_triangles=limit)), tmp_path / str(limit)))
        counts.append(sum(len(mesh.faces) for mesh in scene.geometry.values()))
    assert 9_000 < counts[0] <= 10_000
    assert counts[0] < counts[1] <= 100_000


def away(points: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """The distance of each point to the nearest of the triangles, in mm: to those whose middles are nearest."""
    tree = cKDTree(vertices[faces].mean(axis=1))
    some = vertices[faces[tree.query(points, k=min(16, len(faces)))[1]]]
    flat = [trimesh.triangles.closest_point(some[:, n], points) for n in range(some.shape[1])]
    return np.linalg.norm(np.stack(flat, axis=1) - points[:, None], axis=2).min(axis=1)


@pytest.mark.data
@pytest.mark.parametrize(
    ("image", "labels", "mean_mm", "p95_mm"),
    [
        ("heads/cranium_ct/cranium_ct.nii.gz", "heads/cranium_ct/cranium_bone_mask.nii.gz", 0.3, 0.6),
        ("abdomen_ct/example_ct.nii.gz", "abdomen_ct/example_seg_fast_force_split.nii.gz", 0.5, 1.2),
        ("msd_hippocampus/imagesTr/hippocampus_001.nii.gz", "msd_hippocampus/labelsTr/hippocampus_001.nii.gz", 0.2, 0.4),
    ],
    ids=["head CT, 1.5 mm", "abdomen CT, 3 mm", "hippocampus, 1 mm"],
)
def test_surfaces_lie_on_the_labels_of_real_scans(data: Path, image: str, labels: str, mean_mm: float, p95_mm: float) -> None:
    """Both ways, against the surface midway between voxels inside and outside."""
    array, geometry = read_nifti(data / labels)
    grid = np.asarray(array, np.uint8)
    table = tuple(LabelRecipe(value=int(v), name=str(v), role="anatomy") for v in np.unique(grid) if v)
    part = Part(image=Image(read_nifti(data / image)[0], geometry, "scan"), modality="", labels=Labels(grid, table))
    rng = np.random.default_rng(0)
    found = []
    scene = scene_of(part, Options())
    for body in scene.bodies[:: max(1, len(scene.bodies) // 6)]:
        mask = np.pad(grid > 0 if body.encloses else grid == body.label.value, 1)
        vertices, faces, _, _ = marching_cubes(mask.astype(np.float32), 0.5)
        steps, drawn = geometry.to_world(vertices - 1.0), np.asarray(body.mesh.vertices_mm, np.float64)
        found.append(away(rng.permutation(drawn)[:400], steps, faces))
        found.append(away(rng.permutation(steps)[:400], *trimesh.remesh.subdivide_to_size(drawn, body.mesh.faces, 2 * max(geometry.spacing), max_iter=9)))
    assert np.concatenate(found).mean() < mean_mm
    assert np.quantile(np.concatenate(found), 0.95) < p95_mm
    assert len(scene.glb) < 2e6
