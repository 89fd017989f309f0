"""A head scan over a filmed face: what is drawn of it, and the stream of frames from the camera through tracking and registration to the picture."""

from __future__ import annotations

import json
import math
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import tee
from pathlib import Path
from statistics import median

import numpy as np

from diaphane import acquire, fuse, track
from diaphane.core.arrays import Array, BoolArray, FloatArray
from diaphane.core.camera import Camera
from diaphane.core.face import Face
from diaphane.core.image import Image
from diaphane.core.labels import Labels
from diaphane.core.mesh import Mesh
from diaphane.core.registration import Registered
from diaphane.core.storage import reading
from diaphane.core.video import Video
from diaphane.errors import InputError, RefusedError
from diaphane.ops.paint import Colormap, palette
from diaphane.ops.surface import surface, thinned
from diaphane.pipeline.registering import landmarks_of, set_on_edge
from diaphane.segment.head import segment_head
from diaphane.view.film import RATE_HZ, film
from diaphane.view.see_through import GLASS, SOLID, Scenery, Structure, Target, seen_through

Frames = Iterable[tuple[float, Array]]
Registrar = Callable[[Mesh, Frames, Iterable[tuple[Face, ...]], Camera], Iterator[Registered]]
"""Skin (LPS mm), frames, their faces with landmarks, camera → a word on each frame, in order."""
TRIANGLES, DRAWN, SKIN_DRAWN = 20_000, 24_000, 8_000
"""Of the skin that is registered; of all structures, and of the skin, that are drawn."""
LEAST_DRAWN = 200
"""Of one structure."""
TARGET_ML = 30.0
"""A given structure no larger than this has its middle marked as a target."""
OUTSIDE = 0.2
"""A structure of which more than this share lies outside of the head is not this head's."""
FEWEST = 8
"""Voxels; smaller structures have no shape to show."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """A head scan, ready to be laid on a face."""

    skin: Mesh
    """To register by."""
    scenery: Scenery
    doubts: tuple[str, ...]


@dataclass(slots=True)
class Count:
    """What came of a clip."""

    frames: int = 0
    uncertain_mm: list[float] = field(default_factory=list)
    """Of the solved frames."""
    reasons: Counter[str] = field(default_factory=Counter)
    """Of the others."""

    def take(self, registered: Registered) -> None:
        """Count a frame."""
        self.frames += 1
        if registered.solved:
            self.uncertain_mm.append(registered.uncertainty_mm)
        else:
            self.reasons[registered.reason or "no reason given"] += 1

    @property
    def words(self) -> str:
        """One line."""
        solved = len(self.uncertain_mm)
        told = f"{solved} of {self.frames} frame{'' if self.frames == 1 else 's'} solved"
        if solved:
            told += f", uncertainty {median(self.uncertain_mm):.1f} mm (median)"
        reason, count = next(iter(self.reasons.most_common(1)), ("", 0))
        return f"{told}; not solved, in {count}: {reason}" if count else told


def scanned(scan: Path, labels: Path | None, targets: Path | None, colormap: Colormap) -> Scanned:
    """The head in ``scan`` with what is to be seen in it: the structures of ``labels``, else bone where it is a CT; and the points of ``targets``.

    Raises:
        InputError: A file cannot be read, or holds no structure or target.
        RefusedError: The scan is no head, the labels lie on another grid, or a structure or target lies outside of the head.
    """
    case = acquire.read(scan, acquire.Options())
    if not case.images or case.images[0].is_picture:
        reasons = "; ".join(v.reason for v in case.verdicts if v.verdict == "refused") or "a picture or clip"
        raise RefusedError(f"{scan}: a CT or MR volume of a head is laid on a face; this is {reasons}")
    image = case.images[0]
    found, verdicts = segment_head(image, case.modality)
    if found is None:
        raise RefusedError(f"{scan}: {'; '.join(v.reason for v in verdicts if v.verdict == 'refused').replace('; give --labels FILE', '')}")
    given = None if labels is None else acquire.read_labels(labels, image)
    marked = read_targets(targets, np.asarray(found.array) > 0, image) if targets else None
    made = head_scan(image, found, given, name=str(labels), colormap=colormap)
    scenery = made.scenery if marked is None else replace(made.scenery, targets=marked)
    return replace(made, scenery=scenery, doubts=tuple(v.reason for v in verdicts if v.verdict == "doubted"))


def head_scan(image: Image, found: Labels, given: Labels | None, *, name: str, colormap: Colormap) -> Scanned:
    """The head in ``image`` as ``segment_head`` ``found`` it, with the structures of ``given`` (messages call it ``name``), else bone.

    Raises:
        InputError: ``given`` holds no structure.
        RefusedError: One lies outside of the head.
    """
    head = np.asarray(found.array) > 0
    skin = set_on_edge(thinned(surface(head, image.geometry), TRIANGLES), image)
    structures = _bones(found, image) if given is None else _structures(given, head, image, name=name, colormap=colormap)
    marked = () if given is None else _middles(given, image)
    return Scanned(skin, Scenery(thinned(skin, SKIN_DRAWN), structures, marked), ())


def read_targets(path: Path, head: BoolArray, image: Image) -> tuple[Target, ...]:
    """Points inside the head, from a file as ``simulate head`` writes it: ``{"targets": [{"name": …, "point_mm": [x, y, z]}]}``, LPS.

    Raises:
        InputError: It cannot be read.
        RefusedError: A point lies outside of the head.
    """
    with reading(path):
        text = path.read_bytes()
    try:
        rows = [(str(row["name"]), np.array([float(v) for v in row["point_mm"]])) for row in json.loads(text)["targets"]]
    except (ValueError, KeyError, TypeError) as problem:
        raise InputError(f'{path}: expected {{"targets": [{{"name": "…", "point_mm": [x, y, z]}}]}}, LPS mm ({problem})') from problem
    for name, point in rows:
        if point.shape != (3,) or not np.isfinite(point).all():
            raise InputError(f"{path}: the target '{name}' must have three finite numbers, LPS mm")
        if not _holds(head, image, point):
            raise RefusedError(f"{path}: the target '{name}' lies outside of the head in the scan; give points of this scan in LPS mm")
    return tuple(Target(name, point) for name, point in rows)


def laid_on(
    clip: Video, frames: Frames, camera: Camera | None, scan: Scanned, *, out: Path, count: Count, register: Registrar | None = None
) -> Iterator[Registered]:
    """Film ``scan`` over ``clip`` into ``out`` (MP4, of a photo PNG); yields the word on each frame as soon as it is known.

    Raises:
        InputError: There is no frame, or no face on the scan.
        UsageError: ``camera`` is of frames of another shape.
    """
    sized = camera.of_size(*clip.size_px) if camera else Camera.guessed(*clip.size_px)
    waiting: deque[tuple[float, Array]] = deque()
    seen, followed = tee(_kept(frames, waiting))
    faces = track.follow(followed, sized, track.Options(tracker="convnet"))
    with film(out, clip.rate_hz, photo=clip.is_photo) as write:
        for registered in (register or fused)(scan.skin, seen, faces, sized):
            seconds, frame = waiting.popleft()
            count.take(registered)
            until = None if clip.frame_count else round(seconds * (clip.rate_hz or RATE_HZ)) + 1
            own = sized if frame.shape[1::-1] == (sized.width, sized.height) else sized.of_size(frame.shape[1], frame.shape[0])
            write(seen_through(frame, registered, own, scan.scenery), until)
            yield registered
        if count.frames == 0:
            raise InputError(f"{clip.path}: no frame of the clip could be decoded")


def fused(skin: Mesh, frames: Frames, faces: Iterable[tuple[Face, ...]], camera: Camera) -> Iterator[Registered]:
    """The registration of ``fuse``, with landmarks by the tracker's network."""
    yield from fuse.register(skin, frames, faces, camera, fuse.RegisterOptions(), landmarks_of)


def _kept(frames: Frames, waiting: deque[tuple[float, Array]]) -> Iterator[tuple[float, Array]]:
    """Frames wait here until they are drawn on."""
    for taken in frames:
        waiting.append(taken)
        yield taken


def _bones(found: Labels, image: Image) -> tuple[Structure, ...]:
    """What is seen without labels: of a CT the bone; an MR shows its skin only."""
    bone = next((label.value for label in found.table if label.name == "bone"), None)
    if bone is None or not (found.array == bone).any():
        return ()
    return (Structure("bone", (240, 228, 196), thinned(surface(found.mask(bone), image.geometry), DRAWN), 0.55),)


def _structures(given: Labels, head: BoolArray, image: Image, *, name: str, colormap: Colormap) -> tuple[Structure, ...]:
    """Each with its share of the triangles; the one that encloses all others is glass."""
    shades = palette(given.table, colormap)
    masks = {label: given.mask(label.value) for label in given.table}
    masks = {label: mask for label, mask in masks.items() if np.count_nonzero(mask) >= FEWEST}
    if not masks:
        raise InputError(f"{name}: no structure in it (at least {FEWEST} voxels with a value above 0 are needed); give labels that hold what is to be seen")
    for label, mask in masks.items():
        beyond = float(np.count_nonzero(mask & ~head) / np.count_nonzero(mask))
        if beyond > OUTSIDE:
            raise RefusedError(f"{name}: {beyond:.0%} of the structure '{label.name}' lie outside of the head in the scan; give labels of this scan")
    whole = np.logical_or.reduce(list(masks.values()))
    meshes = {label: surface(mask, image.geometry) for label, mask in masks.items()}
    total = sum(len(mesh.faces) for mesh in meshes.values())
    share = {label: max(LEAST_DRAWN, DRAWN * len(mesh.faces) // total) for label, mesh in meshes.items()}
    opacity = {label: GLASS if _encloses(masks[label], whole) else SOLID for label in masks}
    return tuple(Structure(label.name, shades[label.value], thinned(mesh, share[label]), opacity[label]) for label, mesh in meshes.items())


def _encloses(mask: BoolArray, whole: BoolArray) -> bool:
    """Whether a structure is not the only one and reaches as far as all together along every axis."""
    others = bool((whole & ~mask).any())
    return others and all((mask.any(axis=axes) == whole.any(axis=axes)).all() for axes in ((1, 2), (0, 2), (0, 1)))


def _middles(given: Labels, image: Image) -> tuple[Target, ...]:
    """The middles of the small structures: the voxel of each that is nearest to its centre of mass."""
    voxel_ml = abs(float(np.linalg.det(image.geometry.affine[:3, :3]))) / 1000
    found = []
    for label in given.table:
        places: FloatArray = np.argwhere(given.mask(label.value)).astype(float)
        if len(places) >= FEWEST and len(places) * voxel_ml <= TARGET_ML:
            nearest = places[int(((places - places.mean(axis=0)) ** 2).sum(axis=1).argmin())]
            found.append(Target(label.name, np.asarray(image.geometry.to_world(nearest))))
    return tuple(found)


def _holds(head: BoolArray, image: Image, point: FloatArray) -> bool:
    index = image.geometry.to_index(point)
    if not all(math.isfinite(v) for v in index):
        return False
    k, j, i = np.round(index).astype(int)
    return all(0 <= n < size for n, size in zip((k, j, i), head.shape, strict=True)) and bool(head[k, j, i])
