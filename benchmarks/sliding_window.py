"""Sliding windows over a volume, beside MONAI: same network, same patch, same overlap; processor time, peak memory, and what windows cost above the network.

    .venv/bin/python benchmarks/sliding_window.py [--quick | --full]

Needs the extra ``train`` for the networks, ``bench`` for MONAI, ``openvino`` for its lines; what is missing is "not run". Each run is a process of its
own, so that its peak memory is its own; one thread each; loading, and a first window, are before the clock. Ours gives a label map, the probability of
any structure and the uncertainty; MONAI the class maps, from which a label map would still have to be made (more time and memory, not counted). The
bare network is the same number of windows without anything around them. First the shipped ``hippocampus`` on noise, where MONAI's network is given
the bundle's weights; then memory, with random weights. Five minutes; ``--full`` takes the volumes of the table in the documentation for
memory, where the network is a stand-in (one convolution): an hour, and 20 GB.
"""

from __future__ import annotations

from beside import alone, machine, say, told  # isort: skip  # sets the threads

import argparse
import hashlib
import json
import math
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np

PATCH, WIDTHS, OVERLAP, SHIPPED = (40, 56, 40), (16, 32, 64, 128), 0.5, "hippocampus"
Shape = tuple[int, int, int]
SMALL = {"96x96x80, 5 classes": ((80, 96, 96), 5), "64x64x64, 105 classes": ((64, 64, 64), 105)}
LEAST = {"64x96x64, 5 classes": ((64, 96, 64), 5)}
FULL = {
    "512x512x300, 5 classes": ((300, 512, 512), 5), "256x256x200, 105 classes": ((200, 256, 256), 105),
    "512x512x300, 105 classes": ((300, 512, 512), 105),
}  # fmt: skip
SPEED: Shape = (100, 112, 100)
MOST = 20e9
"""MONAI is not run where its class maps alone would take more bytes than this."""
ROUNDS = 3
ENGINES = (("onnxruntime", "float32"), ("openvino", "float32"), ("openvino", "bfloat16"))
Run = Callable[[np.ndarray], object]
"""Of a volume (channel, k, j, i)."""


@dataclass(frozen=True, slots=True)
class Work:
    """What one process is to do."""

    way: str
    bundle: str
    """A folder, or a shipped name."""
    shape: Shape
    classes: int
    stand_in: bool = False
    """Whether the network is one convolution."""
    engine: str = "onnxruntime"
    precision: str = "auto"


def network(classes: int, *, stand_in: bool) -> Any:
    """The hippocampus network's shape, untrained; or one convolution."""
    import torch

    from diaphane.nets.network import network as build

    torch.manual_seed(0)
    if stand_in:
        return torch.nn.Conv3d(1, classes, 1).eval()
    return build("unet", 1, classes, dimensions=3, widths=WIDTHS).eval()


def bundle(folder: Path, classes: int, *, stand_in: bool) -> Path:
    """As a bundle on disk."""
    from diaphane.train.export import onnx_bytes

    labels = "".join(f'[[labels]]\nvalue = {n}\nname = "structure {n}"\nrole = "anatomy"\n' for n in range(1, classes))
    recipe = (
        f'name = "random"\ntask = "segment"\nmodality = "noise"\nnetwork = "unet"\nlicence = "none"\nsmallest_part = 0.0\n{labels}'
        f'[input]\nchannels = 1\nsize = {list(PATCH)}\nfit = "windows"\nnormalisation = "z-score"\nspacing_mm = [1.0, 1.0, 1.0]\n'
    )
    files = {"model.onnx": onnx_bytes(network(classes, stand_in=stand_in), (1, *PATCH)), "recipe.toml": recipe.encode()}
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / "SHA256SUMS").write_text("".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items()))
    return folder


def ours(work: Work) -> Run:
    """``diaphane.segment.predict`` on a volume that lies on the network's grid; its source image takes no memory, as MONAI's takes none."""
    from diaphane.core.geometry import Geometry
    from diaphane.core.image import Image
    from diaphane.core.prepared import Prepared
    from diaphane.engine.bundle import open_bundle
    from diaphane.engine.options import Options as EngineOptions
    from diaphane.engine.session import running
    from diaphane.segment import Options, predict

    upright = Geometry(np.array([[0, 0, 1.0, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]]), calibrated=True)
    made, options = open_bundle(work.bundle), EngineOptions(engine=work.engine, precision=work.precision, threads=1)  # type: ignore[arg-type]

    def run(array: np.ndarray) -> object:
        image = Image(np.broadcast_to(np.zeros((), np.int16), array.shape[1:]), upright)
        with running(options):
            return predict(Prepared(array, image), made, Options(overlap=OVERLAP))

    return run


def bare(work: Work) -> Run:
    """The network alone, as many windows of one volume as ours looks at."""
    from diaphane.engine.bundle import open_bundle
    from diaphane.engine.options import Options
    from diaphane.engine.session import session_of

    session = session_of(open_bundle(work.bundle), options=Options(engine=work.engine, precision=work.precision, threads=1))  # type: ignore[arg-type]

    def run(array: np.ndarray) -> None:
        window = array[None, :, : PATCH[0], : PATCH[1], : PATCH[2]]
        for _ in range(math.prod(1 + math.ceil((n - side) / int(side * (1 - OVERLAP))) for n, side in zip(array.shape[1:], PATCH, strict=True))):
            session(window)

    return run


def monai(work: Work) -> Run:
    """MONAI's ``sliding_window_inference`` with eager torch."""
    import torch
    from monai.inferers.utils import sliding_window_inference

    torch.set_num_threads(1)
    if work.bundle == SHIPPED:
        from diaphane.engine.bundle import open_bundle
        from engine import eager_of

        net: Any = eager_of(open_bundle(SHIPPED))
    else:
        net = network(work.classes, stand_in=work.stand_in)

    def run(array: np.ndarray) -> object:
        with torch.inference_mode():
            return sliding_window_inference(torch.from_numpy(array[None]), PATCH, 1, lambda w: net(w).softmax(1), overlap=OVERLAP, mode="gaussian")

    return run


WAYS: dict[str, Callable[[Work], Run]] = {"ours": ours, "bare": bare, "monai": monai}


def child(text: str) -> None:
    """One run in this process: CPU seconds of the run alone, and the peak of the process."""
    values = json.loads(text)
    work = Work(**{**values, "shape": tuple(values["shape"])})
    run, array = WAYS[work.way](work), np.random.default_rng(0).standard_normal((1, *work.shape), np.float32)
    run(array[:, : PATCH[0], : PATCH[1], : PATCH[2]].copy())
    begun = time.process_time()
    run(array)
    told(cpu_s=time.process_time() - begun)


def measured(works: dict[str, Work], rounds: int) -> dict[str, dict[str, float]]:
    """The median of CPU seconds and peak of each, in turns."""
    seen: dict[str, list[dict[str, Any]]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            seen[name].append(alone(__file__, json.dumps(asdict(work))))
    return {name: {key: float(np.median([one[key] for one in runs])) for key in ("cpu_s", "peak_mb")} for name, runs in seen.items()}


def speed(shape: Shape, rounds: int) -> None:
    """The shipped bundle: a line an engine."""
    from diaphane.engine.machine import has_openvino
    from diaphane.engine.open_vino import runs_bfloat16

    engines = [one for one in ENGINES if one[0] == "onnxruntime" or (has_openvino() and (one[1] == "float32" or runs_bfloat16()))]
    base = Work("ours", SHIPPED, shape, 3)
    works = {
        f"{way} {engine} {precision}": replace(base, way=way, engine=engine, precision=precision) for engine, precision in engines for way in ("ours", "bare")
    }
    works |= {"monai": replace(base, way="monai")} if util.find_spec("monai") else {}
    seen = measured(works, rounds)
    peer = seen.get("monai", {"cpu_s": math.nan})["cpu_s"]
    say(f"`{SHIPPED}` on noise of {'x'.join(map(str, shape))}, patch {'x'.join(map(str, PATCH))}, overlap {OVERLAP}, {rounds} rounds.\n")
    say("| ours with | MONAI, eager torch, CPU s | ours, CPU s | faster | bare network, CPU s | ours above it |")
    say("| --- | --- | --- | --- | --- | --- |")
    for engine, precision in ENGINES:
        if (engine, precision) not in engines:
            say(f"| {engine}, {precision} | | not run | | | |")
            continue
        own, net = (seen[f"{way} {engine} {precision}"]["cpu_s"] for way in ("ours", "bare"))
        say(f"| {engine}, {precision} | {peer:.1f} | {own:.1f} | {peer / own:.1f}x | {net:.1f} | {own / net - 1:+.1%} |")


def memory(volumes: dict[str, tuple[Shape, int]], rounds: int, *, stand_in: bool) -> None:
    """Random weights: a line a volume, as soon as it is known."""
    say(f"\nRandom weights, {'one convolution in place of the network' if stand_in else '3-D U-Net of 1.4 M parameters'}, ours with onnxruntime.\n")
    say("| volume | MONAI, MB at the peak | ours, MB | share | MONAI, CPU s | ours, CPU s |\n| --- | --- | --- | --- | --- | --- |")
    for name, (shape, classes) in volumes.items():
        with tempfile.TemporaryDirectory() as folder:
            base = Work("ours", str(bundle(Path(folder) / "b", classes, stand_in=stand_in)), shape, classes, stand_in)
            fits = util.find_spec("monai") is not None and 4 * classes * math.prod(shape) < MOST
            seen = measured({"ours": base} | ({"monai": replace(base, way="monai")} if fits else {}), rounds)
        own, peer = seen["ours"], seen.get("monai")
        theirs = ("not run", "", "") if peer is None else (f"{peer['peak_mb']:.0f}", f"{own['peak_mb'] / peer['peak_mb']:.2f}", f"{peer['cpu_s']:.1f}")
        say(f"| {name} | {theirs[0]} | {own['peak_mb']:.0f} | {theirs[1]} | {theirs[2]} | {own['cpu_s']:.1f} |")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small volumes, one round")
    parser.add_argument("--full", action="store_true", help="the large volumes for memory")
    given = parser.parse_args()
    say(f"On {machine('torch', 'monai', 'onnxruntime', 'openvino')}; one thread.\n")
    rounds = 1 if given.quick else ROUNDS
    speed((60, 84, 60) if given.quick else SPEED, rounds)
    memory(FULL if given.full else LEAST if given.quick else SMALL, 1 if given.full else rounds, stand_in=given.full)


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1].startswith("{"):
        child(sys.argv[1])
    else:
        main()
