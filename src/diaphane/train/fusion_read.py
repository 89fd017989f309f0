"""CANDIDATES_DIR, read: candidates with what is true of them, picture by picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from diaphane.acquire.picture import read_picture
from diaphane.core.arrays import Array, BoolArray, FloatArray, IntArray
from diaphane.core.candidate import Candidate
from diaphane.core.case_folder import CANDIDATES, TRACKS
from diaphane.core.coding import from_json, from_json_lines
from diaphane.core.storage import reading
from diaphane.errors import InputError
from diaphane.ops.picture import read_png, to_rgb
from diaphane.train.froc import MIN_IOU, Picture

TRUTH = "truth.json"


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture (or frame) and whose face it shows."""

    path: Path
    identity: str
    lesions: int
    part: str
    """The name of the folder that it lies in."""
    clip: str
    """Frames of one clip have the same; of a photo its own."""
    face: tuple[float, ...]
    """The true box."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """All candidates of one folder or more; rows are candidates."""

    candidates: tuple[Candidate, ...]
    picture: IntArray
    """(n,), the number of its picture."""
    hits: tuple[tuple[int, ...], ...]
    """Of each candidate the lesions of its picture that it is."""
    overlap: FloatArray
    """(n,), the largest intersection over union with a lesion."""
    ignored: BoolArray
    """(n,): false, and mostly on what the person really has: it counts neither way."""
    pictures: tuple[Shown, ...]

    @property
    def truth(self) -> IntArray:
        """(n,), 1 where it is a lesion."""
        return np.array([int(bool(h)) for h in self.hits], int)

    @property
    def groups(self) -> Array:
        """(n,), whose face."""
        return np.array([self.pictures[n].identity for n in self.picture])

    def only(self, keep: BoolArray) -> Candidates:
        """Some of the candidates, of all pictures."""
        rows = np.flatnonzero(keep)
        hits = tuple(self.hits[n] for n in rows)
        return Candidates(tuple(self.candidates[n] for n in rows), self.picture[rows], hits, self.overlap[rows], self.ignored[rows], self.pictures)

    def rgb(self, row: int) -> Array:
        """The pixels of a candidate's picture (row, column, 3)."""
        return _pixels(self.pictures[self.picture[row]].path)

    def scored(self, scores: FloatArray) -> list[Picture]:
        """Every picture for ``froc``, with a score a candidate; -inf: it does not stand."""
        found = [[-np.inf] * p.lesions for p in self.pictures]
        false: list[list[float]] = [[] for _ in self.pictures]
        for n, (picture, hits, score) in enumerate(zip(self.picture, self.hits, scores, strict=True)):
            for hit in hits:
                found[picture][hit] = max(found[picture][hit], float(score))
            if not hits and not self.ignored[n] and score > -np.inf:
                false[picture].append(float(score))
        return [Picture(p.identity, tuple(f), tuple(bad), ()) for p, f, bad in zip(self.pictures, found, false, strict=True)]


def read(data: Path) -> Candidates:
    """The candidates of a folder, or of all folders below it that hold some.

    Raises:
        InputError: A file is missing or does not go with the others, or there is no candidate.
    """
    folders = [data] if (data / CANDIDATES).is_file() else sorted(p.parent for p in data.glob(f"*/{CANDIDATES}"))
    if not folders:
        raise InputError(f"{data}: neither it nor a folder in it holds {CANDIDATES}; see docs/fuse.md for how one is made")
    parts = [_read(folder) for folder in folders]
    offsets = np.cumsum([0, *(len(p.pictures) for p in parts)])
    whole = Candidates(
        tuple(c for p in parts for c in p.candidates), np.concatenate([p.picture + at for p, at in zip(parts, offsets, strict=False)]),
        tuple(h for p in parts for h in p.hits), np.concatenate([p.overlap for p in parts]), np.concatenate([p.ignored for p in parts]),
        tuple(s for p in parts for s in p.pictures),
    )  # fmt: skip
    if not whole.candidates:
        raise InputError(f"{data}: holds no candidate; fusion learns from some hundred, true and false ones")
    return whole


def _read(folder: Path) -> Candidates:
    for name in (CANDIDATES, TRACKS, TRUTH):
        if not (folder / name).is_file():
            raise InputError(f"{folder / name}: missing; a folder of candidates holds {CANDIDATES}, {TRACKS} and {TRUTH} (docs/fuse.md)")
    with reading(folder):
        lines = from_json_lines((folder / CANDIDATES).read_text(encoding="utf-8"), str(folder / CANDIDATES))
        document = from_json((folder / TRUTH).read_text(encoding="utf-8"), str(folder / TRUTH))
    candidates = tuple(Candidate.from_json(line) for line in lines)
    try:
        entries = document["images"]
        shown = tuple(_shown(folder, e) for e in entries)
    except (KeyError, TypeError) as problem:
        raise InputError(f"{folder / TRUTH}: not as diaphane simulate skin writes it ({problem})") from problem
    numbers = {s.path.stem: n for n, s in enumerate(shown)}
    strangers = sorted({c.image for c in candidates} - set(numbers))
    if strangers:
        raise InputError(f"{folder / CANDIDATES}: names the picture '{strangers[0]}', of which {TRUTH} says nothing; they must belong together")
    of_picture: dict[int, list[int]] = {}
    for row, c in enumerate(candidates):
        of_picture.setdefault(numbers[c.image], []).append(row)
    hits: list[tuple[int, ...]] = [()] * len(candidates)
    overlap, ignored = np.zeros(len(candidates)), np.zeros(len(candidates), bool)
    for number, rows in of_picture.items():
        masks = [read_png(folder / lesion["mask"]) > 127 for lesion in entries[number]["lesions"]]
        for row in rows:
            agree = [_iou(candidates[row], m, shown[number].path) for m in masks]
            hits[row] = tuple(n for n, value in enumerate(agree) if value >= MIN_IOU)
            overlap[row] = max(agree, default=0.0)
            ignored[row] = not hits[row] and _mostly_in(candidates[row], [tuple(i["box_px"]) for i in entries[number]["ignore"]])
    return Candidates(candidates, np.array([numbers[c.image] for c in candidates], int), tuple(hits), overlap, ignored, shown)


def _shown(folder: Path, entry: Mapping[str, Any]) -> Shown:
    path = folder / entry["image"]
    return Shown(path, str(entry["face_identity"]), len(entry["lesions"]), folder.name, str(entry.get("clip") or path), tuple(entry.get("face_box_px", ())))


def _iou(candidate: Candidate, lesion: BoolArray, where: Path) -> float:
    x, y, width, height = candidate.box_px
    if lesion.shape != (candidate.size_px[1], candidate.size_px[0]):
        raise InputError(f"{where}: the lesion's mask is {lesion.shape[1]}x{lesion.shape[0]}, the candidate's picture {candidate.size_px}; they must agree")
    both = int(np.count_nonzero(candidate.mask & lesion[y : y + height, x : x + width]))
    return both / (int(candidate.mask.sum()) + int(lesion.sum()) - both)


def _mostly_in(candidate: Candidate, boxes: Sequence[tuple[int, int, int, int]]) -> bool:
    rows, columns = np.nonzero(candidate.mask)
    xs, ys = columns + candidate.box_px[0], rows + candidate.box_px[1]
    inside = np.zeros(len(xs), bool)
    for x, y, width, height in boxes:
        inside |= (xs >= x) & (xs < x + width) & (ys >= y) & (ys < y + height)
    return bool(inside.sum() > 0.5 * len(inside))


@lru_cache(maxsize=8)
def _pixels(path: Path) -> Array:
    return to_rgb(read_picture(path).array[0])
