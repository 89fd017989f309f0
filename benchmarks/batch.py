"""A folder of cases: one after the other, side by side in processes, and on Dask workers. Wall and processor time, the same bytes asked for.

    .venv/bin/python benchmarks/batch.py [--pictures FOLDER] [--volumes FOLDER] [--count N] [--rounds N] [--skip-dask]

Without folders the input is made: lesions of 256x192 and heads of ellipsoids. Every run is the command line with a new case folder, start included;
Dask's scheduler and workers (one thread each) run already and have made a case before, as they would have. Nothing else should run meanwhile:
wall time is the question. Some minutes on two cores.
"""

from __future__ import annotations

from beside import machine, say  # isort: skip  # sets the threads of this process

import argparse
import hashlib
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
ENVIRONMENT = {**{name: value for name, value in os.environ.items() if name not in THREADS}, "SOURCE_DATE_EPOCH": "1700000000", "OMP_WAIT_POLICY": "PASSIVE"}
PLAN = '[engine]\nengine = "onnxruntime"\nthreads = {threads}\n'


def made_pictures(folder: Path, count: int) -> Path:
    """Lesions drawn from seeds."""
    from diaphane.ops.picture import write_png
    from diaphane.simulate.skin import draw_lesion, render_lesion

    for seed in range(count):
        write_png(folder / f"lesion-{seed:03d}.png", render_lesion(draw_lesion(np.random.default_rng(seed), 192, 256))[0])
    return folder


def made_volumes(folder: Path, count: int) -> Path:
    """Heads drawn from seeds."""
    from diaphane.ops.nifti import write_nifti
    from diaphane.simulate.head import head_phantom

    for seed in range(count):
        image = head_phantom(np.random.default_rng(seed)).image
        write_nifti(folder / f"head-{seed:03d}.nii.gz", image.array, image.geometry)
    return folder


def some_of(folder: Path, to: Path, count: int) -> Path:
    """The first ``count`` files of a folder, as links."""
    for path in sorted(p for p in folder.iterdir() if p.is_file())[:count]:
        (to / path.name).symlink_to(path.resolve())
    return to


@contextmanager
def dask(workers: int, scratch: Path) -> Iterator[str]:
    """The address of a scheduler with so many workers, each a process with one thread."""
    where = scratch / "scheduler.json"
    commands = [["scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(where)]]
    commands += [["worker", "--scheduler-file", str(where), "--nthreads", "1", "--no-dashboard", "--local-directory", str(scratch / "local")]] * workers
    with ExitStack() as stack:
        for words in commands:
            process = subprocess.Popen([sys.executable, "-m", "dask", *words], env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
            stack.callback(process.wait)
            stack.callback(process.terminate)
            while not where.exists():
                time.sleep(0.1)
        from distributed import Client

        address = json.loads(where.read_text())["address"]
        with Client(address, timeout=60) as client:
            client.wait_for_workers(workers, timeout=120)
        yield address


def run(source: Path, out: Path, plan: Path, words: Sequence[str]) -> tuple[float, float]:
    """Wall and CPU seconds of the command and of all that it starts."""
    begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "diaphane", "run", str(source), "--out", str(out), "--plan", str(plan), *words]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)  # noqa: S603  # ourselves
    if done.returncode not in (0, 3, 4):
        raise SystemExit(done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - begun, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def digest_of(folder: Path) -> str:
    """Of all its files: names and bytes."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return hashlib.sha256(b"".join(str(p.relative_to(folder)).encode() + p.read_bytes() for p in files)).hexdigest()


def compared(title: str, source: Path, ways: dict[str, tuple[int, list[str]]], rounds: int, scratch: Path) -> None:
    """A table; all ways in turns."""
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    seen: dict[int, set[str]] = {}
    for _ in range(rounds):
        for name, (threads, words) in ways.items():
            plan, out = scratch / f"{threads}.toml", scratch / "out"
            plan.write_text(PLAN.format(threads=threads))
            took[name].append(run(source, out, plan, words))
            seen.setdefault(threads, set()).add(digest_of(out))
            shutil.rmtree(out)
    say(f"\n**{title}**, {len(list(source.iterdir()))} cases, medians of {rounds}\n\n| | wall, s | CPU, s | faster |\n| --- | --- | --- | --- |")
    first = statistics.median(wall for wall, _ in next(iter(took.values())))
    for name, times in took.items():
        wall, cpu = (statistics.median(column) for column in zip(*times, strict=True))
        say(f"| {name} | {wall:.1f} | {'' if 'Dask' in name else f'{cpu:.1f}'} | {first / wall:.2f}x |")
    same = all(len(digests) == 1 for digests in seen.values())
    say(f"\nThe same bytes for the same number of engine threads: {'yes' if same else 'NO'}.")


def main() -> None:
    """Pictures, then volumes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--volumes", type=Path)
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--skip-dask", action="store_true")
    parsed = parser.parse_args()
    say(f"On {machine('onnxruntime', 'numpy', 'distributed')}.")
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        scratch = Path(name)
        few = max(2, parsed.count // 6)
        for part in ("pictures", "volumes", "one", "two", "warm"):
            (scratch / part).mkdir()
        pictures, volumes = scratch / "pictures", scratch / "volumes"
        _ = some_of(parsed.pictures, pictures, parsed.count) if parsed.pictures else made_pictures(pictures, parsed.count)
        _ = some_of(parsed.volumes, volumes, few) if parsed.volumes else made_volumes(volumes, few)
        ways: dict[str, tuple[int, list[str]]] = {
            "one after the other": (0, ["--jobs", "1"]),
            "2 processes": (0, ["--jobs", "2"]),
            "one after the other, one engine thread": (1, ["--jobs", "1"]),
            "2 processes, one engine thread each": (1, ["--jobs", "2"]),
        }
        if not parsed.skip_dask:
            addresses = {n: stack.enter_context(dask(n, scratch / word)) for n, word in ((1, "one"), (2, "two"))}
            ways |= {f"Dask, {n} worker{'s' * (n > 1)}": (0, ["--engine-address", address]) for n, address in addresses.items()}
            (scratch / "warm.toml").write_text(PLAN.format(threads=0))
            for n, address in addresses.items():
                run(some_of(pictures, scratch / "warm", 4), scratch / f"warm{n}", scratch / "warm.toml", ["--engine-address", address])
                for path in (scratch / "warm").iterdir():
                    path.unlink()
        compared("Pictures", pictures, ways, parsed.rounds, scratch)
        compared("Volumes", volumes, ways, parsed.rounds, scratch)


if __name__ == "__main__":
    main()
