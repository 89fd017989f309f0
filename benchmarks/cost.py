"""What a volume costs: processor time and peak memory against its size and the number of classes; and what a million studies a day would take.

    .venv/bin/python benchmarks/cost.py [--quick] [--pictures FOLDER]

Needs the extra ``train`` for the networks and the pictures. Each point is a process of its own on one thread, with the network of ``hippocampus`` in shape and
random weights, on noise; engine and precision are those that ``auto`` may choose. Time is that of the run alone, memory the peak of the process, the scan and
the results in it. Points are cubes of 64 to 512 voxels a side with 2 classes, to 256 with 5, 25 and 105. Half an hour; ``--quick`` some seconds. With
``--pictures`` the curves are drawn.
"""

from __future__ import annotations

from beside import alone, machine, say  # isort: skip  # sets the threads

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from sliding_window import Work, bundle

from diaphane.engine.machine import has_openvino
from diaphane.engine.open_vino import runs_bfloat16

SIDES, CLASSES, SMALLER = (64, 96, 128, 192, 256, 384, 512), (2, 5, 25, 105), 256
"""In full for the fewest classes; with more up to ``SMALLER``."""
STUDIES, DAY_S = 1_000_000, 86_400
ABOUT = {256: "a head at 1 mm", 512: "a trunk at 1 mm"}
"""What scans have about so many voxels, for the estimate."""
RUNNER = str(Path(__file__).with_name("sliding_window.py"))
Points = dict[tuple[int, int], dict[str, Any]]
"""CPU seconds and peak MB by side and classes."""


def measured(sides: tuple[int, ...], classes: tuple[int, ...]) -> Points:
    """One point after the other, a line each as soon as it is known."""
    engine, precision = ("openvino", "bfloat16") if has_openvino() and runs_bfloat16() else ("onnxruntime", "float32")
    say(f"Cubes of noise, 3-D U-Net of 1.4 M parameters with random weights, windows that overlap by half, {engine} {precision}, one thread.\n")
    say("| side, voxels | classes | CPU s | peak, MB | whole class maps would be, MB |\n| --- | --- | --- | --- | --- |")
    found: Points = {}
    for count in classes:
        with tempfile.TemporaryDirectory() as folder:
            path = str(bundle(Path(folder) / "b", count, stand_in=False))
            for side in (s for s in sides if s <= SMALLER or count == CLASSES[0]):
                work = Work("ours", path, (side, side, side), count, engine=engine, precision=precision)
                one = found[side, count] = alone(RUNNER, json.dumps(asdict(work)))
                say(f"| {side} | {count} | {one['cpu_s']:.1f} | {one['peak_mb']:.0f} | {4 * count * side**3 / 2**20:.0f} |")
    return found


def estimate(points: Points) -> None:
    """On paper: cores that are never idle, and what they need to hold."""
    say(f"\nOn paper, {STUDIES:,} studies a day on cores like these, never idle, the network alone:\n")
    say("| a study | CPU s | cores | memory of all, TB |\n| --- | --- | --- | --- |")
    for (side, count), one in sorted(points.items()):
        if side in ABOUT and count in (CLASSES[0], CLASSES[-1]):
            cores = STUDIES * one["cpu_s"] / DAY_S
            say(f"| {ABOUT[side]}, {side} voxels a side, {count} classes | {one['cpu_s']:.0f} | {cores:,.0f} | {cores * one['peak_mb'] / 2**20:.1f} |")


def draw(points: Points, folder: Path) -> None:
    """Two curves a picture."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    styles = dict(zip(CLASSES, (("#0072b2", "o"), ("#009e73", "s"), ("#e69f00", "^"), ("#cc79a7", "D")), strict=True))
    for key, words, name in (("cpu_s", "processor time, s", "cost_time.png"), ("peak_mb", "peak memory, MB", "cost_memory.png")):
        figure, axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
        for count, (colour, marker) in styles.items():
            sides = sorted(side for side, of in points if of == count)
            axes.plot(np.array(sides) ** 3 / 1e6, [points[side, count][key] for side in sides], color=colour, marker=marker, label=f"{count} classes")
            if key == "peak_mb":
                whole = [4 * count * side**3 / 2**20 for side in sides]
                axes.plot(np.array(sides) ** 3 / 1e6, whole, color=colour, linestyle=":", linewidth=1)
        axes.set(xscale="log", yscale="log", xlabel="million voxels", ylabel=words)
        if key == "peak_mb":
            axes.plot([], [], color="#555555", linestyle=":", label="whole class maps, float32")
        axes.grid(visible=True, which="major", color="#dddddd")
        axes.legend(frameon=False)
        figure.savefig(folder / name, dpi=110)
        plt.close(figure)


def main() -> None:
    """Print the table and the estimate; draw the curves where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="two small cubes")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="where the curves go")
    given = parser.parse_args()
    say(f"On {machine('onnxruntime', 'openvino')}.\n")
    points = measured(SIDES[:1], CLASSES[:2]) if given.quick else measured(SIDES, CLASSES)
    estimate(points)
    if given.pictures:
        draw(points, given.pictures)


if __name__ == "__main__":
    main()
