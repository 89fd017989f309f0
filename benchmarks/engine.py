"""A shipped 2-D bundle beside eager PyTorch: same weights, same input, one thread, CPU time; and what its speed costs in Dice.

    .venv/bin/python benchmarks/engine.py [--quick] [--int8 FOLDER]

Needs the extra ``train``; without ``openvino`` its lines are "not run". Some three minutes. The network is that of ``skin_lesion``, at its own size
and at 256x256; PyTorch is given the weights that are in the bundle. Dice is taken on the network's own grid against the truth there: of 100 pictures of
the ISIC 2017 test split where the data is (``DIAPHANE_DATA``), of made ones elsewhere. ``--int8`` takes a bundle that ``diaphane models quantise``
made of it; where Dice would fall by more than 0.002 it makes none.
"""

from __future__ import annotations

from beside import DATA, faster, interleaved, machine, say  # isort: skip  # sets the threads

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from diaphane.acquire.picture import read_picture
from diaphane.core.image import Image
from diaphane.engine.bundle import NETWORK, Bundle, open_bundle
from diaphane.engine.machine import has_openvino
from diaphane.engine.open_vino import runs_bfloat16
from diaphane.engine.options import Options
from diaphane.engine.session import session_of
from diaphane.nets.mirrored import Mirrored
from diaphane.nets.network import network
from diaphane.ops.overlap import dice
from diaphane.ops.picture import read_png
from diaphane.prepare import prepare
from diaphane.prepare.truth import labels_on_grid
from diaphane.simulate.skin import draw_lesion, render_lesion
from diaphane.train.bundles import TRAINING
from diaphane.train.export import onnx_bytes
from diaphane.train.forms_table import read_table
from diaphane.train.init import table_of, weights_of

BUNDLE, LARGE = "skin_lesion", (256, 256)
EAGER = "eager PyTorch, float32"
Run = Callable[[np.ndarray], np.ndarray]
"""(batch, channel, …) to logits (batch, class, …)."""


def eager_of(bundle: Bundle) -> torch.nn.Module:
    """The bundle's first network in PyTorch, as its training built it, with the weights that are in the bundle."""
    recipe, known = bundle.recipe, weights_of(bundle, 0)
    if recipe.input is None:
        raise ValueError(f"{bundle.name} has no network")
    table = table_of(bundle, "network") if TRAINING in bundle.files else {}
    built = {key: table[key] for key in ("encoder", "widths", "norm", "strides", "deep_supervision") if key in table}
    made = network(recipe.network, recipe.input.channels, recipe.classes, dimensions=3 if recipe.input.is_volume else 2, **built)
    names = {name: name if name in known else name.removeprefix("encoder.") for name in made.state_dict()}  # older bundles have no prefix
    made.load_state_dict({name: known[old] for name, old in names.items()})
    looks = table_of(bundle, "output").get("mirror", ()) if TRAINING in bundle.files else ()
    axes = tuple(n - len(looks) for n, mirrored in enumerate(looks) if mirrored)  # the mean over mirror images is part of the bundle's network
    return Mirrored(made, axes).eval() if axes else made.eval()


def run_of(eager: torch.nn.Module) -> Run:
    """A call of it, as one would write it."""

    def run(array: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return np.asarray(eager(torch.from_numpy(array)).numpy())

    return run


def resized(bundle: Bundle, eager: torch.nn.Module, size: tuple[int, int]) -> Bundle:
    """The same network for pictures of another size."""
    recipe = bundle.recipe
    if recipe.input is None:
        raise ValueError(f"{bundle.name} has no network")
    weights = onnx_bytes(eager, (recipe.input.channels, *size))
    return replace(bundle, recipe=replace(recipe, input=replace(recipe.input, size=size)), files={**bundle.files, NETWORK: weights})


def engines(bundle: Bundle, int8: Bundle | None) -> Iterator[tuple[str, Run | str]]:
    """Each of our ways as a call, or why it is not run."""
    yield "ONNX Runtime, float32", session_of(bundle, options=Options(engine="onnxruntime", precision="float32", threads=1))
    for precision in ("float32", "bfloat16", "int8"):
        one = int8 if precision == "int8" else bundle
        if not has_openvino():
            yield f"OpenVINO, {precision}", "not run: not installed"
        elif precision == "bfloat16" and not runs_bfloat16():
            yield f"OpenVINO, {precision}", "not run: the processor does not list it"
        elif one is None:
            yield f"OpenVINO, {precision}", "not run: no such bundle was given (the shipped ones are refused where Dice falls by more than 0.002)"
        else:
            yield f"OpenVINO, {precision}", session_of(one, options=Options(engine="openvino", precision=precision, threads=1))


def pictures(most: int) -> Iterator[tuple[Image, np.ndarray]]:
    """Pictures with their true masks."""
    folder = DATA / "isic2017"
    if not folder.is_dir():
        rng = np.random.default_rng(0)
        for _ in range(min(most, 24)):
            rgb, truth = render_lesion(draw_lesion(rng))
            yield Image(rgb[None]), truth
        return
    for row in [row for row in read_table(folder / "index.csv") if row["split"] == "test"][:most]:
        yield read_picture(folder / row["image"]), read_png(folder / row["mask"]) > 0


def overlaps(bundle: Bundle, runs: dict[str, Run], most: int) -> tuple[dict[str, list[float]], int]:
    """Dice of each way with the truth, picture by picture; and how many pictures there are."""
    found: dict[str, list[float]] = {name: [] for name in runs}
    for image, truth in pictures(most):
        prepared = prepare(image, bundle.recipe)
        target = labels_on_grid(prepared, truth[None].astype(np.uint8), 1)[0] > 0
        for name, run in runs.items():
            logits = run(np.array(prepared.array[None]))[0]
            found[name].append(dice(logits.argmax(axis=0) > 0, target))
    return found, len(found[EAGER])


def table(bundle: Bundle, eager: torch.nn.Module, int8: Bundle | None, *, rounds: int, most: int) -> None:
    """One size: a line a way."""
    shape = bundle.recipe.input.tensor_shape if bundle.recipe.input else ()
    runs: dict[str, Run] = {EAGER: run_of(eager)}
    why: dict[str, str] = {}
    for name, way in engines(bundle, int8):
        if isinstance(way, str):
            why[name] = way
        else:
            runs[name] = way
    sample = np.random.default_rng(0).normal(size=(1, *shape)).astype(np.float32)
    took = interleaved({name: lambda run=run: run(sample) for name, run in runs.items()}, rounds)
    scores, count = overlaps(bundle, runs, most)
    say(f"\n| {'x'.join(map(str, shape))} | CPU ms | faster than eager (quartiles) | Dice, mean of {count} | difference | largest of a picture |")
    say("| --- | --- | --- | --- | --- | --- |")
    for name in runs:
        away = np.subtract(scores[name], scores[EAGER])
        say(
            f"| {name} | {1000 * np.median(took[name]):.1f} | {faster(took[EAGER], took[name])} | {np.mean(scores[name]):.4f} "
            f"| {away.mean():+.5f} | {np.abs(away).max():.4f} |"
        )
    for name, reason in why.items():
        say(f"| {name} | {reason} | | | | |")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few rounds and pictures")
    parser.add_argument("--int8", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    bundle = open_bundle(BUNDLE)
    eager, rounds, most = eager_of(bundle), 3 if given.quick else 30, 4 if given.quick else 100
    say(f"`{BUNDLE}` on {machine('torch', 'onnxruntime', 'openvino')}; one thread, one picture at a time, {rounds} rounds; {source()}.")
    table(bundle, eager, open_bundle(given.int8) if given.int8 else None, rounds=rounds, most=most)
    table(resized(bundle, eager, LARGE), eager, None, rounds=rounds, most=most)


def source() -> str:
    """Of which pictures Dice is."""
    return "Dice on the ISIC 2017 test split" if (DATA / "isic2017").is_dir() else "Dice on made pictures"


if __name__ == "__main__":
    main()
