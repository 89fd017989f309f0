"""What a study costs: time and peak memory against a volume's size and the number of classes, and of whole cases as they come.

    .venv/bin/python benchmarks/cost.py [--largest SIDE] [--rounds N] [--sides SIDE ...]

Writes the tables into ``docs/cost.md``, between the marks there, and draws ``docs/pictures/cost_time.png`` and ``cost_memory.png``. The curves
are of the network and windows of ``sliding_window.py``, with random weights, one thread; sides above ``--largest`` (default 192) are
partly reckoned: their time is that of the last measured side by the number of windows, their memory is measured with a stand-in for the
network, one convolution, and what the network took more than that is added. The tables say so. ``--largest 512`` measures all: an hour
and a half. Cases are of the real data, where it is here.
"""

from __future__ import annotations

from beside import DATA, alone, machine, say, told  # isort: skip  # sets the threads

import argparse
import math
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sliding_window import OVERLAP, PATCH, Work, bundle, measured

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROOT = Path(__file__).parents[1]
PAGE, PICTURES = ROOT / "docs/cost.md", ROOT / "docs/pictures"
SIDES, CLASSES = (64, 96, 128, 192, 256, 384, 512), (2, 5, 15, 40, 105)
SIDE, FEW, MANY = 96, 5, 105
"""Of the curve over classes; of the curves over sizes."""
DAY, STUDIES, BUSY = 86_400, 1_000_000, 0.7
"""Seconds, studies in them, and the share of its time that a core computes."""
MIX = {"X-ray": 0.6, "picture": 0.2, "head CT": 0.2}
"""A made-up day."""
KINDS = {
    "picture": (DATA / "isic2017/images", 12, ""),
    "X-ray": (DATA / "cxr_lungs/images", 6, ""),
    "head CT": (DATA / "heads/cranium_ct/cranium_ct.nii.gz", 2, ""),
    "hippocampus MR": (DATA / "msd_hippocampus/imagesTr", 6, '[segment]\nbundle = "hippocampus"\n'),
}
"""Where studies of a kind are, how many are taken, and the plan."""


@dataclass(frozen=True, slots=True)
class Point:
    """A measured volume."""

    side: int
    classes: int
    windows: int
    cpu_s: float
    peak_mb: float
    reckoned: bool
    """Whether it is partly that of another side, see ``reckon``."""


@dataclass(frozen=True, slots=True)
class Study:
    """What a case of a kind costs."""

    kind: str
    cpu_s: float
    peak_mb: float
    stored_mb: float
    read_mb: float


def windows(side: int) -> int:
    """That a cube is looked at in."""
    return math.prod(1 + math.ceil(max(0, side - n) / int(n * (1 - OVERLAP))) for n in PATCH)


def seen(side: int, classes: int, rounds: int, *, stand_in: bool = False) -> dict[str, float]:
    """CPU seconds and peak of a cube."""
    with tempfile.TemporaryDirectory() as folder:
        made = bundle(Path(folder) / "b", classes, stand_in=stand_in)
        return measured({"": Work("ours", str(made), (side, side, side), classes, stand_in)}, rounds)[""]


def measure(side: int, classes: int, rounds: int) -> Point:
    """A cube, with the network."""
    found = seen(side, classes, rounds)
    return _said(Point(side, classes, windows(side), found["cpu_s"], found["peak_mb"], reckoned=False))


def reckon(side: int, last: Point) -> Point:
    """A cube larger than the ``last`` measured: time by the windows; memory as the stand-in takes, and what the network took more than it there."""
    more = last.peak_mb - seen(last.side, last.classes, 1, stand_in=True)["peak_mb"]
    peak = seen(side, last.classes, 1, stand_in=True)["peak_mb"] + more
    return _said(Point(side, last.classes, windows(side), last.cpu_s / last.windows * windows(side), peak, reckoned=True))


def _said(p: Point) -> Point:
    say(f"{p.side}^3, {p.classes} classes: {p.cpu_s:.1f} CPU s, {p.peak_mb:.0f} MB{' (reckoned)' * p.reckoned}")
    return p


def over_sizes(sides: Sequence[int], classes: int, largest: int, rounds: int) -> list[Point]:
    """Cubes of all ``sides``, the first of which is measured."""
    points: list[Point] = []
    for side in sides:
        is_measured = side <= largest or not points
        points.append(measure(side, classes, rounds) if is_measured else reckon(side, next(p for p in reversed(points) if not p.reckoned)))
    return points


def study(kind: str) -> Study | None:
    """Cases of a kind, each after another in one process with one thread; the first one, which loads the networks, does not count."""
    place, count, plan = KINDS[kind]
    if not place.exists():
        return None
    files = sorted(place.iterdir())[: count + 1] if place.is_dir() else [place] * (count + 1)
    found = alone(__file__, "--case", plan, *files)
    stored, read = (statistics.mean(each) / 1e6 for each in (found["bytes"], [f.stat().st_size for f in files]))
    made = Study(kind, statistics.mean(found["cpu_s"][1:]), found["peak_mb"], stored, read)
    say(f"{kind}: {made.cpu_s:.2f} CPU s, {made.peak_mb:.0f} MB at the peak, {made.stored_mb:.2f} MB stored")
    return made


def cases(plan_text: str, files: list[str]) -> None:
    """``study`` in this process."""
    from diaphane.engine.options import Options
    from diaphane.pipeline import run
    from diaphane.plan import Plan
    from diaphane.segment import Options as SegmentOptions

    bundle_name = re.search(r'bundle = "(\w+)"', plan_text)
    plan = Plan(engine=Options(engine="onnxruntime", threads=1), segment=SegmentOptions(bundle=bundle_name[1] if bundle_name else None))
    seconds, sizes = [], []
    with tempfile.TemporaryDirectory() as folder:
        for number, file in enumerate(files):
            out, begun = Path(folder) / str(number), time.process_time()
            run(file, out, plan)
            seconds.append(time.process_time() - begun)
            sizes.append(sum(p.stat().st_size for p in out.rglob("*") if p.is_file()))
    told(cpu_s=seconds, bytes=sizes)


def table_of_points(points: list[Point]) -> str:
    """Markdown."""
    lines = ["| volume | classes | windows | CPU, s | at the peak, MB | all class maps at once would be, MB |", "| --- | --- | --- | --- | --- | --- |"]
    for p in points:
        time_s = f"{p.cpu_s:.0f}{' (reckoned)' if p.reckoned else ''}" if p.cpu_s >= 10 else f"{p.cpu_s:.1f}"
        lines.append(f"| {p.side} x {p.side} x {p.side} | {p.classes} | {p.windows} | {time_s} | {p.peak_mb:.0f} | {4 * p.classes * p.side**3 / 1e6:.0f} |")
    return "\n".join(lines)


def table_of_studies(studies: list[Study]) -> str:
    """Markdown: a case, and a day of them."""
    head = ["kind", "CPU s a study", "MB at the peak", "MB stored", "MB of input", "cores", "memory, GB", "stored a day, TB", "network in, Gbit/s"]
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join(["---"] * len(head)) + " |"]
    mixed = _mixed(studies)
    for s in [*studies, *([mixed] if mixed else [])]:
        cores = math.ceil(STUDIES * s.cpu_s / (DAY * BUSY))
        rest = f"{cores} | {cores * s.peak_mb / 1e3:.0f} | {STUDIES * s.stored_mb / 1e6:.1f} | {STUDIES * s.read_mb * 8e-3 / DAY:.2f}"
        lines.append(f"| {s.kind} | {s.cpu_s:.2f} | {s.peak_mb:.0f} | {s.stored_mb:.2f} | {s.read_mb:.2f} | {rest} |")
    return "\n".join(lines)


def _mixed(studies: list[Study]) -> Study | None:
    """The study of the mean of ``MIX``; its memory is the largest: every process sees every kind."""
    known = {s.kind: s for s in studies}
    if not MIX.keys() <= known.keys():
        return None

    def mean(name: str) -> float:
        return sum(share * getattr(known[kind], name) for kind, share in MIX.items())

    words = ", ".join(f"{share:.0%} {kind}s".replace("%", " %") for kind, share in MIX.items())
    return Study(f"a mix: {words}", mean("cpu_s"), max(known[kind].peak_mb for kind in MIX), mean("stored_mb"), mean("read_mb"))


def draw(name: str, what: str, label: str, sizes: dict[int, list[Point]], classes: list[Point]) -> None:
    """Two panels: against the size, and against the number of classes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for count, points in sizes.items():
        _line(left, [p.side for p in points], [getattr(p, what) for p in points], f"{count} classes")
        if what == "peak_mb":
            left.plot([p.side for p in points], [4 * count * p.side**3 / 1e6 for p in points], ":", color="0.5", label=f"{count} class maps, whole")
    _line(right, [p.classes for p in classes], [getattr(p, what) for p in classes], f"{SIDE} x {SIDE} x {SIDE} voxels")
    sides = [p.side for p in sizes[FEW]]
    left.set(xlabel="side of the volume, voxels", ylabel=label, xscale="log", yscale="log", xticks=sides, xticklabels=map(str, sides))
    left.minorticks_off()
    right.set(xlabel="classes", ylabel=label, ylim=(0, 1.2 * max(getattr(p, what) for p in classes)))
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize=8)
    figure.savefig(PICTURES / name, dpi=110, metadata={"Software": None})


def _line(axes: Axes, x: list[int], y: list[float], label: str) -> None:
    axes.plot(x, y, "o-", label=label)


def write(text: str) -> None:
    """Between the marks of the page."""
    page = PAGE.read_text(encoding="utf-8")
    begin, end = "<!-- measured -->", "<!-- end -->"
    before, _, rest = page.partition(begin)
    PAGE.write_text(f"{before}{begin}\n{text}\n{end}{rest.partition(end)[2]}", encoding="utf-8")


def main() -> None:
    """Measure, write, draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--largest", type=int, default=192)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sides", type=int, nargs="+", default=SIDES)
    parsed = parser.parse_args()
    studies = [made for kind in KINDS if (made := study(kind))]
    sizes = {count: over_sizes(parsed.sides, count, parsed.largest if count == FEW else parsed.sides[0], parsed.rounds) for count in (FEW, MANY)}
    classes = [measure(SIDE, count, parsed.rounds) for count in CLASSES]
    PICTURES.mkdir(exist_ok=True)
    draw("cost_time.png", "cpu_s", "CPU, s", sizes, classes)
    draw("cost_memory.png", "peak_mb", "peak memory of the process, MB", sizes, classes)
    write(
        f"On {machine('onnxruntime', 'numpy')}; medians of {parsed.rounds}.\n\n### A day of {STUDIES:,} studies\n\n"
        + f"{table_of_studies(studies)}\n\n### Against the size of the volume\n\n{table_of_points([p for points in sizes.values() for p in points])}\n\n"
        + f"### Against the number of classes\n\n{table_of_points(classes)}"
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--case"]:
        cases(sys.argv[2], sys.argv[3:])
    else:
        main()
