"""How long from the start of a process to a first result, and to ``--help``: a 256x256 picture, wall and CPU time.

    .venv/bin/python benchmarks/startup.py [--quick]

Needs the base install alone. A minute. Peers are run where their programs are on the path; reading their own help is all they are asked for. Files
that the system reads are in its cache after the round that does not count.
"""

from __future__ import annotations

from beside import machine, say  # isort: skip  # sets the threads

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from diaphane.ops.picture import write_png
from diaphane.simulate.skin import draw_lesion, render_lesion

SIDE = 256
PEERS = ("TotalSegmentator", "nnUNetv2_predict", "pyradiomics")
OURS = [sys.executable, "-m", "diaphane"]


def commands(picture: Path, folder: Path) -> dict[str, list[str]]:
    """Ours; the result goes into another folder each time, so that nothing is kept."""
    return {
        "`diaphane --help`": [*OURS, "--help"],
        "`diaphane segment --help`": [*OURS, "segment", "--help"],
        "a label map: `diaphane segment` by skin_lesion": [*OURS, "segment", str(picture), "--bundle", "skin_lesion", "--out", str(folder / "labels")],
        "a whole case with its report: `diaphane run`": [*OURS, "run", str(picture), "--out", str(folder / "case")],
    }


def timed(words: list[str]) -> tuple[float, float]:
    """Wall and CPU seconds of a process, to its end."""
    before, begun = os.times(), time.perf_counter()
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603  # our own program, or a peer's
    took, after = time.perf_counter() - begun, os.times()
    if done.returncode not in (0, 4):  # 4: done, and doubted by the output gate
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()[-2000:]}")
    return took, after.children_user + after.children_system - before.children_user - before.children_system


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one round")
    rounds = 1 if parser.parse_args().quick else 7
    peers = {f"`{name} --help`": [path, "--help"] for name in PEERS if (path := shutil.which(name))}
    took: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "made.png"
        write_png(picture, render_lesion(draw_lesion(np.random.default_rng(3), SIDE, SIDE))[0])
        for n in range(rounds + 1):
            for name, words in {**commands(picture, Path(folder) / str(n)), **peers}.items():
                took.setdefault(name, []).append(timed(words))
    say(f"A made picture of {SIDE}x{SIDE}, engine `auto`, on {machine('onnxruntime')}; medians of {rounds} rounds.\n")
    say("| from the start of a process to | wall s | CPU s |\n| --- | --- | --- |")
    for name, times in took.items():
        wall, cpu = np.median(times[1:], axis=0)
        say(f"| {name} | {wall:.2f} | {cpu:.2f} |")
    for name in PEERS:
        if not shutil.which(name):
            say(f"| `{name} --help` | not run: not installed | |")


if __name__ == "__main__":
    main()
