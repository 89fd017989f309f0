"""What the benchmarks share: turns on one thread, processes of their own, and what the machine is. Imported before numpy: that reads the threads."""

from __future__ import annotations

import os

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"), "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import json
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

THREADS = tuple(name for name in os.environ if name.endswith("_THREADS"))
"""What was set above: not for scripts that choose their threads themselves."""
FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "asimddp", "bf16")
DATA = Path(os.environ.get("DIAPHANE_DATA", Path(__file__).parents[2] / "shared" / "data"))
Way = Callable[[], object]


def machine(*packages: str) -> str:
    """Cores, what the processor can do, and the versions of ``packages`` that are here."""
    try:
        words = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    except OSError:
        words = set()
    flags = [flag for flag in FLAGS if flag in words] or ["flags unknown"]
    return f"{os.cpu_count()} cores ({', '.join(flags)}), Python {platform.python_version()}, {', '.join(map(version, packages))}"


def version(package: str) -> str:
    """Name and version, or that it is not here."""
    try:
        return f"{package} {metadata.version(package)}"
    except metadata.PackageNotFoundError:
        return f"{package} not installed"


def say(text: str) -> None:
    """A line, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def interleaved(ways: Mapping[str, Way], rounds: int) -> dict[str, list[float]]:
    """CPU seconds of each way, one after the other, ``rounds`` times after a first that does not count."""
    took: dict[str, list[float]] = {name: [] for name in ways}
    for n in range(rounds + 1):
        for name, way in ways.items():
            begun = time.process_time()
            way()
            if n:
                took[name].append(time.process_time() - begun)
    return took


def faster(theirs: Sequence[float], own: Sequence[float]) -> str:
    """How many times as fast ours is, round by round: the median, and the quartiles."""
    low, middle, high = np.quantile(np.divide(theirs, own), [0.25, 0.5, 0.75])
    return f"{middle:.1f}x ({low:.1f} to {high:.1f})"


def alone(script: str, *words: object) -> dict[str, Any]:
    """What ``script``, run with these ``words`` in a process of its own, ends its output with: a line of JSON, see ``told``."""
    done = subprocess.run([sys.executable, script, *map(str, words)], capture_output=True, text=True, check=False)  # noqa: S603  # our own scripts
    if done.returncode:
        raise RuntimeError(f"{Path(script).name} {' '.join(map(str, words))}: {done.stderr.strip()[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().rpartition("\n")[2])
    return found


def told(**figures: object) -> None:
    """The line for ``alone``: ``figures``, and the peak of this process."""
    sys.stdout.write("\n" + json.dumps({**figures, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}) + "\n")
