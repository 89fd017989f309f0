"""Meshes as one binary glTF file.

Source: Khronos glTF 2.0 specification, 4.4 (GLB), 3.6 (binary data), 3.7 (meshes), 3.9 (materials).
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from diaphane.core.arrays import Array, FloatArray, IntArray
from diaphane.core.provenance import version

ARRAY, ELEMENTS = 34962, 34963
"""Targets of buffer views: attributes of vertices, indices."""
FLOAT, USHORT, UINT = 5126, 5123, 5125
LARGEST_USHORT = 65535
"""The last index of 16 bits restarts strips in WebGL: none is used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One node of the file with one mesh and one material."""

    name: str
    vertices: FloatArray
    """(n, 3), metres."""
    normals: FloatArray
    """(n, 3), unit length."""
    faces: IntArray
    """(m, 3), counter-clockwise from outside."""
    colour: tuple[float, ...]
    """Red, green, blue in linear light and opacity, 0-1."""
    extras: dict[str, Any]


def glb(shapes: Sequence[Shape], root: str, extras: dict[str, Any]) -> bytes:
    """The file: the node ``root`` with these ``extras``, below it a node a shape; the same shapes give the same bytes."""
    binary = _Binary()
    nodes: list[dict[str, Any]] = [{"name": root, "extras": extras}]
    meshes, materials = [], []
    for n, shape in enumerate(shapes):
        nodes.append({"name": shape.name, "mesh": n, "extras": shape.extras})
        meshes.append({"name": shape.name, "primitives": [_primitive(shape, binary, n)]})
        materials.append(_material(shape))
    if shapes:
        nodes[0]["children"] = list(range(1, len(nodes)))
    tree = {
        "asset": {"version": "2.0", "generator": f"Diaphane {version()}"}, "scene": 0, "scenes": [{"nodes": [0]}], "nodes": nodes,
        "meshes": meshes, "materials": materials, "accessors": binary.accessors, "bufferViews": binary.views,
        "buffers": [{"byteLength": binary.length}] if shapes else [],
    }  # fmt: skip
    return _chunks({key: value for key, value in tree.items() if value or key == "scene"}, b"".join(binary.parts))


class _Binary:
    """The second chunk while it grows; everything in it begins at a multiple of four."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.length = 0
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []

    def add(self, array: Array, kind: int, shape: str, target: int, **more: Any) -> int:
        """The number of the accessor to ``array``."""
        data = array.tobytes()
        self.views.append({"buffer": 0, "byteOffset": self.length, "byteLength": len(data), "target": target})
        self.accessors.append({"bufferView": len(self.views) - 1, "componentType": kind, "count": len(array), "type": shape, **more})
        self.parts.append(data + bytes(-len(data) % 4))
        self.length += len(self.parts[-1])
        return len(self.accessors) - 1


def _primitive(shape: Shape, binary: _Binary, material: int) -> dict[str, Any]:
    vertices = shape.vertices.astype("<f4")
    small = len(vertices) <= LARGEST_USHORT
    bounds = {"min": vertices.min(axis=0).tolist(), "max": vertices.max(axis=0).tolist()}
    attributes = {
        "POSITION": binary.add(vertices, FLOAT, "VEC3", ARRAY, **bounds),
        "NORMAL": binary.add(shape.normals.astype("<f4"), FLOAT, "VEC3", ARRAY),
    }
    indices = binary.add(shape.faces.ravel().astype("<u2" if small else "<u4"), USHORT if small else UINT, "SCALAR", ELEMENTS)
    return {"attributes": attributes, "indices": indices, "material": material}


def _material(shape: Shape) -> dict[str, Any]:
    seen_through = shape.colour[3] < 1
    return {
        "name": shape.name, "alphaMode": "BLEND" if seen_through else "OPAQUE", "doubleSided": seen_through,
        "pbrMetallicRoughness": {"baseColorFactor": list(shape.colour), "metallicFactor": 0.0, "roughnessFactor": 0.7},
    }  # fmt: skip


def _chunks(tree: dict[str, Any], binary: bytes) -> bytes:
    text = json.dumps(tree, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + (struct.pack("<I4s", len(binary), b"BIN\0") + binary if binary else b"")
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks
