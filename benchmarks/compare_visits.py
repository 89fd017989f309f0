"""Two visits of one simulated person, for compare.py: the same face with the same lesions, photographed twice; some lesions grew, shrank, came or went.

    python benchmarks/compare_visits.py DATA WORK --part tune --scenes 6

Each visit is the same picture of the face under its own drawn tilt (up to 8 degrees), size (0.85 to 1.1), narrowing (up to 12 %, as when a head turns), crop,
exposure, noise and compression, and goes through ``diaphane.run`` as a photo of its own. With --turn-deg the second visit's head is turned as well, by
landmarks with the depth of the average face. What it lacks: another expression, another light, a head turned so far that it hides one cheek.
WORK/PART/PERSON_N/{before,after} are the cases, {before,after}.png beside them the truth (value = number of the lesion), truth.json the fates.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
from scipy.interpolate import LinearNDInterpolator
from tqdm import tqdm

import diaphane
from diaphane import track
from diaphane.core.arrays import Array, FloatArray
from diaphane.ops.picture import write_png
from diaphane.simulate import scene as scenes
from diaphane.simulate.camera import draw_exposure, exposed
from diaphane.simulate.faces import Canvas, draw_crop, face_canvas
from diaphane.simulate.lesions import Patch, isic_patch
from diaphane.simulate.scene import Lesion, PatchOf, Scene, draw_scene, render_scene
from diaphane.simulate.splits import FacePicture, Part, split
from diaphane.track import Options as TrackOptions
from diaphane.track.detection import overlap

FATES = {"same": 0.5, "grown": 0.2, "shrunk": 0.1, "gone": 0.1, "new": 0.1}
"""How probable each is, a lesion."""
GROWTH = 1.5
"""Of the diameter."""
SEED = 401
VISITS = ("before", "after")
LESIONS = (0, 0, 0, 0, 0.4, 0.3, 0.3)
"""How probable 0, 1, 2 … lesions in a scene are: more than elsewhere, so that fewer pictures tell as much. Where there is no room there are fewer."""
PLAN = diaphane.Plan(track=TrackOptions(tracker="framework"))
"""Of all visits: the cascades, which look at photos of which nothing is said, miss a third of these faces."""


@dataclass(frozen=True)
class Pair:
    """Two visits, made."""

    fates: tuple[str, ...]
    photos: tuple[bytes, bytes]
    truths: tuple[Array, Array]


def main() -> None:
    """Make what is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--part", choices=["tune", "test"], required=True)
    parser.add_argument("--scenes", type=int, default=6)
    parser.add_argument("--turn-deg", type=float, default=0.0)
    parsed = parser.parse_args()
    made = sum(1 for _ in cases(parsed.data, parsed.work, parsed.part, parsed.scenes, parsed.turn_deg))
    sys.stdout.write(f"{made} pairs\n")


def cases(data: Path, work: Path, part: Part, scenes: int, turn_deg: float = 0.0) -> Iterator[Path]:
    """The folder of each pair of cases, made where it is not there; with ``turn_deg`` the head is turned so far at the second visit, to either side."""
    people = split(part).faces
    names = [(identity, n) for n in range(scenes) for identity in people]
    for identity, n in tqdm(names, desc=part, unit="pair", disable=None):
        folder = work / (f"{part}_{turn_deg:g}" if turn_deg else part) / f"{identity}_{n}"
        if not (folder / "truth.json").exists():
            rng = np.random.default_rng([SEED, int(identity.rpartition("-")[2]), n])
            pictures = people[identity]
            _write(pair_of(data, part, pictures[int(rng.integers(len(pictures)))], turn_deg, rng), folder)
        yield folder


def pair_of(data: Path, part: Part, face: FacePicture, turn_deg: float, rng: np.random.Generator) -> Pair:
    """One face, drawn and rendered twice."""
    canvas = face_canvas(data / "faces", face, draw_crop(face, rng))
    available = split(part).lesions
    with mock.patch.object(scenes, "LESIONS", LESIONS):
        scene = draw_scene(canvas, len(available), rng)
    fates = tuple(str(f) for f in rng.choice(list(FATES), len(scene.lesions), p=list(FATES.values())))
    patch_of = partial(_patch, data / "isic2017", available)
    photos, truths = zip(*(_visit(canvas, (scene, fates), patch_of, angle, rng) for angle in (None, np.radians(turn_deg))), strict=True)
    return Pair(fates, photos, truths)


def _visit(canvas: Canvas, made: tuple[Scene, tuple[str, ...]], patch_of: PatchOf, angle: float | None, rng: np.random.Generator) -> tuple[bytes, Array]:
    """The photo, and the number of the lesion that each pixel belongs to; without an ``angle`` (rad) it is the first visit."""
    scene, fates = made
    larger, absent = ("grown", "gone") if angle is not None else ("shrunk", "new")
    numbers = [n for n, fate in enumerate(fates) if fate != absent]
    own = tuple(_sized(scene.lesions[n], GROWTH if fates[n] == larger else 1.0) for n in numbers)
    rendered = render_scene(canvas, replace(scene, lesions=own), patch_of)
    move, size = _motion(canvas, rng)
    truth = np.zeros(canvas.rgb.shape[:2], np.uint8)
    for n, (_, mask) in zip(numbers, rendered.lesions, strict=True):
        truth[mask] = n + 1
    rgb = rendered.rgb
    if angle:
        rgb, truth = _turned(rgb, truth, canvas, angle * rng.choice([-1, 1]))
    seen = cv2.warpAffine(rgb, move, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    return exposed(seen, replace(draw_exposure(rng), is_mirrored=False)), cv2.warpAffine(truth, move, size, flags=cv2.INTER_NEAREST)


def _turned(rgb: Array, truth: Array, canvas: Canvas, angle_rad: float) -> tuple[Array, Array]:
    """The head turned sideways: landmarks with the depth of the average face, rotated; what is between moves with them, the picture's edge stays."""
    pixels = np.round(rgb * 255).astype(np.uint8)
    found = [f for f in next(iter(track.follow([(0.0, pixels)], None, PLAN.track))) if overlap(f.box_px, canvas.face_box) > 0.3]
    chart = track.chart()
    if not found or chart is None:
        return rgb, truth
    points = np.asarray(track.landmarked(pixels, (found[0],))[0].landmarks_px)[: len(chart.points_mm)]
    model, middle = chart.points_mm - chart.points_mm.mean(axis=0), points.mean(axis=0)
    fit = np.linalg.lstsq(model, points - middle, rcond=None)[0]
    scale = np.linalg.svd(fit, compute_uv=False)[0]
    depth = scale * model @ np.cross(*(fit / np.linalg.norm(fit, axis=0)).T)
    moved = points.copy()
    moved[:, 0] = middle[0] + (points[:, 0] - middle[0]) * np.cos(angle_rad) + depth * np.sin(angle_rad)
    rows, columns = rgb.shape[:2]
    edge = np.array([(x, y) for x in np.linspace(0, columns - 1, 9) for y in np.linspace(0, rows - 1, 9) if x in (0, columns - 1) or y in (0, rows - 1)])
    came = LinearNDInterpolator(np.vstack([moved, edge]), np.vstack([points, edge]))(*np.meshgrid(np.arange(columns), np.arange(rows)))
    x, y = (np.nan_to_num(came[..., n]).astype(np.float32) for n in range(2))
    return cv2.remap(rgb, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), cv2.remap(truth, x, y, cv2.INTER_NEAREST)


def _patch(dataset: Path, available: tuple[str, ...], number: int) -> Patch:
    return isic_patch(dataset, available[number])


def _sized(lesion: Lesion, factor: float) -> Lesion:
    return replace(lesion, place=replace(lesion.place, diameter_px=factor * lesion.place.diameter_px))


def _motion(canvas: Canvas, rng: np.random.Generator) -> tuple[FloatArray, tuple[int, int]]:
    """(2, 3) about the face's middle, and the size of what is cropped out around it: 0.45 to 0.9 faces on each side."""
    x, y, width, height = canvas.face_box
    tilt, size, narrow = np.radians(rng.uniform(-8, 8)), rng.uniform(0.85, 1.1), rng.uniform(0.88, 1)
    turn = size * np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]]) @ np.diag([narrow, 1])
    left, right, above, below = rng.uniform(0.45, 0.9, 4) * height
    wide, tall = round((left + width + right) * size), round((above + height + below) * size)
    middle = np.array([(left + width / 2) * size, (above + height / 2) * size])
    return np.column_stack([turn, middle - turn @ (x + width / 2, y + height / 2)]), (wide, tall)


def _write(pair: Pair, folder: Path) -> None:
    for which, photo, truth in zip(VISITS, pair.photos, pair.truths, strict=True):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{which}.jpg").write_bytes(photo)
        write_png(folder / f"{which}.png", truth)
        diaphane.run(folder / f"{which}.jpg", folder / which, PLAN)
    (folder / "truth.json").write_text(json.dumps({"fates": pair.fates}))


if __name__ == "__main__":
    main()
