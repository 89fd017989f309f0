"""Fusion of files alone: candidates and tracks of one picture or clip, or of many."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from diaphane import fuse
from diaphane.acquire.picture import read_picture
from diaphane.core.arrays import Array
from diaphane.core.candidate import Candidate
from diaphane.core.coding import from_json_lines
from diaphane.core.face import Face
from diaphane.core.finding import Decision
from diaphane.core.storage import reading
from diaphane.core.track import Sighting
from diaphane.engine.bundle import Bundle
from diaphane.errors import InputError
from diaphane.fuse import Options
from diaphane.ops.picture import to_rgb

SUFFIXES = (".png", ".jpg", ".jpeg")
FRAME, NUMBER = "_f", re.compile(r"\d{6}")
"""What stands before the number of a frame in the name of its picture, and that number."""


def fuse_files(candidates_file: Path, tracks_file: Path, images: Path, options: Options) -> Decision:
    """The decision about all candidates; each source by itself, with its own faces.

    Raises:
        InputError: A file is missing or no such file, numbers of candidates repeat, or candidates and tracks are of other pictures.
        UsageError: The fusion that is asked for is not here, or needs what is not given.
    """
    candidates = [Candidate.from_json(line) for line in _lines(candidates_file)]
    sightings = [Sighting.from_json(line) for line in _lines(tracks_file)]
    if len({c.candidate for c in candidates}) < len(candidates):
        raise InputError(f"{candidates_file}: the number of a candidate must be its own, some repeat; findings name candidates by it")
    _check(candidates, sightings, candidates_file, tracks_file)
    bundle, why_not = fuse.chosen(options) if sightings else (None, "no face was tracked")
    decisions = []
    for source in dict.fromkeys(c.source_sha256 for c in candidates):
        own = [c for c in candidates if c.source_sha256 == source]
        frames = _frames([s for s in sightings if s.source_sha256 == source], own, images)
        decisions.append(fuse.decide(own, frames, bundle, options, _pictures(own, images, bundle)))
    decision = fuse.merged(decisions) if decisions else fuse.decide((), (), None, options)
    return replace(decision, method=f"{decision.method} ({why_not})") if why_not else decision


def _check(candidates: Sequence[Candidate], sightings: Sequence[Sighting], candidates_file: Path, tracks_file: Path) -> None:
    """That both files are of the same pictures; a picture without any face has no line of tracks."""
    sizes = {(s.source_sha256, s.frame): s.size_px for s in sightings}
    sources = {s.source_sha256 for s in sightings}
    if sources and candidates and not sources & {c.source_sha256 for c in candidates}:
        raise InputError(f"{tracks_file} is of another picture or clip than {candidates_file} (the SHA-256 of their sources differ); give files of one case")
    for c in candidates:
        size = sizes.get((c.source_sha256, c.frame))
        if size is not None and tuple(size) != tuple(c.size_px):
            raise InputError(
                f"{candidates_file}: candidate {c.candidate} is of a frame of {c.size_px[0]}x{c.size_px[1]} pixels, {tracks_file} says {size[0]}x{size[1]}; "
                "give files of one case"
            )


def _frames(sightings: Sequence[Sighting], candidates: Sequence[Candidate], images: Path) -> tuple[tuple[Face, ...], ...]:
    """The faces of the frames that were looked at: those of candidates, and those of the clip whose pictures lie in ``images``."""
    if not sightings:
        return ()
    clips = {c.image.rpartition(FRAME)[0] for c in candidates if FRAME in c.image}
    shown = (path.stem.rpartition(FRAME) for path in images.glob(f"*{FRAME}*") if path.suffix in SUFFIXES)
    looked = {c.frame for c in candidates} | {int(number) for name, _, number in shown if name in clips and NUMBER.fullmatch(number)}
    faces: dict[int, list[Face]] = {n: [] for n in looked}
    for s in sightings:
        if s.frame in faces:
            faces[s.frame].append(s.face)
    return tuple(tuple(faces.get(n, ())) for n in range(max(looked, default=0) + 1))


def _pictures(candidates: Sequence[Candidate], images: Path, bundle: Bundle | None) -> dict[str, Array]:
    """Those that the network of a bundle looks at."""
    if bundle is None or bundle.recipe.input is None:
        return {}
    found = {}
    for name in dict.fromkeys(c.image for c in candidates):
        path = next((images / f"{name}{suffix}" for suffix in SUFFIXES if (images / f"{name}{suffix}").is_file()), None)
        if path is not None:
            found[name] = to_rgb(read_picture(path).array[0])
    return found


def _lines(path: Path) -> list[object]:
    if not path.is_file():
        raise InputError(f"{path}: no such file; diaphane run writes it into the case")
    with reading(path):
        return from_json_lines(path.read_text(encoding="utf-8"), str(path))
