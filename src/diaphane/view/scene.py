"""What was segmented as a scene to walk around: ``scene.glb`` (glTF 2.0).

Millimetres LPS of the scan become metres with y up: glTF x is the patient's left, y the head, z the front. So the
patient stands upright and looks at the viewer, and nothing is shifted: a point of the scan (x, y, z) mm lies at
(x, z, -y) / 1000. Source: Khronos glTF 2.0 specification, 3.4 (coordinate system and units).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from scipy import ndimage
from trimesh.visual import TextureVisuals
from trimesh.visual.material import PBRMaterial

from diaphane.core.arrays import Array, BoolArray, FloatArray
from diaphane.core.case_folder import SCENE
from diaphane.core.labels import Labels
from diaphane.core.mesh import Mesh
from diaphane.core.outcome import Part
from diaphane.core.recipe import LabelRecipe
from diaphane.core.storage import write_whole
from diaphane.ops.paint import Colour, palette
from diaphane.ops.surface import surface, thinned
from diaphane.view.options import Options

TO_METRES = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]) / 1000
"""LPS mm to glTF metres."""
FEWEST = 8
"""Structures with fewer voxels have no shape to show."""
FEWEST_TRIANGLES = 400
"""A structure keeps this many, as long as all together then stay below the limit."""
SEE_THROUGH = 0.35
"""Opacity of a structure that encloses the others."""
ROOT = "scan"
AXES = "metres; x: the patient's left, y: the head, z: the front: (x, z, -y) / 1000 of the scan's LPS mm"


@dataclass(frozen=True, slots=True)
class _Body:
    """One structure of the scene."""

    label: LabelRecipe
    mesh: Mesh
    volume_mm3: float
    """Of its own voxels."""
    encloses: bool
    """Whether it is drawn as the outer surface of all structures together, to be looked through."""


def write_scene(part: Part, folder: Path, options: Options) -> Path:
    """``scene.glb`` in ``folder``: a node a structure, named after it, in the overlay's colours, with ``volume_ml`` in its extras.

    A structure whose box holds all others (skin) is drawn as the outer surface of all of them and can be looked
    through. The root node's extras name the structures that are left out, being smaller than eight voxels.
    """
    labels = part.labels
    bodies, left_out = ([], []) if labels is None else _bodies(labels, part)
    shades = palette(labels.table if labels else (), options.colormap)
    scene = trimesh.Scene()
    scene.graph.update(frame_to=ROOT, metadata={"axes": AXES, "left_out": left_out})
    for body, mesh in zip(bodies, _within(bodies, options.scene_triangles), strict=True):
        _add(scene, body, mesh, shades[body.label.value])
    path = folder / SCENE
    write_whole(path, trimesh.exchange.gltf.export_glb(scene, include_normals=True))
    return path


def _bodies(labels: Labels, part: Part) -> tuple[list[_Body], list[str]]:
    """The structures in the order of the table, and the names of those too small to show."""
    boxes = ndimage.find_objects(labels.array)
    voxel = abs(float(np.linalg.det(part.image.geometry.affine[:3, :3])))
    present = [(label, boxes[label.value - 1]) for label in labels.table if label.value <= len(boxes) and boxes[label.value - 1] is not None]
    outer = _encloses_all([box for _, box in present])
    bodies, left_out = [], []
    for n, (label, box) in enumerate(present):
        own: BoolArray = labels.array[box] == label.value
        count = int(np.count_nonzero(own))
        if count < FEWEST:
            left_out.append(label.name)
            continue
        mesh = surface(labels.array[box] > 0 if n == outer else own, part.image.geometry, start=tuple(side.start for side in box))
        bodies.append(_Body(label, mesh, count * voxel, n == outer))
    return bodies, left_out


def _encloses_all(boxes: list[tuple[slice, ...]]) -> int | None:
    """Which of ``boxes`` holds all others; None where none does, or there is one only."""
    if len(boxes) < 2:
        return None
    sides = np.array([[[side.start, side.stop] for side in box] for box in boxes])
    whole = [sides[:, :, 0].min(axis=0), sides[:, :, 1].max(axis=0)]
    holds = [n for n, box in enumerate(sides) if (box[:, 0] == whole[0]).all() and (box[:, 1] == whole[1]).all()]
    return holds[0] if len(holds) == 1 else None


def _within(bodies: list[_Body], limit: int) -> list[Mesh]:
    """The meshes thinned so that together they stay at about ``limit`` triangles: each to the same share, above a least number."""
    total = sum(len(body.mesh.faces) for body in bodies)
    if total <= limit:
        return [body.mesh for body in bodies]
    least = min(FEWEST_TRIANGLES, limit // (2 * len(bodies)))
    share = (limit - least * len(bodies)) / total
    return [thinned(body.mesh, least + int(share * len(body.mesh.faces))) for body in bodies]


def _add(scene: trimesh.Scene, body: _Body, mesh: Mesh, colour: Colour) -> None:
    """``body`` as a node of its own, with its material and normals."""
    name = unused(body.label.name, set(scene.geometry))
    material = PBRMaterial(
        name=name,
        baseColorFactor=[*linear(colour), SEE_THROUGH if body.encloses else 1.0],
        alphaMode="BLEND" if body.encloses else "OPAQUE",
        metallicFactor=0.0,
        roughnessFactor=0.7,
        doubleSided=body.encloses,
    )
    shape = trimesh.Trimesh(
        np.asarray(mesh.vertices_mm) @ TO_METRES.T, np.asarray(mesh.faces), vertex_normals=np.asarray(mesh.vertex_normals) @ (1000 * TO_METRES.T),
        visual=TextureVisuals(material=material), process=False,
    )  # fmt: skip
    extras: dict[str, Any] = {"volume_ml": round(body.volume_mm3 / 1000, 3), "label": body.label.value, "role": body.label.role}
    if body.encloses:
        extras["drawn_as"] = "outer surface of all structures together"
    scene.add_geometry(shape, node_name=name, geom_name=name, parent_node_name=ROOT, metadata=extras)


def unused(name: str, taken: set[str]) -> str:
    """``name``, or ``name (2)`` and so on where it, or the root's name, is taken."""
    out, n = name, 2
    while out in taken or out == ROOT:
        out, n = f"{name} ({n})", n + 1
    return out


def linear(colour: Colour) -> tuple[float, ...]:
    """A colour of pictures (sRGB, 0-255) as glTF's factors (linear light, 0-1). Source: IEC 61966-2-1."""
    share: FloatArray = np.array(colour) / 255
    out: Array = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return tuple(out.tolist())
