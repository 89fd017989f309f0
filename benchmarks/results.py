"""``make bench``: every benchmark that needs no data of others, one after the other, into ``benchmarks/RESULTS.md``.

    .venv/bin/python benchmarks/results.py

Nothing else should run meanwhile. Some ten minutes on two cores.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
QUESTIONS = {
    "training_step.py": "How much faster is a step of training than in plain float32 torch?",
    "loading.py": "How long does training wait for data?",
    "surface_distance.py": "HD95 and NSD: how fast beside MONAI?",
}
FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")


def machine() -> str:
    """Cores, what the processor can do, and versions."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    flags = [flag for flag in FLAGS if f" {flag} " in text.replace("\n", " ")] or ["flags unknown"]
    libraries = ", ".join(f"{name} {version(name)}" for name in ("torch", "numpy", "opencv-contrib-python-headless", "monai"))
    return f"{os.cpu_count()} cores ({', '.join(flags)}), Python {platform.python_version()}, {libraries}"


def main() -> None:
    """Run all, write the file whole."""
    parts = ["# Benchmarks\n", f"Written by `make bench` on: {machine()}. Ratios are from one interleaved run; seconds hold for this machine only.\n"]
    for script, question in QUESTIONS.items():
        sys.stdout.write(f"{script} …\n")
        sys.stdout.flush()
        done = subprocess.run([sys.executable, str(HERE / script)], check=True, capture_output=True, text=True)  # noqa: S603  # our own scripts
        parts.append(f"## {question}\n\n`python benchmarks/{script}`\n\n{done.stdout.strip()}\n")
    (HERE / "RESULTS.md").write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
