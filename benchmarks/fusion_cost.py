"""What ``decide`` costs for 200 candidates on 5 tracked faces, by each method: CPU time on one thread.

    .venv/bin/python benchmarks/fusion_cost.py [--quick]

Needs nothing but the base install: candidates are made, their numbers drawn around what the bundle learnt from, in 5 frames; the
probability from which one stands is set so that a third do, for which intervals are worked out too. ``deep`` cuts its patches out of made pictures. The
bundles are open before the clock. Seconds.
"""

from __future__ import annotations

from beside import interleaved, machine, say  # isort: skip  # sets the threads

import argparse

import numpy as np

from diaphane.core.candidate import Candidate
from diaphane.core.face import Face
from diaphane.engine.bundle import Bundle, open_bundle
from diaphane.fuse import Options, decide
from diaphane.fuse.choice import NAME
from diaphane.fuse.columns import names
from diaphane.fuse.model import METHODS, fusion_model

CANDIDATES, FACES, FRAMES, SIZE = 200, 5, 5, (1280, 720)
STANDING, SEED = 3, 9
"""One of so many stands."""


def candidates(bundle: Bundle) -> list[Candidate]:
    """Numbers around the training's middle, and places far enough apart that most are clusters of their own."""
    rng, model = np.random.default_rng(SEED), fusion_model(bundle)
    middle = dict(zip(model.columns, model.centre.tolist(), strict=True))
    scale = dict(zip(model.columns, model.scale.tolist(), strict=True))
    made = []
    for n in range(CANDIDATES):
        features = {name: float(rng.normal(middle.get(name, 0.0), scale.get(name, 1.0))) for name in names()}
        x, y = int(rng.integers(0, SIZE[0] - 20)), int(rng.integers(0, SIZE[1] - 20))
        features |= {"face_identity": float(n % FACES), "face_x_mm": float(rng.uniform(-70, 70)), "face_u": float(rng.uniform(0, 1)), "face_mm_per_px": 0.5}
        made.append(
            Candidate(
                source_sha256="", size_px=SIZE, image="made", frame=n // (CANDIDATES // FRAMES), candidate=n + 1, label="lesion", box_px=(x, y, 20, 16),
                mask=np.ones((16, 20), bool), probability=float(rng.uniform(0.3, 1)), features=features,
            )
        )  # fmt: skip
    return made


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one round")
    rounds = 1 if parser.parse_args().quick else 15
    faces = tuple(Face(identity=i, box_px=(200.0 * i, 100.0, 180.0, 220.0), score=0.9, state="detected") for i in range(FACES))
    frames = [faces] * FRAMES
    picture = {"made": np.random.default_rng(SEED).integers(0, 255, (SIZE[1], SIZE[0], 3), np.uint8)}
    ways, standing = {}, {}
    for method in METHODS:
        bundle = open_bundle(NAME.format(method))
        made = candidates(bundle)
        everything = decide(made, frames, bundle, Options(operating=0.0), picture).findings  # the most probable first
        options = Options(operating=max(everything[len(everything) // STANDING].probability or 0.0, 0.0))
        ways[method] = lambda made=made, bundle=bundle, options=options: decide(made, frames, bundle, options, picture)
        standing[method] = len(decide(made, frames, bundle, options, picture).findings)
    took = interleaved({name: way for name, way in ways.items() if name != "deep"}, rounds)
    took |= interleaved({"deep": ways["deep"]}, min(rounds, 5))  # apart: threads of its engine that wait for work count as CPU time
    say(f"{CANDIDATES} made candidates on {FACES} faces in {FRAMES} frames, on {machine('numpy', 'onnxruntime')}; {rounds} rounds, one thread.\n")
    say("| method | CPU ms, median (quartiles) | findings |\n| --- | --- | --- |")
    for method, seconds in took.items():
        low, middle, high = 1000 * np.quantile(seconds, [0.25, 0.5, 0.75])
        say(f"| {method} | {middle:.1f} ({low:.1f} to {high:.1f}) | {standing[method]} |")


if __name__ == "__main__":
    main()
