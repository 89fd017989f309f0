"""A folder of simulated pictures with their truth, as ``diaphane simulate skin`` writes it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow

from diaphane.core.arrays import Array, BoolArray
from diaphane.core.coding import json_text
from diaphane.core.storage import write_whole
from diaphane.errors import InputError
from diaphane.ops.picture import write_png
from diaphane.simulate.camera import draw_exposure, exposed
from diaphane.simulate.faces import Canvas, draw_crop, face_canvas
from diaphane.simulate.lesions import Patch, cut_out, isic_patch
from diaphane.simulate.scene import PatchOf, box_of, draw_scene, render_scene
from diaphane.simulate.skin import draw_lesion, render_lesion, render_skin
from diaphane.simulate.splits import Box, Part, split

TRUTH = "truth.json"
MADE = 64
"""How many procedural lesions there are to choose from."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where real lesions and faces are, and which part of them is used."""

    lesions: Path
    """The folder isic2017."""
    faces: Path
    part: Part


@dataclass(frozen=True, slots=True)
class Simulated:
    """One picture and its truth."""

    jpeg: bytes
    identity: str
    face_box: Box
    lesions: tuple[tuple[str, BoolArray], ...]
    """Source and mask of each, on the picture's grid."""
    distractors: tuple[tuple[str, bool, Box], ...]
    ignore: tuple[Box, ...]

    @property
    def pixels(self) -> Array:
        """(row, column, 3) uint8, as a reader of the file sees them."""
        return np.asarray(Pillow.open(io.BytesIO(self.jpeg)).convert("RGB"))


def simulated(sources: Sources | None, seed: int, number: int) -> Simulated:
    """Picture ``number`` (from 0) of ``seed``: the same bytes, however many others are made."""
    rng = np.random.default_rng([seed, number])
    canvas, patch_of, available = _procedural(seed, rng) if sources is None else _real(sources, rng)
    scene = draw_scene(canvas, available, rng)
    exposure = draw_exposure(rng)
    rendered = render_scene(canvas, scene, patch_of)
    width = canvas.rgb.shape[1]
    turn = partial(_mirrored, width=width) if exposure.is_mirrored else _unmoved
    return Simulated(
        exposed(rendered.rgb, exposure),
        canvas.identity,
        turn(canvas.face_box),
        tuple((source, mask[:, ::-1] if exposure.is_mirrored else mask) for source, mask in rendered.lesions),
        tuple((kind, on_face, turn(box)) for kind, on_face, box in rendered.distractors),
        tuple(turn(box) for box in canvas.ignore),
    )


def _unmoved(box: Box) -> Box:
    return box


def _mirrored(box: Box, width: int) -> Box:
    return width - box[0] - box[2], box[1], box[2], box[3]


def _real(sources: Sources, rng: np.random.Generator) -> tuple[Canvas, PatchOf, int]:
    chosen = split(sources.part)
    people = list(chosen.faces.values())
    pictures = people[int(rng.integers(len(people)))]
    face = pictures[int(rng.integers(len(pictures)))]
    canvas = face_canvas(sources.faces, face, draw_crop(face, rng))
    return canvas, lambda n: isic_patch(sources.lesions, chosen.lesions[n]), len(chosen.lesions)


def _procedural(seed: int, rng: np.random.Generator) -> tuple[Canvas, PatchOf, int]:
    rows, columns = 320, 384
    pixels = render_skin(rng, rows, columns).astype(np.float32) / 255
    skin = np.zeros((rows, columns), bool)
    skin[8:-8, 8:-8] = True
    return Canvas("procedural", pixels, (0, 0, columns, rows), skin, (), (), 2.0, 0.5), partial(_made_patch, seed), MADE


def _made_patch(seed: int, number: int) -> Patch:
    return cut_out(*render_lesion(draw_lesion(np.random.default_rng([seed, number, 1]), 144, 192)), f"procedural-{number}")


def write_pictures(out: Path, sources: Sources | None, seed: int, count: int) -> Iterator[int]:
    """Write ``count`` pictures with their masks and ``truth.json``; yields the number of each as it is done.

    Raises:
        InputError: ``out`` holds something already.
    """
    if out.exists() and any(out.iterdir()):
        raise InputError(f"{out}: is not empty; give --out a new folder, so that pictures and truth belong together")
    entries = []
    for number in range(count):
        entries.append(_write(out, f"{number:05d}", simulated(sources, seed, number)))
        yield number
    write_whole(out / TRUTH, (json_text({"images": entries}, indent=1) + "\n").encode())


def _write(out: Path, stem: str, made: Simulated) -> dict[str, Any]:
    image = f"images/{stem}.jpg"
    write_whole(out / image, made.jpeg)
    lesions = []
    for n, (source, mask) in enumerate(made.lesions, start=1):
        path = f"masks/{stem}_{n}.png"
        write_png(out / path, mask.astype(np.uint8) * 255)
        lesions.append({"box_px": box_of(mask), "mask": path, "source": source})
    return {
        "image": image,
        "face_identity": made.identity,
        "face_box_px": made.face_box,
        "lesions": lesions,
        "distractors": [{"box_px": box, "kind": kind, "on_face": on_face} for kind, on_face, box in made.distractors],
        "ignore": [{"box_px": box} for box in made.ignore],
    }
