"""What was segmented as a scene to walk around: ``scene.glb`` (glTF 2.0).

Millimetres LPS of the scan become metres with y up: glTF x is the patient's left, y the head, z the front. So the
patient stands upright and looks at the viewer, and nothing is shifted: a point of the scan (x, y, z) mm lies at
(x, z, -y) / 1000. Source: Khronos glTF 2.0 specification, 3.4 (coordinate system and units).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from diaphane.core.arrays import Array, BoolArray, FloatArray
from diaphane.core.case_folder import SCENE
from diaphane.core.labels import Labels
from diaphane.core.mesh import Mesh
from diaphane.core.outcome import Part
from diaphane.core.recipe import LabelRecipe
from diaphane.core.storage import write_whole
from diaphane.ops.paint import Colour, palette
from diaphane.ops.surface import surface, thinned
from diaphane.view.gltf import Shape, glb
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
class Body:
    """One structure of the scene."""

    label: LabelRecipe
    name: str
    """Of its node: the label's, with a number where another has it."""
    colour: Colour
    mesh: Mesh
    volume_mm3: float
    """Of its own voxels."""
    encloses: bool
    """Whether it is drawn as the outer surface of all structures together, to be looked through."""

    def to_json(self) -> dict[str, Any]:
        """What the page says of it."""
        colour = "#{:02x}{:02x}{:02x}".format(*self.colour)
        told = {"node": self.name, "label": self.label.value, "role": self.label.role, "colour": colour, "volume_ml": round(self.volume_mm3 / 1000, 3)}
        return told | {"opacity": SEE_THROUGH if self.encloses else 1.0}


@dataclass(frozen=True, slots=True)
class Scene:
    """All structures of one volume, and the file."""

    bodies: tuple[Body, ...]
    """In the order of the table."""
    left_out: tuple[str, ...]
    """Structures too small to show."""
    glb: bytes


def scene_of(part: Part, options: Options) -> Scene:
    """A node a structure, named after it, in the overlay's colours, with ``volume_ml`` in its extras.

    A structure whose box holds all others (skin) is drawn as the outer surface of all of them and can be looked
    through. The root node's extras name the structures that are left out, being smaller than eight voxels.
    """
    labels = part.labels
    bodies, left_out = ([], []) if labels is None else _bodies(labels, part, options)
    thin = tuple(replace(body, mesh=mesh) for body, mesh in zip(bodies, _within(bodies, options.scene_triangles), strict=True))
    return Scene(thin, tuple(left_out), glb([_shape(body) for body in thin], ROOT, {"axes": AXES, "left_out": left_out}))


def write_scene(scene: Scene, folder: Path) -> Path:
    """``scene.glb`` in ``folder``."""
    write_whole(folder / SCENE, scene.glb)
    return folder / SCENE


def _bodies(labels: Labels, part: Part, options: Options) -> tuple[list[Body], list[str]]:
    """The structures in the order of the table, and the names of those too small to show."""
    boxes = ndimage.find_objects(labels.array)
    voxel = abs(float(np.linalg.det(part.image.geometry.affine[:3, :3])))
    present = [(label, boxes[label.value - 1]) for label in labels.table if label.value <= len(boxes) and boxes[label.value - 1] is not None]
    outer = _encloses_all([box for _, box in present])
    shades = palette(labels.table, options.colormap)
    bodies: list[Body] = []
    left_out = []
    for n, (label, box) in enumerate(present):
        own: BoolArray = labels.array[box] == label.value
        count = int(np.count_nonzero(own))
        if count < FEWEST:
            left_out.append(label.name)
            continue
        mesh = surface(labels.array[box] > 0 if n == outer else own, part.image.geometry, start=tuple(side.start for side in box))
        name = unused(label.name, {body.name for body in bodies})
        bodies.append(Body(label, name, shades[label.value], mesh, count * voxel, n == outer))
    return bodies, left_out


def _encloses_all(boxes: list[tuple[slice, ...]]) -> int | None:
    """Which of ``boxes`` holds all others; None where none does, or there is one only."""
    if len(boxes) < 2:
        return None
    sides = np.array([[[side.start, side.stop] for side in box] for box in boxes])
    whole = [sides[:, :, 0].min(axis=0), sides[:, :, 1].max(axis=0)]
    holds = [n for n, box in enumerate(sides) if (box[:, 0] == whole[0]).all() and (box[:, 1] == whole[1]).all()]
    return holds[0] if len(holds) == 1 else None


def _within(bodies: list[Body], limit: int) -> list[Mesh]:
    """The meshes thinned so that together they stay at about ``limit`` triangles: each to the same share, above a least number."""
    total = sum(len(body.mesh.faces) for body in bodies)
    if total <= limit:
        return [body.mesh for body in bodies]
    least = min(FEWEST_TRIANGLES, limit // (2 * len(bodies)))
    share = (limit - least * len(bodies)) / total
    return [thinned(body.mesh, least + int(share * len(body.mesh.faces))) for body in bodies]


def _shape(body: Body) -> Shape:
    """``body`` as a node of its own, with its material and normals."""
    extras: dict[str, Any] = {"volume_ml": round(body.volume_mm3 / 1000, 3), "label": body.label.value, "role": body.label.role}
    if body.encloses:
        extras["drawn_as"] = "outer surface of all structures together"
    return Shape(
        name=body.name,
        vertices=np.asarray(body.mesh.vertices_mm) @ TO_METRES.T,
        normals=np.asarray(body.mesh.vertex_normals) @ (1000 * TO_METRES.T),
        faces=np.asarray(body.mesh.faces),
        colour=(*linear(body.colour), SEE_THROUGH if body.encloses else 1.0),
        extras=extras,
    )


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
