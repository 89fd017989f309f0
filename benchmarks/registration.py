"""How far off a scan lies on a filmed face, how often a wrong pose is called solved, and how fast: the tables in docs/registration.md.

    .venv/bin/python benchmarks/registration.py [--heads DIR] [--frames N] [--right-only] [NAME ...]

NAME is a seed of ``diaphane simulate head``, or colin27 or cranium_ct (the data, ``DIAPHANE_DATA``); by default the heads for reporting: 21, 22, 23, colin27.
Registration was tuned on seed 1 and cranium_ct. Clips that are not in DIR are made there, which needs the extra ``ar`` and some minutes a head; all needs the
weights (``diaphane models pull faces``). TRE is the mean distance, over the targets inside the head, of where they are drawn from where they are.
"""

from __future__ import annotations

from beside import DATA, machine, say  # isort: skip  # sets the threads before numpy reads them

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from diaphane import acquire, track
from diaphane.acquire import Options as AcquireOptions
from diaphane.core.arrays import Array, FloatArray
from diaphane.core.camera import Camera
from diaphane.core.face import Face
from diaphane.core.mesh import Mesh
from diaphane.core.registration import Registered
from diaphane.errors import InputError
from diaphane.fuse import RegisterOptions, register
from diaphane.ops.projection import project
from diaphane.pipeline.registering import landmarks_of, skin_of

REPORTED = ("21", "22", "23", "colin27")
GIVEN = {"colin27": ("colin27/ch2.nii.gz", 4), "cranium_ct": ("cranium_ct/cranium_ct.nii.gz", 1)}
"""Scan, and the seed that films it."""
WRONG_MM, WIDE = 15.0, 1280
FAILED = np.inf


@dataclass(frozen=True)
class Head:
    """A clip and all that is true of it."""

    name: str
    skin: Mesh
    frames: list[tuple[float, Array]]
    tracks: list[tuple[Face, ...]]
    nominal: Camera
    true: Camera
    truth: list[Registered]
    targets: FloatArray


@dataclass(frozen=True)
class Run:
    """What came out, a row a frame; NaN where unsolved."""

    solved: Array
    tre: FloatArray
    lateral: FloatArray
    depth: FloatArray
    pixels: FloatArray
    stated: FloatArray
    latency: FloatArray
    first_s: float
    reasons: Counter[str]


def head(name: str, folder: Path, frames: int) -> Head:
    """Made where it is not there yet."""
    out = folder / name
    scan = DATA / "heads" / GIVEN[name][0] if name in GIVEN else out / "scan.nii.gz"
    if not (out / "video.mp4").is_file():
        seed = str(GIVEN[name][1]) if name in GIVEN else name
        words = ["simulate", "head", "--out", str(out), "--seed", seed, "--frames", str(frames), *(["--scan", str(scan)] if name in GIVEN else [])]
        subprocess.run([sys.executable, "-m", "diaphane", *words], check=True)  # noqa: S603
    clip = acquire.read(out / "video.mp4", AcquireOptions()).video
    if clip is None:
        sys.exit(f"{out / 'video.mp4'}: no clip")
    taken = list(acquire.frames(clip, AcquireOptions()))[:frames]
    nominal, true = (acquire.read_camera(out / f) for f in ("camera.toml", "true_camera.toml"))
    tracks = list(track.follow(taken, nominal, track.Options(tracker="convnet")))
    truth = [Registered.from_json(json.loads(line)) for line in (out / "truth.jsonl").read_text().splitlines()]
    targets = np.array([t["point_mm"] for t in json.loads((out / "targets.json").read_text())["targets"]])
    return Head(name, skin_of(acquire.read(scan, AcquireOptions()).images[0]), taken, tracks, nominal, true, truth, targets)


def run(given: Head, skin: Mesh) -> Run:
    """``skin`` on the clip of ``given``."""
    begun, first, results = time.perf_counter(), np.nan, []
    try:
        for result in register(skin, given.frames, given.tracks, given.nominal, RegisterOptions(), landmarks_of):
            if np.isnan(first) and result.solved:
                first = time.perf_counter() - begun
            results.append(result)
    except InputError as problem:
        results = [refused(n, str(problem)) for n in range(len(given.frames))]
    rows = np.array([row(given, result) for result in results])
    solved = np.array([r.solved for r in results])
    later = np.array([r.latency_ms for r in results[1:]])
    reasons = Counter(r.reason for r in results if not r.solved)
    return Run(solved, *rows.T, np.array([r.uncertainty_mm for r in results]), later, first, reasons)


def refused(frame: int, reason: str) -> Registered:
    """A frame of a scan on which no face is found."""
    return Registered(frame=frame, solved=False, transform=None, uncertainty_mm=np.nan, latency_ms=np.nan, reason=reason)


def row(given: Head, result: Registered) -> list[float]:
    """TRE, lateral, depth (mm) and pixels at ``WIDE`` pixels across; NaN where unsolved."""
    true = given.truth[result.frame].transform
    if not result.solved or result.transform is None or true is None:
        return [np.nan] * 4
    placed, there = result.transform(given.targets), true(given.targets)
    off = placed - there
    seen = np.linalg.norm(project(placed, given.nominal) - project(there, given.true), axis=1).mean() * WIDE / given.nominal.width
    far = np.linalg.norm(off, axis=1).mean()
    return [float(v) for v in (far, np.linalg.norm(off[:, :2], axis=1).mean(), np.abs(off[:, 2]).mean(), seen)]


def pooled(runs: list[Run]) -> Run:
    """All frames of several."""
    arrays = [np.concatenate([getattr(r, n) for r in runs]) for n in ("solved", "tre", "lateral", "depth", "pixels", "stated", "latency")]
    return Run(*arrays, float(np.nanmax([r.first_s for r in runs])), sum((r.reasons for r in runs), Counter()))


def line(name: str, made: Run) -> str:
    """A row of the table."""
    s = made.solved
    whole = np.where(s, made.tre, FAILED)
    if not s.any():
        return f"| {name} | - | - | - | - | 0 % of {len(s)} | - | - | - | - | - |"
    wrong, covered = (made.tre[s] > WRONG_MM).mean(), (made.tre[s] < 2 * made.stated[s]).mean()
    cells: list[Any] = [
        name, middle_and_end(made.tre[s]), middle_and_end(made.lateral[s]), middle_and_end(made.depth[s]), middle_and_end(whole),
        f"{s.mean():.0%} of {len(s)}", f"{wrong:.1%}", f"{covered:.0%} ({np.median(made.stated[s]):.1f} mm)",
        f"{np.median(made.pixels[s]):.1f} / {np.percentile(made.pixels[s], 95):.1f}", f"{made.first_s:.1f}",
        f"{np.nanmedian(made.latency):.0f} / {np.nanpercentile(made.latency, 95):.0f}",
    ]  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def middle_and_end(values: FloatArray) -> str:
    """Median and 95th percentile."""
    told = [float(np.percentile(values, p, method="inverted_cdf")) for p in (50, 95)]
    return " / ".join(f"{v:.1f}" if np.isfinite(v) else "not solved" for v in told)


def mirrored(skin: Mesh) -> Mesh:
    """Left and right exchanged."""
    return Mesh(skin.vertices_mm * np.array([-1, 1, 1], skin.vertices_mm.dtype), np.ascontiguousarray(skin.faces[:, ::-1]))


def right(heads: list[Head]) -> list[Run]:
    """Each clip with its own scan."""
    say("| head | TRE mm, median / 95th | lateral | depth | TRE, unsolved as failures | solved | solved with TRE > 15 mm | TRE < 2 x stated (median stated) "
        "| px at 1280 | first pose s | tracking ms |")  # fmt: skip
    say("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    runs = []
    for given in heads:
        runs.append(run(given, given.skin))
        say(line(given.name, runs[-1]))
    say(line("pooled", pooled(runs)))
    for reason, count in pooled(runs).reasons.most_common(5):
        say(f"unsolved, {count} frames: {reason}")
    return runs


def wrong(heads: list[Head], runs: list[Run]) -> None:
    """Scans that are not the filmed person's: the share of frames called solved."""
    say("\n| clip | own scan | mirrored scan | scan of another person |\n| --- | --- | --- | --- |")
    for n, given in enumerate(heads):
        other = heads[(n + 1) % len(heads)]
        cells = [f"{runs[n].solved.mean():.0%}"]
        for skin, told in ((mirrored(given.skin), ""), (other.skin, f" ({other.name})")):
            made = run(given, skin)
            reason = f": {made.reasons.most_common(1)[0][0][:60]}" if made.reasons else f", TRE {np.nanmedian(made.tre):.1f} mm"
            cells.append(f"{made.solved.mean():.0%}{told}{reason}")
        say(f"| {given.name} | {' | '.join(cells)} |")


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(REPORTED), metavar="NAME")
    parser.add_argument("--heads", type=Path, default=Path("heads"))
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--right-only", action="store_true")
    chosen = parser.parse_args()
    say(machine("numpy", "opencv-contrib-python-headless"))
    heads = [head(name, chosen.heads, chosen.frames) for name in chosen.names]
    runs = right(heads)
    if not chosen.right_only:
        wrong(heads, runs)


if __name__ == "__main__":
    main()
