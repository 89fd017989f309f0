"""The verb: a data set in, bundles out. Read ``fit`` and you know what a training is."""

from __future__ import annotations

import csv
import io
import logging
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from diaphane.core.storage import write_whole
from diaphane.engine import bundle as names
from diaphane.engine.bundle import Bundle
from diaphane.errors import UsageError
from diaphane.nets.cost import cost
from diaphane.segment import finder_of
from diaphane.train import place
from diaphane.train.build import build
from diaphane.train.bundles import TRAINING, model_recipe
from diaphane.train.check import check
from diaphane.train.dataset import Checked
from diaphane.train.distribute import ALONE, Peers, joined
from diaphane.train.export import fingerprint_bytes
from diaphane.train.fingerprints import fit_fingerprint
from diaphane.train.finish import finish
from diaphane.train.folds import Split, check_split, overlaps, read_split, split, write_split
from diaphane.train.forms import read_dataset
from diaphane.train.init import kept, start_from, table_of, with_tables
from diaphane.train.judge import by_name
from diaphane.train.machine import Machine, this_machine, trainings
from diaphane.train.one_fold import trained
from diaphane.train.options import Options
from diaphane.train.pilot import Part, Time, settled
from diaphane.train.planner import plan
from diaphane.train.planner_draft import Planned, changed
from diaphane.train.planner_look import symmetry
from diaphane.train.read import read_item
from diaphane.train.reasons import dumps
from diaphane.train.recipe import TrainRecipe
from diaphane.train.resume import arrays_of, check_plan, decided
from diaphane.train.side_by_side import train_all
from diaphane.train.work import Work

log = logging.getLogger(__name__)
SHOWN = 8
"""Faults that are printed; the rest is in a file."""
ENOUGH = 60
"""Items from which their fingerprint says something of others."""
LOOKED_AT = 100
"""Pictures whose symmetry decides about mirroring."""
MOST = 1000
"""Items that are looked at for it, about."""
OVERRUN = 1.1
"""Times the minutes from which on it is said."""
AGAIN = 1.5
"""To judge an item takes about this many times what checking and preparing it took."""
EXPORT_S = 8.0
"""To export a fold, about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the caller wants beside the options."""

    overrides: Mapping[str, Any]
    """Tables of the recipe, or parts of them."""
    where: str = "--plan"
    """Where ``overrides`` come from, for messages and reasons."""
    init: Bundle | None = None
    """Whose weights are the first."""
    resume: bool = False


@dataclass(frozen=True, slots=True)
class Start:
    """What a training begins with."""

    begun: float
    """By the monotonic clock: the minutes run from here."""
    machine: Machine
    peers: Peers


def fit(data: Path, out: Path, options: Options, asked: Asked) -> Path:
    """Trains what ``options`` ask for and leaves in ``out`` the recipe, the split, a folder a fold and ``bundle/``, which is returned.

    Raises:
        InputError: The data set is empty, has no labels, one class only, or fewer patients than folds.
        UsageError: Options that contradict each other, the data, or what ``out`` holds.
        TrainingError: Training diverged or ran out of memory.
        StorageError: ``out`` cannot be written; the last checkpoint is kept.
    """
    with joined() as peers:
        if peers.leads:
            _lead(data, out, options, asked, peers)
        else:
            _follow(data, out, peers)
    return out / place.BUNDLE


def _lead(data: Path, out: Path, options: Options, asked: Asked, peers: Peers) -> None:
    """All of it; where there are other processes, they wait until everything is decided and then compute their share of each step."""
    begun, machine = time.monotonic(), this_machine(alone=peers is ALONE)
    with place.training_folder(out, resume=asked.resume) as goes_on:
        if asked.resume and not goes_on:
            log.info("%s: nothing to resume there; a new training begins", out)
        checked = _checked(data, out)
        init = kept(asked.init, out, goes_on=goes_on)
        work = _resumed(checked, out, options, asked) if goes_on else _begun(checked, out, options, asked, Start(begun, machine, peers))
        peers.share(work.recipe.loop.batch_size)
        peers.wait()
        torch.set_num_threads(work.recipe.threads)
        log.info("network  %s", cost(build(work.recipe), work.recipe.input.tensor_shape))
        finish(work, train_all(work, init, machine.together(work.recipe), peers))
        shutil.rmtree(out / place.PREPARED)
        took = (time.monotonic() - begun) / 60
        if took > OVERRUN * work.recipe.minutes:
            log.warning("it took %.1f minutes and was planned for %.1f: the machine was slower than in the pilot", took, work.recipe.minutes)


def _follow(data: Path, out: Path, peers: Peers) -> None:
    """What every other process does."""
    checked = check(read_dataset(data))
    peers.wait()
    work = decided(checked, out)
    torch.set_num_threads(work.recipe.threads)
    for fold in work.jobs:
        trained(fold, work, kept(None, out, goes_on=True), peers)


def _checked(data: Path, out: Path) -> Checked:
    """The data set without what cannot be used; what is wrong with which file is said, and kept in ``check.csv``."""
    checked = check(read_dataset(data))
    found = checked.dataset
    one, many = ("class", "classes") if found.task == "classify" else ("structure", "structures")
    named = ", ".join(label.name for label in found.labels)
    log.info("data     %s: %d items, %d %s (%s)", found.form, len(found.items), len(found.labels), one if len(found.labels) == 1 else many, named)
    if found.task == "classify":
        log.info("data     of a network for classes only the encoder is used, with a pooled linear head")
    if not found.patients_known:
        log.info("data     patients are not known: each item counts as a patient of its own")
    for fault in checked.faults[:SHOWN]:
        log.warning("data     %s%s%s", f"{fault.item}: " if fault.item else "", fault.what, "; left out" if fault.left_out else "")
    if len(checked.faults) > SHOWN:
        log.warning("data     and %d more: %s", len(checked.faults) - SHOWN, out / place.CHECK)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("item", "left_out", "what"), *((f.item, f.left_out, f.what) for f in checked.faults)])
    write_whole(out / place.CHECK, text.getvalue().encode())
    return checked


def _begun(checked: Checked, out: Path, options: Options, asked: Asked, start: Start) -> Work:
    """Everything decided: planned, split, prepared, timed, written down."""
    overrides = with_tables(asked.init, asked.overrides, checked.dataset.task)
    machine = start.machine
    planned = plan(
        checked,
        options,
        overrides,
        machine.memory_bytes,
        machine.processors,
        symmetry=_symmetry(checked),
        where=asked.where if asked.overrides or not asked.init else "--init",
    )
    start.peers.share(planned.recipe.loop.batch_size)
    parts, planned = _split(checked, planned, options, out)
    arrays = arrays_of(checked, planned.recipe, parts, out)
    read_s = (time.monotonic() - start.begun) / len(checked.dataset.items)
    part = Part(arrays, parts.training(planned.recipe.fold[0]), parts.validation(planned.recipe.fold[0]), start.peers)
    planned = settled(planned, part, _clock(planned.recipe, parts, start, read_s), auto=options.network == "auto")
    arrays = arrays_of(checked, planned.recipe, parts, out)
    if planned.recipe.network.frozen_encoder and not asked.init:
        raise UsageError(f"{asked.where}:network.frozen_encoder: nothing would have taught the encoder; give --init a bundle, or leave it out")
    if asked.init:
        start_from(build(planned.recipe), asked.init, 0)  # before anything is written: does it fit?
    text = (dumps(planned) + _origins(asked.init, planned.recipe)).encode()
    write_whole(out / place.RECIPE, text)
    log.info("recipe   %s", out / place.RECIPE)
    return Work(checked, planned.recipe, parts, arrays, out, _texts(checked, planned.recipe, parts, text), asked.init)


def _origins(init: Bundle | None, recipe: TrainRecipe) -> str:
    """Which other bundles the weights depend on; a warning where one learnt from this very data."""
    finder = finder_of(model_recipe(recipe))
    if init and table_of(init, "data").get("digest") == recipe.data.digest:
        log.warning("init     '%s' learnt from this very data: held-out figures are too high unless its split.json is used and it is an ensemble", init.name)
    lines = [f"# first weights: the bundle '{init.name}', sha256 {init.weights_sha256}\n"] if init else []
    lines += [f"# the part that is looked at is found by the bundle '{finder.name}', sha256 {finder.weights_sha256}\n"] if finder else []
    return "\n" + "".join(lines) if lines else ""


def _resumed(checked: Checked, out: Path, options: Options, asked: Asked) -> Work:
    """Everything as it was decided before.

    Raises:
        UsageError: The data is another, or ``options`` or the plan ask for something else.
    """
    work = decided(checked, out, options)
    check_plan(asked.overrides, work.recipe, str(out))
    return replace(work, texts=_texts(checked, work.recipe, work.parts, (out / place.RECIPE).read_bytes()))


def _split(checked: Checked, planned: Planned, options: Options, out: Path) -> tuple[Split, Planned]:
    """The split that lies there, or a new one, written; and the plan with as many folds as it has."""
    file = out / place.SPLIT
    recipe = planned.recipe
    if file.exists():
        parts, why = read_split(file, [item.name for item in checked.dataset.items]), "as split.json has them"
        for sentence in check_split(checked.dataset, parts, str(file)):
            log.warning("split    %s", sentence)
        if "folds" in planned.given and len(parts.folds) != recipe.folds:
            raise UsageError(f"{file}: holds {len(parts.folds)} folds, {recipe.folds} are asked for; give --folds {len(parts.folds)} or remove the file")
    else:
        published = not planned.given & {"folds", "fold", "final"} and any(item.part == "valid" for item in checked.dataset.items)
        for sentence in overlaps(checked.dataset).messages:
            log.warning("split    %s", sentence)
        parts, why = split(checked, recipe.folds, recipe.loop.seed, published=published), "the publisher's validation part and the rest"
        write_split(file, parts)
    sizes = ", ".join(str(len(fold)) for fold in parts.folds)
    log.info("split    folds of %s items%s: %s", sizes, f", {len(parts.test)} of the publisher's for the test" if parts.test else "", file)
    if len(parts.folds) != recipe.folds:
        planned = changed(changed(planned, "", "folds", len(parts.folds), why), "", "fold", recipe.fold, why)
    return parts, planned


def _texts(checked: Checked, recipe: TrainRecipe, parts: Split, text: bytes) -> dict[str, bytes]:
    """What goes into every bundle beside the network: how it was trained, and, of enough items, what they look like."""
    texts = {TRAINING: text}
    every = [name for fold in parts.folds for name in fold]
    if len(every) >= ENOUGH:
        items = by_name(checked, every)[:: max(1, len(every) // MOST)]
        images = (read_item(replace(item, mask=None), checked.values)[0] for item in items)
        texts[names.FINGERPRINT] = fingerprint_bytes(fit_fingerprint(images, [item.patient for item in items], recipe.augment, recipe.loop.seed))
    return texts


def _symmetry(checked: Checked) -> tuple[float, float] | None:
    """How like their mirror images the pictures are together; None of volumes and classes."""
    learnt = [item for item in checked.dataset.items if item.part != "test"]
    items = learnt[:: max(1, len(learnt) // LOOKED_AT)]
    if checked.dataset.task == "classify" or next(iter(checked.facts.values())).shape[0] > 1:
        return None
    read = (read_item(item, checked.values) for item in items)
    return symmetry((image.array[0], None if labels is None else labels[0]) for image, labels in read)


def _clock(recipe: TrainRecipe, parts: Split, start: Start, read_s: float) -> Time:
    """The minutes that are left, and those of them that the evaluation will take."""
    judged = sum(len(parts.validation(fold)) for fold in recipe.fold) + len(parts.test) * (1 if recipe.final else len(recipe.fold))
    return Time(
        left_s=60 * recipe.minutes - (time.monotonic() - start.begun),
        reserved_s=judged * read_s * AGAIN + EXPORT_S * trainings(recipe),
        judged=judged,
        machine=start.machine,
    )
