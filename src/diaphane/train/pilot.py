"""The pilot: a few timed steps turn minutes into a number of steps; short trainings choose among networks.

What timing decides is decided here, once, and written into the recipe; from then on only steps count.
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from diaphane.core.arrays import FloatArray
from diaphane.nets.cost import cost
from diaphane.train.arrays import Arrays
from diaphane.train.batches import Batches
from diaphane.train.build import build
from diaphane.train.checkpoint import Model, read_weights
from diaphane.train.distribute import ALONE, Peers
from diaphane.train.evaluate import mean_interval
from diaphane.train.look import REACH, Look, mean_of_items
from diaphane.train.loop import BEST, arranged, step_once, train
from diaphane.train.machine import Machine
from diaphane.train.optimizers import OPTIMIZERS
from diaphane.train.planner import Planned, candidates, changed
from diaphane.train.recipe import TrainRecipe

log = logging.getLogger(__name__)
WARM, TIMED = 2, 3
"""Steps before and while the watch runs."""
SLICE = 0.15
"""Share of the time left that choosing a network may take."""
SLOW_S = 5.0
"""Steps (and looks) that take longer are timed once."""
TRYING = 0.1
"""Share of the time for finding out how a step is fastest."""
LOOKING = 0.1
"""Share of the time for looking at validation."""
JUDGING = 3.0
"""Times a look that a prediction at the end takes: float32, back onto the source grid, surface distances."""
LEAST_STEPS = 20
CROWDED = 1.2
"""So many times longer a step takes beside those of other folds: they share memory and caches."""
MARGIN = 0.93
"""Share of the time left that is planned for: other programs want the processor too."""


@dataclass(frozen=True, slots=True)
class Way:
    """How the same step may be computed."""

    precision: Literal["float32", "bfloat16"]
    channels_last: bool
    threads: int

    def of(self, recipe: TrainRecipe) -> TrainRecipe:
        """``recipe``, computed this way."""
        return replace(recipe, threads=self.threads, loop=replace(recipe.loop, precision=self.precision, channels_last=self.channels_last))

    def __str__(self) -> str:
        return f"{self.precision}{', channels last' if self.channels_last else ''}, {self.threads} thread{'s' * (self.threads > 1)}"


@dataclass(frozen=True, slots=True)
class Part:
    """The first of the folds: what the pilot trains on and looks at."""

    arrays: Arrays
    training: Sequence[str]
    validation: Sequence[str]
    peers: Peers = ALONE
    """A step of the pilot is this process's share of one."""

    def batches(self, recipe: TrainRecipe) -> Batches:
        """Of the training items."""
        return batches_of(self.arrays, self.training, recipe, peers=self.peers)

    def look(self, recipe: TrainRecipe) -> Look:
        """At the validation items."""
        return Look(self.arrays, self.validation, recipe)


@dataclass(frozen=True, slots=True)
class Time:
    """How long things take."""

    left_s: float
    """For everything from here on."""
    reserved_s: float
    """Of it, for reading all items again at the end, and exporting."""
    judged: int
    """How many items each trained network, or all of them, predict at the end."""
    machine: Machine


def batches_of(arrays: Arrays, names: Sequence[str], recipe: TrainRecipe, fold: int = 0, peers: Peers = ALONE) -> Batches:
    """The batches of a fold's training items, or this process's share of them."""
    size = recipe.input.size
    return Batches(
        arrays=arrays, names=tuple(names), size=(1, size[-2], size[-1]) if len(size) == 2 else (size[0], size[1], size[2]),
        loop=recipe.loop, augment=recipe.augment, task=recipe.data.task, seed=recipe.loop.seed + fold,
        share=peers.share(recipe.loop.batch_size),
    )  # fmt: skip


def settled(planned: Planned, part: Part, clock: Time, *, auto: bool) -> Planned:
    """``planned`` with what timing decides: precision, memory layout, steps, and with ``auto`` the network.

    What the user gave stays as it is.
    """
    begun = time.monotonic()
    if auto:
        planned = _chosen(planned, part, SLICE * (clock.left_s - clock.reserved_s))
    machine = clock.machine
    planned, step_s = _fastest(planned, part, TRYING * max(clock.left_s, 0), machine.rounds)
    crowd = CROWDED if machine.together(planned.recipe) > 1 else 1.0
    item_s = crowd * _item_seconds(planned.recipe, part)
    mirrored = 2 ** sum(planned.recipe.output.mirror)
    judging_s = clock.judged * JUDGING * mirrored * item_s * _volume_share(planned.recipe, part)
    left = MARGIN * (clock.left_s - (time.monotonic() - begun)) - clock.reserved_s - judging_s
    seconds = left / machine.rounds(planned.recipe)
    planned = _with_looks(planned, item_s, seconds, len(part.validation))
    loop = planned.recipe.loop
    return _with_steps(planned, crowd * step_s, item_s * min(loop.validation_items, len(part.validation)), seconds)


def _with_looks(planned: Planned, item_s: float, seconds: float, available: int) -> Planned:
    """As many looks, at as many items, as take a tenth of the time; rather fewer looks than fewer than four items."""
    loop, room = planned.recipe.loop, LOOKING * max(seconds, 0) / max(item_s, 1e-9)
    most = min(loop.validation_items, available)
    looks = next((n for n in (loop.validations, 5, 3, 2) if n <= loop.validations and room / n >= min(4, most)), 1)
    items = max(1, min(most, int(room / looks)))
    why = f"looking takes {LOOKING:.0%} of the time at most; an item took {item_s:.2f} s in the pilot"
    if looks < loop.validations:
        planned = changed(planned, "loop", "validations", looks, why)
    return planned if items >= most else changed(planned, "loop", "validation_items", items, why)


def _with_steps(planned: Planned, step_s: float, look_s: float, seconds: float) -> Planned:
    """As many steps as fit into ``seconds`` a fold, looks at validation included, and no more than were planned."""
    loop = planned.recipe.loop
    if "loop.steps" in planned.given:
        return planned
    fitting = int((seconds - loop.validations * look_s) / step_s)
    steps = max(LEAST_STEPS, min(loop.steps, fitting))
    if fitting < LEAST_STEPS:
        log.warning("a step takes %.2f s: the minutes are too few for a training; %d steps are taken all the same", step_s, steps)
    limit = "what the data asks for" if steps < fitting else f"{max(seconds, 0) / 60:.1f} minutes a fold"
    why = f"{limit}; a step took {step_s:.3f} s in the pilot, a look at validation {look_s:.1f} s"
    planned = changed(planned, "loop", "steps", steps, why)
    planned = changed(planned, "loop", "warmup_steps", min(loop.warmup_steps, max(1, steps // 10)), "a tenth of the steps at most")
    # an average over more of the training would still hold its beginning
    return changed(planned, "loop", "ema", round(min(loop.ema, 1 - 10 / (steps + 10)), 5), "averages over a tenth of the steps at most")


def _fastest(planned: Planned, part: Part, seconds: float, rounds: Callable[[TrainRecipe], int] = lambda recipe: 1) -> tuple[Planned, float]:
    """The precision, memory layout and number of threads with which all ``rounds`` are over first, and how long a step takes.

    After ``seconds`` no other way is tried.
    """
    loop = planned.recipe.loop
    both = loop.precision == "bfloat16" and "loop.precision" not in planned.given
    precisions: list[Literal["float32", "bfloat16"]] = ["bfloat16", "float32"] if both else [loop.precision]
    layouts = [loop.channels_last] if "loop.channels_last" in planned.given else [False, True]
    threads = [planned.recipe.threads] if "threads" in planned.given else sorted({1, planned.recipe.threads}, reverse=True)
    ways = [Way(precision, last, n) for precision in precisions for last in layouts for n in threads]
    batches = part.batches(planned.recipe)
    begun = time.monotonic()
    took: dict[Way, list[float]] = {}
    for way in ways:
        if not took or time.monotonic() - begun < seconds:
            took[way] = _step_seconds(way.of(planned.recipe), batches)
    best = min(took, key=lambda way: min(took[way]) * rounds(way.of(planned.recipe)))
    torch.set_num_threads(best.threads)
    words = f"fastest step in the pilot: {'; '.join(f'{way} {min(times):.3f} s' for way, times in took.items())}"
    if len(ways) > 1:
        planned = changed(planned, "loop", "precision", best.precision, words)
        planned = changed(planned, "loop", "channels_last", best.channels_last, "as fast as any: see precision")
        planned = changed(planned, "", "threads", best.threads, "as fast as any: see loop.precision")
    return planned, float(np.mean(took[best]))


def _step_seconds(recipe: TrainRecipe, batches: Batches) -> list[float]:
    """Of a few steps, once warm."""
    torch.set_num_threads(recipe.threads)
    network = arranged(build(recipe), recipe.loop)
    model = Model(network, arranged(build(recipe), recipe.loop), OPTIMIZERS[recipe.loop.optimizer](network, recipe.loop))
    times: list[float] = []
    for n in range(WARM + TIMED):
        if len(times) > 1 and times[0] > SLOW_S:
            break
        x, y = batches.batch(n)
        begun = time.monotonic()
        step_once(model, recipe.loop, x, y, n)
        times.append(time.monotonic() - begun)
    return times[WARM:] or times[1:]


def _item_seconds(recipe: TrainRecipe, part: Part) -> float:
    """Of a look at one validation item, once warm."""
    look = Look(part.arrays, part.validation[:1], recipe)
    network = build(recipe)
    times: list[float] = []
    for _ in range(2):
        begun = time.monotonic()
        look(network)
        times.append(time.monotonic() - begun)
        if times[0] > SLOW_S:
            break
    return min(times)


def _volume_share(recipe: TrainRecipe, part: Part) -> float:
    """How many times as much of an item is predicted at the end as is looked at."""
    if not recipe.input.is_volume:
        return 1.0
    volumes = [np.prod(part.arrays[name].x.shape[1:]) for name in part.validation[:8]]
    return float(max(1.0, np.mean(volumes) / (REACH**3 * np.prod(recipe.input.size))))


def _chosen(planned: Planned, part: Part, seconds: float) -> Planned:
    """The network that is best after the same time for each, and how far ahead it was: by Dice of each item; of classes by AUC, the interval after DeLong."""
    every = candidates(planned)
    each: dict[str, FloatArray] = {}
    for one in every:
        name = _called(one)
        log.info("pilot    %s: %s", name, cost(build(one.recipe), one.recipe.input.tensor_shape))
        each[name] = _tried(one, part, seconds / len(every))
    scores = {name: float(found.mean()) for name, found in each.items()}
    best = max(scores, key=lambda name: scores[name])
    words = ", ".join(f"{name} {score:.3f}" for name, score in sorted(scores.items(), key=lambda s: -s[1]))
    others = [mean_interval(each[best] - each[name]) for name in scores if name != best]
    sure = sum(apart["ci95"][0] > 0 for apart in others)
    why = f"best of a pilot of {seconds / len(every):.0f} s each: {words}; surely ahead of {sure} of {len(others)} (paired interval above 0)"
    log.info("pilot    %s", why)
    chosen = next(p for p in every if _called(p) == best)
    return changed(chosen, "network", _key(chosen), best, why)


def _key(planned: Planned) -> str:
    """What candidates differ in: of classes only the encoder is used."""
    return "encoder" if planned.recipe.data.task == "classify" else "name"


def _called(planned: Planned) -> str:
    return str(getattr(planned.recipe.network, _key(planned)))


def _tried(planned: Planned, part: Part, seconds: float) -> FloatArray:
    """The metric of each validation item after a training of ``seconds``; of classes what it adds to the AUC, whose mean is the AUC."""
    planned, step_s = _fastest(planned, part, seconds / 4)
    quick = changed(planned, "loop", "validations", 1, "")
    recipe = _with_steps(quick, step_s, 0.0, seconds).recipe
    with tempfile.TemporaryDirectory() as aside:
        network = build(recipe)
        train(network, part.batches(recipe), recipe.loop, part.look(recipe), Path(aside), recipe="", resume=False, title=f"pilot {_called(planned)}")
        read_weights(Path(aside) / BEST, network)
    return mean_of_items(part.look(recipe).each(network))
